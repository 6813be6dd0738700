package enroll_test

import (
	"context"
	"slices"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// holding is somebody who holds a role on a branch.
func holding(subject string, role identity.Role, fleet identity.FleetPath) identity.Principal {
	return person(subject, string(role)+"@"+string(fleet))
}

// groupOf is the id of a group of the provider that everybody here comes from.
func groupOf(name string) string { return "group:https://idp.example#" + name }

func ptr(s string) *string { return &s }

// give makes a person the owner of a device.
func (r *rig) give(device identity.DeviceID, to identity.Principal) enroll.DeviceInfo {
	r.tb.Helper()
	info, err := r.AssignOwner(r.tb.Context(), r.admin, string(device), enroll.NewOwner{User: ptr(to.ID())})
	check(r.tb, err)
	return info
}

// owned lists what a person is shown without asking for anything.
func (r *rig) owned(p identity.Principal) []identity.DeviceID {
	r.tb.Helper()
	list, err := r.Devices(r.tb.Context(), p, enroll.DeviceQuery{})
	check(r.tb, err)
	return idsOf(list.Items)
}

func idsOf(devices []enroll.DeviceInfo) []identity.DeviceID {
	ids := []identity.DeviceID{}
	for _, d := range devices {
		ids = append(ids, d.ID)
	}
	slices.Sort(ids)
	return ids
}

// devices enrols devices of one order.
func (r *rig) devices(n int, change ...func(*enroll.NewOrder)) []enroll.Issued {
	r.tb.Helper()
	order := r.order(n, change...)
	var all []enroll.Issued
	for i := range n {
		issued, err := r.vouch(order, serialOf(i), newKey(r.tb))
		check(r.tb, err)
		all = append(all, issued)
	}
	return all
}

// last returns the newest event of a kind.
func (r *rig) last(kind enroll.EventKind) enroll.Event {
	r.tb.Helper()
	events := r.log()
	for _, event := range slices.Backward(events) {
		if event.Kind == kind {
			return event
		}
	}
	r.tb.Fatalf("no event %s among %d", kind, len(events))
	return enroll.Event{}
}

func TestAnOwnerSeesAndHoldsTheirOwnAndNothingElse(t *testing.T) {
	r := newRig(t)
	issued := r.devices(2)
	mine, other := issued[0], issued[1]
	bob := person("bob")
	given := r.give(mine.Device, bob)
	if given.Owner == "" || given.Owner == bob.ID() {
		t.Fatalf("the record names the owner as %q, want a pseudonym", given.Owner)
	}
	if got := r.owned(bob); !slices.Equal(got, []identity.DeviceID{mine.Device}) {
		t.Fatalf("bob is shown %v", got)
	}
	type op struct {
		name string
		may  bool
		do   func(ctx context.Context, device enroll.Issued) error
	}
	order := string(r.order(1).ID)
	act := func(action identity.Action) func(context.Context, enroll.Issued) error {
		return func(ctx context.Context, d enroll.Issued) error {
			_, err := r.Act(ctx, bob, string(d.Device), action, "", "")
			return err
		}
	}
	actOn := func(action identity.Action) func(context.Context, enroll.Issued) error {
		return func(ctx context.Context, d enroll.Issued) error {
			_, err := r.ActOnCertificate(ctx, bob, d.Certificate.Serial.String(), action, "", "")
			return err
		}
	}
	operations := []op{
		{"read a device", true, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.Device(ctx, bob, string(d.Device))
			return err
		}},
		{"read its story", true, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.DeviceEvents(ctx, bob, string(d.Device), enroll.Page{})
			return err
		}},
		{"read a certificate", true, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.Certificate(ctx, bob, d.Certificate.Serial.String())
			return err
		}},
		{"list a device's certificates", true, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.Certificates(ctx, bob, enroll.CertificateQuery{Device: string(d.Device)})
			return err
		}},
		{"hold a device", true, act(identity.Hold)},
		{"release a device", false, act(identity.Release)},
		{"revoke a device", false, act(identity.Revoke)},
		{"retire a device", false, act(identity.Retire)},
		{"hold a certificate", true, actOn(identity.Hold)},
		{"release a certificate", false, actOn(identity.Release)},
		{"revoke a certificate", false, actOn(identity.Revoke)},
		{"retire a certificate", false, actOn(identity.Retire)},
		{"allow re-enrolment", false, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.AllowReenrol(ctx, bob, string(d.Device), "")
			return err
		}},
		{"assign a device", false, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.AssignOwner(ctx, bob, string(d.Device), enroll.NewOwner{Group: ptr(groupOf("x"))})
			return err
		}},
		{"create an order", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.CreateOrder(ctx, bob, enroll.NewOrder{Fleet: "/berlin/line-3", Model: "TH20", Quantity: 1})
			return err
		}},
		{"read its order", false, func(ctx context.Context, d enroll.Issued) error {
			_, err := r.Order(ctx, bob, r.device(d.Device).Order)
			return err
		}},
		{"list orders", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.Orders(ctx, bob, enroll.OrderQuery{})
			return err
		}},
		{"edit an order", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.EditOrder(ctx, bob, order, enroll.OrderEdit{Owner: ptr("me")})
			return err
		}},
		{"close an order", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.CloseOrder(ctx, bob, order)
			return err
		}},
		{"draw tickets", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.DrawTickets(ctx, bob, order, []string{"SN9"})
			return err
		}},
		{"grant", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.CreateGrant(ctx, bob, enroll.NewGrant{For: bob.ID(), Role: "admin", Fleet: "/"})
			return err
		}},
		{"read the log", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.AuditLines(ctx, bob, enroll.Page{})
			return err
		}},
		{"rotate the break-glass token", false, func(ctx context.Context, _ enroll.Issued) error {
			_, err := r.RotateBreakGlass(ctx, bob)
			return err
		}},
	}
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			err := op.do(t.Context(), other)
			if op.may {
				wantCode(t, err, enroll.NotFound)
				check(t, op.do(t.Context(), mine))
				return
			}
			wantCode(t, err, enroll.Forbidden)
			wantCode(t, op.do(t.Context(), mine), enroll.Forbidden)
		})
	}
	for _, permission := range identity.Permissions() {
		wantCode(t, r.Authorize(t.Context(), bob, permission), enroll.Forbidden)
	}
	if event := r.last(enroll.DeviceHeld); event.Grant != "owner" || event.Actor != given.Owner {
		t.Errorf("the hold is recorded as %+v", event)
	}
}

