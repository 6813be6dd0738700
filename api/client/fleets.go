package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// CreateFleet makes a fleet, and what is missing of its path. One that is there is
// returned as it is.
func (c *Client) CreateFleet(ctx context.Context, path string) (resource.Fleet, error) {
	return get[resource.Fleet](ctx, c, call{method: http.MethodPost, path: []string{"fleets"}, body: resource.NewFleet{Path: path}})
}

// FleetsPart lists a part of the fleets right below one, an id or a path, by name;
// without a parent, of the highest that the caller may read.
func (c *Client) FleetsPart(ctx context.Context, parent string, p resource.Page) (resource.List[resource.Fleet], error) {
	return part[resource.Fleet](ctx, c, p, filter("parent", parent), "fleets")
}

// FleetAt returns the fleet that a path names.
func (c *Client) FleetAt(ctx context.Context, path string) (resource.Fleet, error) {
	list, err := get[resource.List[resource.Fleet]](ctx, c, call{method: http.MethodGet, path: []string{"fleets"}, query: filter("path", path)})
	if err != nil {
		return resource.Fleet{}, err
	}
	if len(list.Items) != 1 {
		return resource.Fleet{}, fmt.Errorf("the server has %d fleets at %s: its answer is not what this version expects", len(list.Items), path)
	}
	return list.Items[0], nil
}

// Fleet returns a fleet by its id.
func (c *Client) Fleet(ctx context.Context, id string) (resource.Fleet, error) {
	return get[resource.Fleet](ctx, c, call{method: http.MethodGet, path: []string{"fleets", id}})
}

// EditFleet renames or moves a fleet, with all that is below it.
func (c *Client) EditFleet(ctx context.Context, id string, edit resource.FleetEdit) (resource.Fleet, error) {
	return get[resource.Fleet](ctx, c, call{method: http.MethodPatch, path: []string{"fleets", id}, body: edit})
}

// DeleteFleet deletes a fleet in which there is nothing.
func (c *Client) DeleteFleet(ctx context.Context, id string) error {
	_, _, err := c.read(ctx, call{method: http.MethodDelete, path: []string{"fleets", id}})
	return err
}

// SetPolicy replaces what a fleet itself says.
func (c *Client) SetPolicy(ctx context.Context, id string, change resource.PolicyChange) (resource.Fleet, error) {
	return get[resource.Fleet](ctx, c, call{method: http.MethodPut, path: []string{"fleets", id, "policy"}, body: change})
}

// FleetEffective tells what holds at a fleet, and from which ancestor.
func (c *Client) FleetEffective(ctx context.Context, id string) (resource.Effective, error) {
	return get[resource.Effective](ctx, c, call{method: http.MethodGet, path: []string{"fleets", id, "effective"}})
}

// DeviceEffective tells what holds for a device, and from which fleet.
func (c *Client) DeviceEffective(ctx context.Context, id string) (resource.Effective, error) {
	return get[resource.Effective](ctx, c, call{method: http.MethodGet, path: []string{"devices", id, "effective"}})
}

// PreviewPart tells one part of what a change of a fleet would do, and changes
// nothing. after is the Next of the part before; empty for the first.
func (c *Client) PreviewPart(ctx context.Context, id string, change resource.PreviewedChange, after string) (resource.Preview, error) {
	return get[resource.Preview](ctx, c, call{
		method: http.MethodPost, path: []string{"fleets", id, "preview"}, query: filter("after", after), body: change,
	})
}
