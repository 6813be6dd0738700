package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestTransferTakesBothSides(t *testing.T) {
	r := newRig(t)
	issued := r.devices(2)
	id := string(issued[0].Device)
	bob, ann, eve := person("bob"), person("ann"), person("eve", "kitchen")
	r.give(issued[0].Device, bob)
	r.giveGroup(issued[0].Device, "kitchen")
	r.give(issued[1].Device, bob)
	for name, c := range map[string]struct {
		p    identity.Principal
		of   string
		to   string
		want enroll.Code
	}{
		"nobody":                  {p: identity.Principal{}, of: id, to: ann.ID(), want: enroll.Unauthenticated},
		"somebody":                {p: ann, of: id, to: ann.ID(), want: enroll.Forbidden},
		"one of the owning group": {p: eve, of: id, to: eve.ID(), want: enroll.Forbidden},
		"who may assign":          {p: holding("olga", identity.Operator, "/"), of: id, to: ann.ID(), want: enroll.Forbidden},
		"to oneself":              {p: bob, of: id, to: "me", want: enroll.BadRequest},
		"to nobody":               {p: bob, of: id, to: "", want: enroll.BadRequest},
		"to an address":           {p: bob, of: id, to: "ann@example.com", want: enroll.BadRequest},
		"of no device":            {p: bob, of: "TH20-XX", to: ann.ID(), want: enroll.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.OfferTransfer(t.Context(), c.p, c.of, c.to)
			wantCode(t, err, c.want)
		})
	}
	offer, err := r.OfferTransfer(t.Context(), bob, id, ann.ID())
	check(t, err)
	if event := r.last(enroll.TransferOffered); event.For != offer.To || event.Before != offer.From || event.Grant != "owner" {
		t.Errorf("recorded as %+v", event)
	}
	_, err = r.Device(t.Context(), ann, id)
	wantCode(t, err, enroll.Forbidden) // until she accepts
	for name, p := range map[string]identity.Principal{"the owner": bob, "another": eve, "a token": {Kind: identity.ScopedToken, Token: "t", Maker: ann.ID()}} {
		if _, err := r.AcceptTransfer(t.Context(), p, id); err == nil {
			t.Errorf("%s accepted", name)
		}
		if err := r.EndTransfer(t.Context(), p, id, true); err == nil {
			t.Errorf("%s declined", name)
		}
	}
	offers, err := r.Transfers(t.Context(), ann, enroll.Page{})
	check(t, err)
	if len(offers.Items) != 1 || offers.Items[0] != offer {
		t.Fatalf("ann is offered %+v", offers.Items)
	}
	info, err := r.AcceptTransfer(t.Context(), ann, id)
	check(t, err)
	if info.Owner != offer.To || info.OwnerGroup != groupOf("kitchen") {
		t.Errorf("it belongs to %q and %q", info.Owner, info.OwnerGroup)
	}
	if got := r.owned(bob); len(got) != 1 || got[0] != issued[1].Device {
		t.Errorf("bob still sees %v", got)
	}
	if event := r.last(enroll.TransferEnded); event.Operation != "accept" {
		t.Errorf("recorded as %+v", event)
	}
	if event := r.last(enroll.OwnerChanged); event.For != offer.To || event.Before != offer.From || event.Operation != "transfer" {
		t.Errorf("recorded as %+v", event)
	}
	_, err = r.AcceptTransfer(t.Context(), ann, id)
	wantCode(t, err, enroll.NotFound)
}

func TestTransfersEnd(t *testing.T) {
	bob, ann, eve := person("bob"), person("ann"), person("eve")
	for name, c := range map[string]struct {
		end   func(r *rig, id string) error
		event string // how it ended; empty for no event
	}{
		"declined":  {func(r *rig, id string) error { return r.EndTransfer(r.tb.Context(), ann, id, true) }, "decline"},
		"withdrawn": {func(r *rig, id string) error { return r.EndTransfer(r.tb.Context(), bob, id, false) }, "withdraw"},
		"offered to another": {func(r *rig, id string) error {
			_, err := r.OfferTransfer(r.tb.Context(), bob, id, eve.ID())
			return err
		}, "withdraw"},
		"given up": {func(r *rig, id string) error { return r.ReleaseOwner(r.tb.Context(), bob, id, "") }, "void"},
		"assigned": {func(r *rig, id string) error {
			_, err := r.AssignOwner(r.tb.Context(), r.admin, id, enroll.NewOwner{User: ptr(eve.ID())})
			return err
		}, "void"},
		"late": {func(r *rig, _ string) error { r.clock.advance(enroll.TransferLifetime); return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			issued := r.devices(1)[0]
			r.give(issued.Device, bob)
			_, err := r.OfferTransfer(t.Context(), bob, string(issued.Device), ann.ID())
			check(t, err)
			check(t, c.end(r, string(issued.Device)))
			_, err = r.AcceptTransfer(t.Context(), ann, string(issued.Device))
			wantCode(t, err, enroll.NotFound)
			wantCode(t, r.EndTransfer(t.Context(), ann, string(issued.Device), true), enroll.NotFound)
			offers, err := r.Transfers(t.Context(), ann, enroll.Page{})
			check(t, err)
			if len(offers.Items) != 0 {
				t.Errorf("ann is still offered %+v", offers.Items)
			}
			if n := r.count(enroll.TransferEnded); c.event == "" && n != 0 || c.event != "" && r.last(enroll.TransferEnded).Operation != c.event {
				t.Errorf("%d events of its end", n)
			}
		})
	}
}

func TestAHeldDeviceIsNotTransferred(t *testing.T) {
	r := newRig(t)
	issued, bob, ann := r.devices(1)[0], person("bob"), person("ann")
	r.give(issued.Device, bob)
	_, err := r.OfferTransfer(t.Context(), bob, string(issued.Device), ann.ID())
	check(t, err)
	r.act(issued.Device, identity.Hold, "")
	_, err = r.AcceptTransfer(t.Context(), ann, string(issued.Device))
	wantCode(t, err, enroll.WrongState)
	_, err = r.OfferTransfer(t.Context(), bob, string(issued.Device), ann.ID())
	wantCode(t, err, enroll.WrongState)
	r.act(issued.Device, identity.Release, "")
	_, err = r.AcceptTransfer(t.Context(), ann, string(issued.Device))
	check(t, err)
}