func TestAnOwnerIsAPersonAlone(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	bob := person("bob", "kitchen")
	r.give(issued.Device, bob)
	_, err := r.AssignOwner(t.Context(), r.admin, string(issued.Device), enroll.NewOwner{Group: ptr(groupOf("kitchen"))})
	check(t, err)
	for name, p := range map[string]identity.Principal{
		"somebody else":            person("eve"),
		"of another group":         person("eve", "garden"),
		"a group of another":       {Kind: identity.OIDC, Issuer: "https://other.example", Subject: "bob", Groups: []string{"kitchen"}},
		"a token of the owner's":   {Kind: identity.ScopedToken, Token: "t1", Maker: bob.ID(), Groups: []string{"kitchen"}},
		"the device itself":        {Kind: identity.Certificate, Device: issued.Device},
		"touchmark's own business": identity.NewSystem(),
	} {
		_, err := r.Device(t.Context(), p, string(issued.Device))
		wantCode(t, err, enroll.Forbidden)
		_, err = r.Devices(t.Context(), p, enroll.DeviceQuery{Owner: "me"})
		wantCode(t, err, enroll.Forbidden)
		if err := r.ReleaseOwner(t.Context(), p, string(issued.Device), ""); err == nil {
			t.Errorf("%s gave the device up", name)
		}
	}
}

func TestAnOwningGroup(t *testing.T) {
	r := newRig(t)
	issued := r.devices(3)
	_, err := r.AssignOwner(t.Context(), r.admin, string(issued[0].Device), enroll.NewOwner{Group: ptr(groupOf("kitchen"))})
	check(t, err)
	ann, bob := person("ann", "garden", "kitchen"), person("bob", "kitchen")
	r.give(issued[0].Device, bob)
	r.give(issued[1].Device, bob)
	if got := r.owned(ann); !slices.Equal(got, []identity.DeviceID{issued[0].Device}) {
		t.Errorf("ann is shown %v", got)
	}
	if got := r.owned(bob); !slices.Equal(got, []identity.DeviceID{issued[0].Device, issued[1].Device}) {
		t.Errorf("bob is shown %v", got)
	}
	_, err = r.Act(t.Context(), ann, string(issued[0].Device), identity.Hold, "", "")
	check(t, err)
	wantCode(t, r.ReleaseOwner(t.Context(), ann, string(issued[0].Device), ""), enroll.Forbidden)
	check(t, r.ReleaseOwner(t.Context(), bob, string(issued[0].Device), ""))
	if d := r.device(issued[0].Device); d.Owner != "" || d.OwnerGroup != groupOf("kitchen") {
		t.Errorf("bob gave up more than his part: %q %q", d.Owner, d.OwnerGroup)
	}
	check(t, r.ReleaseOwner(t.Context(), r.admin, string(issued[0].Device), ""))
	if d := r.device(issued[0].Device); d.OwnerGroup != "" {
		t.Errorf("it still belongs to %q", d.OwnerGroup)
	}
	_, err = r.Devices(t.Context(), ann, enroll.DeviceQuery{})
	wantCode(t, err, enroll.Forbidden) // as for anybody who owns nothing
}

func TestAfterReleaseAnOwnerSeesNothing(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	bob := person("bob")
	version := r.give(issued.Device, bob).Version
	if again := r.give(issued.Device, bob); again.Version != version {
		t.Error("assigning the same again changed the record")
	}
	check(t, r.ReleaseOwner(t.Context(), bob, string(issued.Device), "sold"))
	event := r.last(enroll.OwnerReleased)
	if event.Before == "" || event.For != "" || event.Actor != event.Before || event.Grant != "owner" || event.Comment != "sold" {
		t.Errorf("recorded as %+v", event)
	}
	_, err := r.Device(t.Context(), bob, string(issued.Device))
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Devices(t.Context(), bob, enroll.DeviceQuery{})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Certificate(t.Context(), bob, issued.Certificate.Serial.String())
	wantCode(t, err, enroll.Forbidden)
	wantCode(t, r.ReleaseOwner(t.Context(), bob, string(issued.Device), ""), enroll.Forbidden)
}
