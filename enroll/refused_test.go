package enroll_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// someone is a person of the provider with roles at the root.
func someone(name string, roles ...identity.Role) identity.Principal {
	p := identity.Principal{Kind: identity.OIDC, Issuer: "https://idp.example", Subject: name, Name: name}
	for _, role := range roles {
		p.Grants = append(p.Grants, identity.Grant{Role: role, Fleet: identity.RootFleet})
	}
	return p
}

// refusals returns the events of refused requests.
func (r *rig) refusals() (events []enroll.Event) {
	r.tb.Helper()
	for _, event := range r.log() {
		if event.Kind == enroll.RequestRefused {
			events = append(events, event)
		}
	}
	return events
}

// What a door passes on is recorded once: who, what, where and why.
func TestRefusalsAreRecorded(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1")
	retired, _ := r.enrolled("SN2")
	r.act(retired.Device, identity.Retire, "")
	order := r.order(1)
	target := enroll.Target{Text: "/devices/TH20-SN1/release", Device: string(issued.Device)}
	security, operator := someone("sam", identity.Security), someone("oscar", identity.Operator)
	stranger := identity.Principal{
		Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "stranger",
		Grants: []identity.Grant{{Role: identity.Security, Fleet: "/bern"}},
	}
	_, err := r.CloseOrder(t.Context(), r.admin, string(order.ID))
	check(t, err)
	for name, c := range map[string]struct {
		p      identity.Principal
		target enroll.Target
		what   identity.Permission
		do     func(context.Context, identity.Principal) error
		want   enroll.Event
	}{
		"the state of things": {security, enroll.Target{Text: "/devices/TH20-SN2/release", Device: string(retired.Device)}, identity.DeviceRelease, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Act(ctx, p, string(retired.Device), identity.Release, "", "")
			return err
		}, enroll.Event{Code: enroll.WrongState, Device: retired.Device, Fleet: "/berlin/line-3"}},
		"permission held nowhere": {operator, target, identity.DeviceRelease, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Act(ctx, p, string(issued.Device), identity.Release, "", "")
			return err
		}, enroll.Event{Code: enroll.Forbidden, Device: issued.Device, Fleet: "/berlin/line-3"}},
		"outside the branch": {stranger, target, identity.DeviceRelease, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Act(ctx, p, string(issued.Device), identity.Release, "", "")
			return err
		}, enroll.Event{Code: enroll.NotFound, Device: issued.Device, Fleet: "/berlin/line-3"}},
		"a device that is not there": {security, enroll.Target{Text: "/devices/none", Device: "none"}, identity.DeviceRead, func(ctx context.Context, p identity.Principal) error {
			_, err := r.Device(ctx, p, "none")
			return err
		}, enroll.Event{Code: enroll.NotFound}},
		"an order that is closed": {operator, enroll.Target{Text: "/orders/x", Order: string(order.ID)}, identity.OrderEdit, func(ctx context.Context, p identity.Principal) error {
			_, err := r.EditOrder(ctx, p, string(order.ID), enroll.OrderEdit{})
			return err
		}, enroll.Event{Code: enroll.OrderClosed, Order: order.ID, Fleet: "/berlin/line-3"}},
		"a certificate of another branch": {stranger, enroll.Target{Text: "/certificates/x", Certificate: strings.ToUpper(issued.Serial.String())}, identity.DeviceRevoke, func(ctx context.Context, p identity.Principal) error {
			_, err := r.ActOnCertificate(ctx, p, issued.Serial.String(), identity.Revoke, "", "")
			return err
		}, enroll.Event{Code: enroll.NotFound, Device: issued.Device, Certificate: &issued.Serial, Fleet: "/berlin/line-3"}},
		"a branch that is named in the body": {stranger, enroll.Target{Text: "/grants"}, identity.GrantCreate, func(ctx context.Context, p identity.Principal) error {
			p.Grants[0].Role = identity.Admin
			_, err := r.CreateGrant(ctx, p, enroll.NewGrant{For: "group:https://idp.example#g", Role: "auditor", Fleet: "/berlin"})
			return err
		}, enroll.Event{Code: enroll.NotFound, Fleet: "/berlin"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(r.refusals())
			ctx := enroll.WithTarget(enroll.WithRequestID(t.Context(), "req-1"), c.target)
			err := r.Refused(ctx, c.p, c.what, c.do(ctx, c.p))
			wantCode(t, err, c.want.Code)
			err = r.Refused(ctx, c.p, c.what, err) // a second door changes nothing
			wantCode(t, err, c.want.Code)
			got := r.refusals()[before:]
			if len(got) != 1 {
				t.Fatalf("recorded %d times: %+v", len(got), got)
			}
			e := got[0]
			if e.Code != c.want.Code || e.Operation != string(c.what) || e.Target != c.target.Text || e.Request != "req-1" || !strings.HasPrefix(e.Actor, "person:") {
				t.Errorf("recorded %+v", e)
			}
			certificate := e.Certificate == nil && c.want.Certificate == nil || e.Certificate != nil && c.want.Certificate != nil && *e.Certificate == *c.want.Certificate
			if e.Device != c.want.Device || e.Fleet != c.want.Fleet || (e.Fleet == "") != (e.FleetID == "") || !certificate || c.want.Order != "" && e.Order != c.want.Order {
				t.Errorf("recorded %+v, want %+v", e, c.want)
			}
		})
	}
}

