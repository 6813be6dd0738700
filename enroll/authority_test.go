package enroll_test

import (
	"context"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// Every operation against every role: what is not granted is refused, recorded,
// and changes nothing.
func TestAuthority(t *testing.T) {
	r := newRig(t)
	order := r.order(10)
	issued, _ := r.enrolled("SN1")
	device, serial := string(issued.Device), issued.Serial.String()
	roles := []identity.Role{identity.Admin, identity.Operator, identity.Security, identity.Auditor, identity.Station}
	operations := []struct {
		name    string
		allowed []identity.Role
		do      func(ctx context.Context, p identity.Principal) error
	}{
		{"create an order", roles[:2], func(ctx context.Context, p identity.Principal) error {
			_, err := r.CreateOrder(ctx, p, enroll.NewOrder{Fleet: "/x", Model: "TH20", Quantity: 1})
			return err
		}},
		{"edit an order", roles[:2], func(ctx context.Context, p identity.Principal) error {
			_, err := r.EditOrder(ctx, p, string(order.ID), enroll.OrderEdit{})
			return err
		}},
		{"close an order", roles[:2], func(ctx context.Context, p identity.Principal) error {
			_, err := r.CloseOrder(ctx, p, string(r.order(1).ID))
			return err
		}},
		{"read an order", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.Order(ctx, p, string(order.ID))
			return err
		}},
		{"list orders", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.Orders(ctx, p, enroll.OrderQuery{Page: enroll.Page{Limit: 1}})
			return err
		}},
		{"draw tickets", roles[:2], func(ctx context.Context, p identity.Principal) error {
			_, err := r.DrawTickets(ctx, p, string(order.ID), []string{"SN7"})
			return err
		}},
		{"read a device", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.Device(ctx, p, device)
			return err
		}},
		{"list devices", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.Devices(ctx, p, enroll.DeviceQuery{Page: enroll.Page{Limit: 1}})
			return err
		}},
		{"read a device's story", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.DeviceEvents(ctx, p, device, enroll.Page{Limit: 1})
			return err
		}},
		{"allow re-enrolment", roles[:2], func(ctx context.Context, p identity.Principal) error {
			_, err := r.AllowReenrol(ctx, p, device, "")
			return err
		}},
		{"hold", []identity.Role{identity.Admin, identity.Security}, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Act(ctx, p, device, identity.Hold, "", "")
			return err
		}},
		{"release", []identity.Role{identity.Admin, identity.Security}, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Act(ctx, p, device, identity.Release, "", "")
			return err
		}},
		{"read a certificate", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.Certificate(ctx, p, serial)
			return err
		}},
		{"list certificates", roles[:4], func(ctx context.Context, p identity.Principal) error {
			_, err := r.Certificates(ctx, p, enroll.CertificateQuery{Page: enroll.Page{Limit: 1}})
			return err
		}},
		{"hold a certificate", []identity.Role{identity.Admin, identity.Security}, func(ctx context.Context, p identity.Principal) error {
			_, err := r.ActOnCertificate(ctx, p, serial, identity.Hold, "", "")
			return err
		}},
		{"read the log", []identity.Role{identity.Admin, identity.Auditor}, func(ctx context.Context, p identity.Principal) error {
			_, err := r.AuditLines(ctx, p, enroll.Page{Limit: 1})
			return err
		}},
		{"take a checkpoint", []identity.Role{identity.Admin, identity.Auditor}, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Checkpoint(ctx, p)
			return err
		}},
		{"rotate the break-glass token", roles[:1], func(ctx context.Context, p identity.Principal) error {
			_, err := r.RotateBreakGlass(ctx, p)
			return err
		}},
		{"revoke a device", []identity.Role{identity.Admin, identity.Security}, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Act(ctx, p, device, identity.Revoke, "", "")
			return err
		}},
	}
	for _, op := range operations {
		for _, role := range append(roles, "none") {
			t.Run(op.name+" as "+string(role), func(t *testing.T) {
				p := identity.Principal{Kind: identity.OIDC, Issuer: "https://idp.example", Subject: op.name + " as " + string(role)}
				if role != "none" {
					p.Grants = []identity.Grant{{Role: role, Fleet: identity.RootFleet}}
				}
				refusals := r.count(enroll.RequestRefused)
				err := op.do(t.Context(), p)
				if contains(op.allowed, role) {
					check(t, err)
					return
				}
				wantCode(t, err, enroll.Forbidden)
				if r.count(enroll.RequestRefused) != refusals+1 {
					t.Error("the refusal of someone known was not recorded")
				}
			})
		}
		t.Run(op.name+" as nobody", func(t *testing.T) {
			events := len(r.log())
			wantCode(t, op.do(t.Context(), identity.Principal{}), enroll.Unauthenticated)
			if len(r.log()) != events && op.name != "close an order" {
				t.Error("nobody wrote into the log")
			}
		})
	}
}

