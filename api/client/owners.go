package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// AssignOwner says which person and which group own a device.
func (c *Client) AssignOwner(ctx context.Context, device string, to resource.Ownership) (resource.Device, error) {
	return get[resource.Device](ctx, c, call{method: http.MethodPost, path: []string{"devices", device, "owner"}, body: to})
}

// ReleaseOwner leaves a device without an owner, or gives up what is the caller's.
func (c *Client) ReleaseOwner(ctx context.Context, device, comment string) error {
	return c.send(ctx, call{method: http.MethodDelete, path: []string{"devices", device, "owner"}, query: filter("comment", comment)})
}

// User tells who a pseudonymous id stands for; "me" is the caller.
func (c *Client) User(ctx context.Context, id string) (resource.User, error) {
	return get[resource.User](ctx, c, call{method: http.MethodGet, path: []string{"users", id}})
}

// UserDevices lists a person's devices, as far as the caller may see them.
func (c *Client) UserDevices(ctx context.Context, id string) iter.Seq2[resource.Device, error] {
	return pages[resource.Device](ctx, c, nil, "users", id, "devices")
}

// UserDevicesPart returns one part of what UserDevices lists.
func (c *Client) UserDevicesPart(ctx context.Context, id string, p resource.Page) (resource.List[resource.Device], error) {
	return part[resource.Device](ctx, c, p, url.Values{}, "users", id, "devices")
}

// DrawClaimCode draws the code by which a person claims a device, for so long; 0 for
// as long as the server says. It voids the code before.
func (c *Client) DrawClaimCode(ctx context.Context, device string, lifetime time.Duration) (resource.ClaimCode, error) {
	return get[resource.ClaimCode](ctx, c, call{
		method: http.MethodPost, path: []string{"devices", device, "claim-code"},
		body: resource.ClaimCodeDraw{ExpiresIn: int(lifetime / time.Second)},
	})
}

// LookUpClaim shows the device that a code opens, and changes nothing.
func (c *Client) LookUpClaim(ctx context.Context, code string) (resource.Claim, error) {
	return get[resource.Claim](ctx, c, call{method: http.MethodPost, path: []string{"claims", "look-up"}, body: resource.ClaimAnswer{Code: code}})
}

// ConfirmClaim makes the caller the owner of the device that a code opens.
func (c *Client) ConfirmClaim(ctx context.Context, code string) (resource.Device, error) {
	return get[resource.Device](ctx, c, call{method: http.MethodPost, path: []string{"claims", "confirm"}, body: resource.ClaimAnswer{Code: code}})
}

// DenyClaim ends a claim that a device started.
func (c *Client) DenyClaim(ctx context.Context, code string) error {
	return c.send(ctx, call{method: http.MethodPost, path: []string{"claims", "deny"}, body: resource.ClaimAnswer{Code: code}})
}

// OfferTransfer offers a device of the caller's to another person.
func (c *Client) OfferTransfer(ctx context.Context, device, to string) (resource.Transfer, error) {
	return get[resource.Transfer](ctx, c, call{
		method: http.MethodPost, path: []string{"devices", device, "transfer"}, body: resource.TransferOffer{To: to},
	})
}

// WithdrawTransfer takes back the offer of a device.
func (c *Client) WithdrawTransfer(ctx context.Context, device string) error {
	return c.send(ctx, call{method: http.MethodDelete, path: []string{"devices", device, "transfer"}})
}

// AcceptTransfer makes the caller the owner of a device that is offered to them.
func (c *Client) AcceptTransfer(ctx context.Context, device string) (resource.Device, error) {
	return get[resource.Device](ctx, c, call{method: http.MethodPost, path: []string{"devices", device, "transfer", "accept"}})
}

// DeclineTransfer declines a device that is offered to the caller.
func (c *Client) DeclineTransfer(ctx context.Context, device string) error {
	return c.send(ctx, call{method: http.MethodPost, path: []string{"devices", device, "transfer", "decline"}})
}

// Transfers lists the devices that are offered to the caller.
func (c *Client) Transfers(ctx context.Context) iter.Seq2[resource.Transfer, error] {
	return pages[resource.Transfer](ctx, c, nil, "users", "me", "transfers")
}

// TransfersPart returns one part of what Transfers lists.
func (c *Client) TransfersPart(ctx context.Context, p resource.Page) (resource.List[resource.Transfer], error) {
	return part[resource.Transfer](ctx, c, p, url.Values{}, "users", "me", "transfers")
}

// StartJob has one thing done to all devices of a person, in the background.
func (c *Client) StartJob(ctx context.Context, user string, job resource.NewJob) (resource.Job, error) {
	return get[resource.Job](ctx, c, call{method: http.MethodPost, path: []string{"users", user, "jobs"}, body: job})
}

// Job returns how far a job is.
func (c *Client) Job(ctx context.Context, id string) (resource.Job, error) {
	return get[resource.Job](ctx, c, call{method: http.MethodGet, path: []string{"jobs", id}})
}
