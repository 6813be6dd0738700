package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addOwners() {
	handle(d, operation{
		id: "assign-owner", method: http.MethodPost, path: "/api/v1/devices/{id}/owner", permission: identity.DeviceAssign,
		summary: "Say which person and which group own a device", waits: true,
	}, d.assignOwner)
	handle(d, operation{
		id: "release-owner", method: http.MethodDelete, path: "/api/v1/devices/{id}/owner", permission: identity.DeviceAssign,
		summary: "Leave a device without an owner; a person gives up what is theirs", status: http.StatusNoContent, waits: true,
	}, d.releaseOwner)
}

func (d *door) addUsers() {
	handle(d, operation{
		id: "show-user", method: http.MethodGet, path: "/api/v1/users/{id}", permission: identity.DeviceRead,
		summary: "Tell who a pseudonymous id stands for",
	}, d.showUser)
	handle(d, operation{
		id: "list-user-devices", method: http.MethodGet, path: "/api/v1/users/{id}/devices", permission: identity.DeviceRead,
		summary: "List a person's devices, as far as the caller may see them",
	}, d.listUserDevices)
}

// ownerChange says who is to own a device.
type ownerChange struct {
	ID   string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
	Body resource.Ownership
}

func (d *door) assignOwner(ctx context.Context, p identity.Principal, in *ownerChange) (*answer[resource.Device], error) {
	device, err := d.Service.AssignOwner(ctx, p, in.ID, enroll.NewOwner{User: in.Body.User, Group: in.Body.Group, Comment: in.Body.Comment})
	return answerOf(deviceOf(device)), err
}

// ownerRelease leaves a device without an owner.
type ownerRelease struct {
	ID      string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
	Comment string `query:"comment" maxLength:"1024" doc:"Why, for the log"`
}

// noContent is an answer without a body.
type noContent struct{}

func (d *door) releaseOwner(ctx context.Context, p identity.Principal, in *ownerRelease) (*noContent, error) {
	return &noContent{}, d.Service.ReleaseOwner(ctx, p, in.ID, in.Comment)
}

type userPath struct {
	ID string `path:"id" maxLength:"1024" doc:"me, person:<32 hexadecimal digits> as records name people, or oidc:<issuer>#<subject> with / as %2F"`
}

func (d *door) showUser(ctx context.Context, p identity.Principal, in *userPath) (*answer[resource.User], error) {
	person, err := d.Service.User(ctx, p, in.ID)
	return answerOf(resource.User{ID: person.Pseudonym, User: person.ID, Name: person.Name, FirstSeen: moment(person.FirstSeen)}), err
}

// userQuery selects a part of what belongs to a person.
type userQuery struct {
	ID string `path:"id" maxLength:"1024" doc:"me, person:<32 hexadecimal digits> as records name people, or oidc:<issuer>#<subject> with / as %2F"`
	resource.Page
}

func (d *door) listUserDevices(ctx context.Context, p identity.Principal, in *userQuery) (*answer[resource.List[resource.Device]], error) {
	devices, err := d.Service.UserDevices(ctx, p, in.ID, pageIn(in.Page))
	return pageOf(devices, deviceOf), err
}