func contains(roles []identity.Role, role identity.Role) bool {
	for _, r := range roles {
		if r == role {
			return true
		}
	}
	return false
}

// Who holds power over one branch learns nothing of another.
func TestBranches(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1") // in /berlin/line-3
	in := func(fleet identity.FleetPath) identity.Principal {
		return identity.Principal{
			Kind: identity.OIDC, Issuer: "https://idp.example", Subject: string(fleet),
			Grants: []identity.Grant{{Role: identity.Admin, Fleet: fleet}},
		}
	}
	for fleet, want := range map[identity.FleetPath]enroll.Code{"/berlin": "", "/berlin/line-3": "", "/berlin/line-4": enroll.NotFound, "/berlin/line-3/a": enroll.NotFound, "/berli": enroll.NotFound} {
		_, err := r.Device(t.Context(), in(fleet), string(issued.Device))
		if want == "" {
			check(t, err)
			continue
		}
		wantCode(t, err, want)
		_, err = r.Act(t.Context(), in(fleet), string(issued.Device), identity.Revoke, "", "")
		wantCode(t, err, want)
		_, err = r.Certificate(t.Context(), in(fleet), issued.Serial.String())
		wantCode(t, err, want)
		_, err = r.Devices(t.Context(), in(fleet), enroll.DeviceQuery{Fleet: "/berlin", Page: enroll.Page{Limit: 1}})
		wantCode(t, err, want)
	}
}

func TestBreakGlass(t *testing.T) {
	r := newRig(t)
	token, err := r.RotateBreakGlass(t.Context(), r.admin)
	check(t, err)
	p, err := r.BreakGlassPrincipal(t.Context(), token, "192.0.2.1", "order.create")
	check(t, err)
	for _, permission := range identity.Permissions() {
		if err := r.Authorize(t.Context(), p, permission); err != nil {
			t.Errorf("it may make every call, and not %s: %v", permission, err)
		}
	}
	if r.count(enroll.BreakGlassUsed) != 1 {
		t.Error("each use is an event")
	}
	next, err := r.RotateBreakGlass(t.Context(), p)
	check(t, err)
	_, err = r.BreakGlassPrincipal(t.Context(), token, "192.0.2.1", "order.create")
	wantCode(t, err, enroll.Unauthenticated)
	for range 10 {
		_, err = r.BreakGlassPrincipal(t.Context(), "tmbg_guess", "192.0.2.66", "order.create")
		wantCode(t, err, enroll.Unauthenticated)
	}
	_, err = r.BreakGlassPrincipal(t.Context(), next, "192.0.2.66", "order.create")
	wantCode(t, err, enroll.RateLimited)
	_, err = r.BreakGlassPrincipal(t.Context(), next, "192.0.2.1", "order.create")
	check(t, err)
}

// A checkpoint covers no more than an export taken just before, whoever asks.
func TestCheckpointLeavesItsOwnRequestOut(t *testing.T) {
	r := newRig(t)
	token, err := r.RotateBreakGlass(t.Context(), r.admin)
	check(t, err)
	before := len(r.log())
	ctx := enroll.WithRequestID(t.Context(), "req-1")
	p, err := r.BreakGlassPrincipal(ctx, token, "192.0.2.1", "audit.checkpoint")
	check(t, err)
	signed, err := r.Checkpoint(ctx, p)
	check(t, err)
	checkpoint, err := audit.OpenCheckpoint(signed, nil)
	check(t, err)
	if checkpoint.Size != uint64(before) {
		t.Errorf("covers %d records, want %d", checkpoint.Size, before)
	}
}
