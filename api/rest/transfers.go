package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (d *door) addTransfers() {
	handle(d, operation{
		id: "offer-transfer", method: http.MethodPost, path: "/api/v1/devices/{id}/transfer", permission: Owning,
		summary: "Offer a device to another person, as its owner", status: http.StatusCreated,
	}, d.offerTransfer)
	handle(d, operation{
		id: "withdraw-transfer", method: http.MethodDelete, path: "/api/v1/devices/{id}/transfer", permission: Owning,
		summary: "Take back the offer of a device", status: http.StatusNoContent,
	}, d.withdrawTransfer)
	handle(d, operation{
		id: "accept-transfer", method: http.MethodPost, path: "/api/v1/devices/{id}/transfer/accept", permission: SignedIn,
		summary: "Become the owner of a device that is offered to the caller",
	}, d.acceptTransfer)
	handle(d, operation{
		id: "decline-transfer", method: http.MethodPost, path: "/api/v1/devices/{id}/transfer/decline", permission: SignedIn,
		summary: "Decline a device that is offered to the caller", status: http.StatusNoContent,
	}, d.declineTransfer)
	handle(d, operation{
		id: "list-transfers", method: http.MethodGet, path: "/api/v1/users/me/transfers", permission: SignedIn,
		summary: "List the devices that are offered to the caller",
	}, d.listTransfers)
}

// transferOffer offers a device.
type transferOffer struct {
	ID   string `path:"id" maxLength:"97" doc:"The device's id, such as TH20-SN1"`
	Body resource.TransferOffer
}

func transferOf(t enroll.Transfer) resource.Transfer {
	return resource.Transfer{
		Device: string(t.Device), Model: string(t.Device.Model()), From: t.From, To: t.To, OfferedAt: t.OfferedAt, ExpiresAt: t.ExpiresAt,
	}
}

func (d *door) offerTransfer(ctx context.Context, p identity.Principal, in *transferOffer) (*answer[resource.Transfer], error) {
	offer, err := d.Service.OfferTransfer(ctx, p, in.ID, in.Body.To)
	return answerOf(transferOf(offer)), err
}

func (d *door) withdrawTransfer(ctx context.Context, p identity.Principal, in *devicePath) (*noContent, error) {
	return &noContent{}, d.Service.EndTransfer(ctx, p, in.ID, false)
}

func (d *door) acceptTransfer(ctx context.Context, p identity.Principal, in *devicePath) (*answer[resource.Device], error) {
	device, err := d.Service.AcceptTransfer(ctx, p, in.ID)
	return answerOf(deviceOf(device)), err
}

func (d *door) declineTransfer(ctx context.Context, p identity.Principal, in *devicePath) (*noContent, error) {
	return &noContent{}, d.Service.EndTransfer(ctx, p, in.ID, true)
}

func (d *door) listTransfers(ctx context.Context, p identity.Principal, in *struct{ resource.Page }) (*answer[resource.List[resource.Transfer]], error) {
	offers, err := d.Service.Transfers(ctx, p, pageIn(in.Page))
	return pageOf(offers, transferOf), err
}
