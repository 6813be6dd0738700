package client

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// GrantFilter selects grants; empty members select all. Fleet is the path of one
// fleet, without those below it; For is the id of a principal or of a group.
type GrantFilter struct{ Fleet, For string }

// CreateGrant gives a role on a branch.
func (c *Client) CreateGrant(ctx context.Context, grant resource.NewGrant) (resource.Grant, error) {
	return get[resource.Grant](ctx, c, call{method: http.MethodPost, path: []string{"grants"}, body: grant})
}

// GrantsPart lists a part of the grants that the caller may know of.
func (c *Client) GrantsPart(ctx context.Context, f GrantFilter, p resource.Page) (resource.List[resource.Grant], error) {
	return part[resource.Grant](ctx, c, p, filter("fleet", f.Fleet, "for", f.For), "grants")
}

// Grant returns a grant.
func (c *Client) Grant(ctx context.Context, id string) (resource.Grant, error) {
	return get[resource.Grant](ctx, c, call{method: http.MethodGet, path: []string{"grants", id}})
}

// DeleteGrant takes a grant back.
func (c *Client) DeleteGrant(ctx context.Context, id string) error {
	_, _, err := c.read(ctx, call{method: http.MethodDelete, path: []string{"grants", id}})
	return err
}

// RolesPart lists a part of the roles: the built-in ones, and after them the
// organisation's own by name.
func (c *Client) RolesPart(ctx context.Context, p resource.Page) (resource.List[resource.Role], error) {
	return part[resource.Role](ctx, c, p, filter(), "roles")
}

// PutRole makes a role of the organisation's own, or changes it wherever it was
// granted.
func (c *Client) PutRole(ctx context.Context, name string, permissions []string) (resource.Role, error) {
	return get[resource.Role](ctx, c, call{
		method: http.MethodPut, path: []string{"roles", name}, body: resource.RolePermissions{Permissions: permissions},
	})
}

// DeleteRole deletes a role of the organisation's own: its grants give nothing any
// more.
func (c *Client) DeleteRole(ctx context.Context, name string) error {
	_, _, err := c.read(ctx, call{method: http.MethodDelete, path: []string{"roles", name}})
	return err
}

// Explain tells whether somebody may do something somewhere, and which grant
// decides.
func (c *Client) Explain(ctx context.Context, q resource.Question) (resource.Explanation, error) {
	return get[resource.Explanation](ctx, c, call{method: http.MethodPost, path: []string{"access", "explain"}, body: q})
}
