package client_test

import (
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestCallsOfOwners(t *testing.T) {
	ctx, door := t.Context(), resttest.Open(t)
	handler := rest.New(door.Config)
	admin, nobody, auditor := dial(t, handler, door.BreakGlass), dial(t, handler, "nobody"), dial(t, handler, "auditor")
	idOf := func(name string) string { return resttest.Principal(identity.Role(name)).ID() }

	user := idOf("nobody")
	order, err := admin.CreateOrder(ctx, resource.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 3, Owner: user})
	check(t, err)
	for _, serial := range []string{"SN1", "SN2", "SN3"} {
		_, _, err = admin.Enrol(ctx, order.ID, resource.Enrolment{Serial: serial, CSR: resttest.CSR(t, resttest.NewKey(t))})
		check(t, err)
	}
	who, err := nobody.User(ctx, "me")
	check(t, err)
	known, err := admin.User(ctx, user) // whose id holds slashes and a number sign
	check(t, err)
	if known.ID != who.ID || known.User != user || order.Owner == nil || *order.Owner != who.ID {
		t.Errorf("known as %+v, to themselves as %+v, to the order as %v", known, who, order.Owner)
	}
	mine, err := client.Collect(nobody.Devices(ctx, client.DeviceFilter{Owner: "me"}), 0)
	check(t, err)
	theirs, err := client.Collect(admin.UserDevices(ctx, user), 0)
	check(t, err)
	part, err := admin.UserDevicesPart(ctx, who.ID, resource.Page{Limit: 2})
	check(t, err)
	if len(mine) != 3 || len(theirs) != 3 || len(part.Items) != 2 || part.Next == "" {
		t.Errorf("%d are theirs, %d are listed, and %d of a part of two", len(mine), len(theirs), len(part.Items))
	}

	check(t, nobody.ReleaseOwner(ctx, "TH20-SN1", "sold"))
	code, err := admin.DrawClaimCode(ctx, "TH20-SN1", time.Hour)
	check(t, err)
	if !code.ExpiresAt.Equal(resttest.Begin().Add(time.Hour)) {
		t.Errorf("the code is good until %s", code.ExpiresAt)
	}
	claim, err := auditor.LookUpClaim(ctx, code.Code)
	check(t, err)
	device, err := auditor.ConfirmClaim(ctx, code.Code)
	check(t, err)
	if claim.Device != device.ID || device.Owner == nil {
		t.Errorf("the code opens %+v, and %+v was claimed", claim, device)
	}
	if err := auditor.DenyClaim(ctx, code.Code); client.CodeOf(err) != enroll.NotFound {
		t.Errorf("denying a code that was used: %v", err)
	}

	offer, err := nobody.OfferTransfer(ctx, "TH20-SN2", idOf("auditor"))
	check(t, err)
	check(t, nobody.WithdrawTransfer(ctx, "TH20-SN2"))
	_, err = nobody.OfferTransfer(ctx, "TH20-SN2", offer.To)
	check(t, err)
	check(t, auditor.DeclineTransfer(ctx, "TH20-SN2"))
	_, err = nobody.OfferTransfer(ctx, "TH20-SN2", offer.To)
	check(t, err)
	offers, err := client.Collect(auditor.Transfers(ctx), 0)
	check(t, err)
	some, err := auditor.TransfersPart(ctx, resource.Page{Limit: 1})
	check(t, err)
	if len(offers) != 1 || len(some.Items) != 1 || offers[0].Device != "TH20-SN2" {
		t.Errorf("offered are %v, in a part %v", offers, some.Items)
	}
	_, err = auditor.AcceptTransfer(ctx, "TH20-SN2")
	check(t, err)

	_, err = admin.AssignOwner(ctx, "TH20-SN2", resource.Ownership{User: &user})
	check(t, err)
	job, err := admin.StartJob(ctx, user, resource.NewJob{Action: "hold"})
	check(t, err)
	check(t, door.Service.JobsDue(ctx))
	job, err = admin.Job(ctx, job.ID)
	check(t, err)
	if job.State != "done" || job.Done != 2 {
		t.Errorf("the job is %+v", job)
	}
}
