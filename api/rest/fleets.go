package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type fleetPath struct {
	ID string `path:"id" maxLength:"64" doc:"The fleet's id; root for the whole tree"`
}

func (d *door) addFleets() {
	handle(d, operation{
		id: "create-fleet", method: http.MethodPost, path: "/api/v1/fleets", permission: identity.FleetCreate,
		summary: "Create a fleet, and what is missing of its path; one that is there is answered as it is", status: http.StatusCreated,
	}, d.createFleet)
	handle(d, operation{
		id: "list-fleets", method: http.MethodGet, path: "/api/v1/fleets", permission: identity.FleetRead,
		summary: "List the fleets right below one, by name; without a parent the highest that the caller may read",
	}, d.listFleets)
	handle(d, operation{
		id: "show-fleet", method: http.MethodGet, path: "/api/v1/fleets/{id}", permission: identity.FleetRead,
		summary: "Show a fleet with its own policy",
	}, d.showFleet)
	handle(d, operation{
		id: "edit-fleet", method: http.MethodPatch, path: "/api/v1/fleets/{id}", permission: identity.FleetEdit,
		summary: "Rename or move a fleet, with all that is below it; a move takes more than this permission where it shifts power or policy", waits: true,
	}, d.editFleet)
	handle(d, operation{
		id: "delete-fleet", method: http.MethodDelete, path: "/api/v1/fleets/{id}", permission: identity.FleetDelete,
		summary: "Delete a fleet that has no fleets below it, no devices, no orders, and no grants or tokens but such as have ended", status: http.StatusNoContent, waits: true,
	}, d.deleteFleet)
	handle(d, operation{
		id: "set-fleet-policy", method: http.MethodPut, path: "/api/v1/fleets/{id}/policy", permission: identity.PolicySet,
		summary: "Replace what a fleet itself says; every fault of the policy is told at once", waits: true,
	}, d.setFleetPolicy)
	handle(d, operation{
		id: "show-fleet-effective", method: http.MethodGet, path: "/api/v1/fleets/{id}/effective", permission: identity.FleetRead,
		summary: "Tell what holds at a fleet, and from which ancestor",
	}, d.showFleetEffective)
	handle(d, operation{
		id: "show-device-effective", method: http.MethodGet, path: "/api/v1/devices/{id}/effective", permission: identity.DeviceRead,
		summary: "Tell what holds for a device, and from which fleet",
	}, d.showDeviceEffective)
	handle(d, operation{
		id: "preview-fleet", method: http.MethodPost, path: "/api/v1/fleets/{id}/preview", permission: identity.FleetEdit,
		summary: "Tell what a new name, parent or policy would do, part by part, and change nothing; a policy takes policy.set, and all takes what the change itself would",
	}, d.previewFleet)
}

func (d *door) createFleet(ctx context.Context, p identity.Principal, in *struct{ Body resource.NewFleet }) (*answer[resource.Fleet], error) {
	fleet, err := d.Service.CreateFleet(ctx, p, in.Body.Path)
	return answerOf(fleetOf(fleet)), err
}

// fleetQuery selects fleets.
type fleetQuery struct {
	Parent string `query:"parent" maxLength:"1024" doc:"Id or path of the fleet whose children are listed"`
	Path   string `query:"path" maxLength:"1024" doc:"Path of the one fleet that is wanted; refused as not_found where there is none"`
	resource.Page
}

func (d *door) listFleets(ctx context.Context, p identity.Principal, in *fleetQuery) (*answer[resource.List[resource.Fleet]], error) {
	if in.Path == "" {
		fleets, err := d.Service.Fleets(ctx, p, in.Parent, pageIn(in.Page))
		return pageOf(fleets, fleetOf), err
	}
	if in.Parent != "" || in.After != "" {
		return nil, enroll.RefuseField("path", "a path names one fleet; leave parent and after out")
	}
	path, err := identity.ParseFleetPath(in.Path)
	if err != nil {
		return nil, enroll.RefuseField("path", "%v", err)
	}
	fleet, err := d.Service.Fleet(ctx, p, string(path))
	return pageOf(enroll.List[enroll.FleetInfo]{Items: []enroll.FleetInfo{fleet}}, fleetOf), err
}

func (d *door) showFleet(ctx context.Context, p identity.Principal, in *fleetPath) (*answer[resource.Fleet], error) {
	fleet, err := d.Service.Fleet(ctx, p, in.ID)
	return answerOf(fleetOf(fleet)), err
}

// fleetChange renames or moves a fleet.
type fleetChange struct {
	ID   string `path:"id" maxLength:"64" doc:"The fleet's id"`
	Body resource.FleetEdit
}

func (d *door) editFleet(ctx context.Context, p identity.Principal, in *fleetChange) (*answer[resource.Fleet], error) {
	fleet, err := d.Service.EditFleet(ctx, p, in.ID, enroll.FleetEdit(in.Body))
	return answerOf(fleetOf(fleet)), err
}

func (d *door) deleteFleet(ctx context.Context, p identity.Principal, in *fleetPath) (*nothing, error) {
	return &nothing{}, d.Service.DeleteFleet(ctx, p, in.ID)
}

// policyChange replaces a fleet's policy.
type policyChange struct {
	ID   string `path:"id" maxLength:"64" doc:"The fleet's id; root for the whole tree"`
	Body resource.PolicyChange
}

func (d *door) setFleetPolicy(ctx context.Context, p identity.Principal, in *policyChange) (*answer[resource.Fleet], error) {
	own, err := policyIn(in.Body.Policy)
	if err != nil {
		return nil, err
	}
	fleet, err := d.Service.SetFleetPolicy(ctx, p, in.ID, own, in.Body.Version)
	return answerOf(fleetOf(fleet)), err
}

func (d *door) showFleetEffective(ctx context.Context, p identity.Principal, in *fleetPath) (*answer[resource.Effective], error) {
	settings, err := d.Service.EffectivePolicy(ctx, p, in.ID)
	return answerOf(resource.Effective{Settings: settings}), err
}

func (d *door) showDeviceEffective(ctx context.Context, p identity.Principal, in *devicePath) (*answer[resource.Effective], error) {
	settings, err := d.Service.DevicePolicy(ctx, p, in.ID)
	return answerOf(resource.Effective{Settings: settings}), err
}

// fleetPreview asks for one part of what a change would do.
type fleetPreview struct {
	ID    string `path:"id" maxLength:"64" doc:"The fleet's id; root for the whole tree"`
	After string `query:"after" maxLength:"512" doc:"The next of the part before; omitted for the first"`
	Body  resource.PreviewedChange
}

func (d *door) previewFleet(ctx context.Context, p identity.Principal, in *fleetPreview) (*answer[resource.Preview], error) {
	change := enroll.PreviewChange{Edit: enroll.FleetEdit(in.Body.FleetEdit)}
	if in.Body.Policy.RawMessage != nil {
		own, err := policyIn(in.Body.Policy)
		if err != nil {
			return nil, err
		}
		change.Policy = &own
	}
	preview, err := d.Service.PreviewFleet(ctx, p, in.ID, change, in.After)
	return answerOf(previewOf(preview)), err
}