// What says nothing about the caller's authority is no decision, and enrolments
// record their own refusals.
func TestRefusalsThatAreNotRecordedByDoors(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	station := someone("line-4", identity.Station)
	for name, err := range map[string]error{
		"bad_request":  enroll.RefuseField("fleet", "no path"),
		"too_large":    enroll.Refuse(enroll.TooLarge, "too long"),
		"rate_limited": enroll.Refuse(enroll.RateLimited, "wait"),
		"unavailable":  enroll.ErrStoreUnavailable,
		"internal":     errors.New("disk on fire"),
		"cancelled":    context.Canceled,
		"nothing":      nil,
	} {
		before := len(r.log())
		if got := r.Refused(t.Context(), r.admin, identity.DeviceRead, err); !errors.Is(got, err) {
			t.Errorf("%s became %v", name, got)
		}
		if len(r.log()) != before {
			t.Errorf("%s was recorded", name)
		}
	}
	_, err := r.Issue(t.Context(), enroll.Request{
		Principal: station, Evidence: enroll.VouchEvidence{Order: order.ID, Serial: "SN1"}, CSR: csr(t, newKey(t)),
	})
	wantCode(t, err, enroll.NotFound)
	wantCode(t, r.Refused(t.Context(), station, identity.DeviceEnrol, err), enroll.NotFound)
	if got := r.refusals(); len(got) != 1 || got[0].Operation != "vouch" {
		t.Errorf("an enrolment's refusal is recorded as %+v", got)
	}
	before := len(r.log())
	wantCode(t, r.Refused(t.Context(), identity.Principal{}, identity.DeviceRead, enroll.Refuse(enroll.Forbidden, "no")), enroll.Forbidden)
	if len(r.log()) != before {
		t.Error("nobody wrote into the log")
	}
}

// Records hold nothing that does not print, and not more than so much of it.
func TestTargetsAreBounded(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{strings.Repeat("x", 1000), strings.Repeat("é", 500), "a\x1b[31mb\u202ec\n", "\xff\xfe" + strings.Repeat("\xff", 300)} {
		ctx := enroll.WithTarget(t.Context(), enroll.Target{Text: text})
		wantCode(t, r.Refused(ctx, r.admin, identity.DeviceRead, enroll.Refuse(enroll.NotFound, "no")), enroll.NotFound)
		got := r.refusals()
		target := got[len(got)-1].Target
		if len(target) == 0 || len(target) > 256 || strings.ContainsAny(target, "\x1b\u202e\n") {
			t.Errorf("%.20q… is recorded as %q", text, target)
		}
	}
}

// Whoever is refused over and over fills no log: twenty times a minute one by one,
// and then by number.
func TestRefusedOverAndOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := running(t)
		refuse := func(p identity.Principal, code enroll.Code) {
			t.Helper()
			wantCode(t, r.Refused(t.Context(), p, identity.DeviceRead, enroll.Refuse(code, "no")), code)
		}
		mallory, other := someone("mallory"), someone("other")
		for i := range 70 {
			refuse(mallory, enroll.NotFound)
			if i%2 == 0 {
				refuse(mallory, enroll.Forbidden)
			}
		}
		refuse(other, enroll.NotFound)
		if n := len(r.refusals()); n != 21 {
			t.Errorf("%d events in the first minute, want 20 of one and 1 of the other", n)
		}
		time.Sleep(95 * time.Second)
		synctest.Wait()
		counts := map[enroll.Code]int{}
		events := r.refusals()
		for _, e := range events[21:] {
			counts[e.Code] += e.Count
			if e.Actor != events[0].Actor || e.Count == 0 {
				t.Errorf("recorded %+v", e)
			}
		}
		if len(events) != 23 || counts[enroll.NotFound]+counts[enroll.Forbidden] != 70+35-20 || counts[enroll.Forbidden] != 28 {
			t.Errorf("%d events, counted %v", len(events), counts)
		}
		refuse(mallory, enroll.NotFound)
		if n := len(r.refusals()); n != 24 {
			t.Errorf("%d events after the first refusal of a new minute, want it by itself", n)
		}
	})
}

// What is counted when the process ends is recorded first.
func TestRefusalsCountedAtTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := newRig(t, func(c *enroll.Config) { c.Clock = time.Now })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		for range 25 {
			wantCode(t, r.Refused(t.Context(), someone("mallory"), identity.DeviceRead, enroll.Refuse(enroll.NotFound, "no")), enroll.NotFound)
		}
		synctest.Wait()
		cancel()
		check(t, <-done)
		if got := r.refusals(); len(got) != 21 || got[20].Count != 5 {
			t.Errorf("recorded %+v", got)
		}
	})
}

// failing is a store that cannot promise durability for a while.
type failing struct {
	enroll.Store
	down bool
}

func (f *failing) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if f.down {
		return enroll.ErrStoreUnavailable
	}
	return f.Store.Update(ctx, fn)
}

// A refusal that cannot be recorded is still a refusal, says so to the door, and is
// recorded later.
func TestRefusalThatCannotBeRecorded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		store := &failing{Store: storetest.NewMemory()}
		r := newRigOn(t, store, "", newIssuer(t, nil), func(c *enroll.Config) { c.Clock = time.Now })
		store.down = true
		nobody := someone("nobody")
		_, err := r.Device(t.Context(), nobody, "TH20-SN1")
		wantCode(t, err, enroll.Forbidden)
		again := r.Refused(t.Context(), nobody, identity.DeviceRead, err)
		wantCode(t, again, enroll.Forbidden)
		if !errors.Is(again, enroll.ErrStoreUnavailable) || !errors.Is(again, enroll.ErrNotRecorded) || enroll.AsRefusal(again).Code != enroll.Forbidden {
			t.Errorf("got %v", again)
		}
		store.down = false
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		cancel()
		check(t, <-done)
		if got := r.refusals(); len(got) != 1 || got[0].Count != 1 || got[0].Code != enroll.Forbidden {
			t.Errorf("recorded %+v", got)
		}
	})
}
