package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addClaimCodes() {
	handle(d, operation{
		id: "draw-claim-code", method: http.MethodPost, path: "/api/v1/devices/{id}/claim-code", permission: identity.ClaimDraw,
		summary: "Draw the code by which a person claims a device; drawing again voids the old one", status: http.StatusCreated,
	}, d.drawClaimCode)
}

// addClaims adds what people do with codes.
func (d *door) addClaims() {
	handle(d, operation{
		id: "look-up-claim", method: http.MethodPost, path: "/api/v1/claims/look-up", permission: SignedIn,
		summary: "Show the device that a claim code opens",
	}, d.lookUpClaim)
	handle(d, operation{
		id: "confirm-claim", method: http.MethodPost, path: "/api/v1/claims/confirm", permission: SignedIn,
		summary: "Become the owner of the device that a claim code opens",
	}, d.confirmClaim)
	handle(d, operation{
		id: "deny-claim", method: http.MethodPost, path: "/api/v1/claims/deny", permission: SignedIn,
		summary: "End a claim that a device started", status: http.StatusNoContent,
	}, d.denyClaim)
}

// addStartedClaims adds what devices do over their own certificates.
func (d *door) addStartedClaims() {
	handle(d, operation{
		id: "start-claim", method: http.MethodPost, path: "/api/v1/claims", permission: Device,
		summary: "Start a claim of the device that calls", status: http.StatusCreated,
	}, d.startClaim)
	handle(d, operation{
		id: "show-claim", method: http.MethodGet, path: "/api/v1/claims/{id}", permission: Device,
		summary: "Tell what became of the claim that the device started",
	}, d.showClaim)
}

// claimCodeDraw asks for a device's claim code. Its body may be left out.
type claimCodeDraw struct {
	ID   string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
	Body *resource.ClaimCodeDraw
}

func (d *door) drawClaimCode(ctx context.Context, p identity.Principal, in *claimCodeDraw) (*answer[resource.ClaimCode], error) {
	var lifetime time.Duration
	if in.Body != nil {
		lifetime = time.Duration(in.Body.ExpiresIn) * time.Second
	}
	drawn, err := d.Service.DrawClaimCode(ctx, p, in.ID, lifetime)
	return answerOf(resource.ClaimCode{Device: string(drawn.Device), Code: drawn.Code, ExpiresAt: drawn.ExpiresAt}), err
}

// claimAnswer is a code that somebody shows. Resolve notes where it comes from.
type claimAnswer struct {
	Body   resource.ClaimAnswer
	source string
}

// Resolve implements huma.Resolver.
func (c *claimAnswer) Resolve(ctx huma.Context) []error {
	c.source = sourceOf(&http.Request{RemoteAddr: ctx.RemoteAddr()})
	return nil
}

func (d *door) lookUpClaim(ctx context.Context, p identity.Principal, in *claimAnswer) (*answer[resource.Claim], error) {
	claim, err := d.Service.LookUpClaim(ctx, p, in.Body.Code, in.source)
	return answerOf(resource.Claim{
		Device: string(claim.Device), Model: string(claim.Device.Model()), Serial: string(claim.Device.SerialNumber()),
		ByDevice: claim.ByDevice, ExpiresAt: claim.ExpiresAt,
	}), err
}

func (d *door) confirmClaim(ctx context.Context, p identity.Principal, in *claimAnswer) (*answer[resource.Device], error) {
	device, err := d.Service.ConfirmClaim(ctx, p, in.Body.Code, in.source)
	return answerOf(deviceOf(device)), err
}

func (d *door) denyClaim(ctx context.Context, p identity.Principal, in *claimAnswer) (*noContent, error) {
	return &noContent{}, d.Service.DenyClaim(ctx, p, in.Body.Code, in.source)
}

func (d *door) startClaim(ctx context.Context, p identity.Principal, _ *struct{}) (*answer[resource.StartedClaim], error) {
	claim, err := d.Service.StartClaim(ctx, p)
	return answerOf(resource.StartedClaim{
		ID: claim.ID, UserCode: claim.UserCode, ExpiresAt: claim.ExpiresAt, Interval: int(enroll.ClaimInterval / time.Second),
	}), err
}

type claimPath struct {
	ID string `path:"id" maxLength:"64" doc:"The claim's id"`
}

func (d *door) showClaim(ctx context.Context, p identity.Principal, in *claimPath) (*answer[resource.ClaimState], error) {
	state, err := d.Service.ClaimStateOf(ctx, p, in.ID)
	return answerOf(resource.ClaimState{ID: in.ID, State: string(state)}), err
}
