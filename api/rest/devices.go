package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type devicePath struct {
	ID string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
}

// deviceAction is an action on a device. Its body may be left out.
type deviceAction struct {
	ID   string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
	Body *resource.Action
}

func (d *door) addDevices() {
	handle(d, operation{
		id: "list-devices", method: http.MethodGet, path: "/api/v1/devices", permission: identity.DeviceRead,
		summary: "List devices, each with its newest certificate only",
	}, d.listDevices)
	handle(d, operation{
		id: "show-device", method: http.MethodGet, path: "/api/v1/devices/{id}", permission: identity.DeviceRead,
		summary: "Show a device with its certificates",
	}, d.showDevice)
	handle(d, operation{
		id: "list-device-events", method: http.MethodGet, path: "/api/v1/devices/{id}/events", permission: identity.DeviceRead,
		summary: "Tell a device's story, oldest first", content: rawListContent(),
	}, d.listDeviceEvents)
	for _, action := range identity.Actions() {
		handle(d, operation{
			id: string(action) + "-device", method: http.MethodPost, path: "/api/v1/devices/{id}/" + string(action),
			permission: identity.ActionPermission(action), summary: verb(action) + " a device with all its certificates", waits: true,
		}, func(ctx context.Context, p identity.Principal, in *deviceAction) (*answer[resource.Device], error) {
			words := wordsIn(in.Body)
			device, err := d.Service.Act(ctx, p, in.ID, action, words.Reason, words.Comment)
			return answerOf(deviceOf(device)), err
		})
	}
	handle(d, operation{
		id: "reenrol-device", method: http.MethodPost, path: "/api/v1/devices/{id}/reenrol", permission: identity.DeviceReenrol,
		summary: "Permit one enrolment of an active device with another key", waits: true,
	}, d.reenrolDevice)
}

// verb says what an action does, for summaries.
func verb(action identity.Action) string {
	switch action {
	case identity.Hold:
		return "Hold, until released,"
	case identity.Release:
		return "Release from hold"
	case identity.Revoke:
		return "Revoke for good"
	case identity.Retire:
		return "Retire for good"
	default:
		panic("no summary of " + action)
	}
}

// wordsIn returns what the operator said, which may be nothing.
func wordsIn(body *resource.Action) resource.Action {
	if body == nil {
		return resource.Action{}
	}
	return *body
}

// deviceQuery selects devices.
type deviceQuery struct {
	Fleet          string    `query:"fleet" maxLength:"1024" doc:"Path of a branch: devices of all of it"`
	Model          string    `query:"model" maxLength:"32"`
	State          string    `query:"state" maxLength:"32" doc:"expected, active, held, revoked or retired"`
	ExpiringBefore parameter `query:"expiring_before" doc:"Only devices whose newest certificate ends before it"`
	Query          string    `query:"q" maxLength:"97" doc:"Beginning of the id or of the serial number"`
	Owner          string    `query:"owner" maxLength:"1024" doc:"Only what belongs to me, person:…, oidc:<issuer>#<subject> or group:<issuer>#<group>"`
	resource.Page
}

func (d *door) listDevices(ctx context.Context, p identity.Principal, in *deviceQuery) (*answer[resource.List[resource.Device]], error) {
	devices, err := d.Service.Devices(ctx, p, enroll.DeviceQuery{
		Fleet: in.Fleet, Model: in.Model, State: in.State, ExpiringBefore: in.ExpiringBefore.Time, Query: in.Query, Owner: in.Owner,
		Page: pageIn(in.Page),
	})
	return pageOf(devices, deviceOf), err
}

func (d *door) showDevice(ctx context.Context, p identity.Principal, in *devicePath) (*answer[resource.Device], error) {
	device, err := d.Service.Device(ctx, p, in.ID)
	return answerOf(deviceOf(device)), err
}

// storyQuery selects a part of a device's story.
type storyQuery struct {
	ID string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
	resource.Page
}

func (d *door) listDeviceEvents(ctx context.Context, p identity.Principal, in *storyQuery) (*rawList, error) {
	records, err := d.Service.DeviceEvents(ctx, p, in.ID, pageIn(in.Page))
	if err != nil {
		return nil, err
	}
	return rawListOf(listOf(records.Items, func(r enroll.Record) []byte { return r.Data }), records.Next)
}

func (d *door) reenrolDevice(ctx context.Context, p identity.Principal, in *deviceAction) (*answer[resource.Device], error) {
	words := wordsIn(in.Body)
	if words.Reason != "" && words.Reason != ca.Superseded.String() {
		return nil, enroll.RefuseField("reason", "the old certificates are revoked as superseded; leave the reason out")
	}
	device, err := d.Service.AllowReenrol(ctx, p, in.ID, words.Comment)
	return answerOf(deviceOf(device)), err
}
