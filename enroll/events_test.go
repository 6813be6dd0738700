package enroll_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// promise is what docs/events.md says of the members of a kind's events.
type promise struct{ always, sometimes []string }

var member = regexp.MustCompile("`([a-z_]+)`(\\??)")

// promises reads the table of kinds in docs/events.md.
func promises(t *testing.T) map[enroll.EventKind]promise {
	t.Helper()
	page, err := os.ReadFile("../docs/events.md")
	check(t, err)
	_, table, found := strings.Cut(string(page), "| kind |")
	if !found {
		t.Fatal("docs/events.md has no table of kinds")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	told := map[enroll.EventKind]promise{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		var p promise
		for _, m := range member.FindAllStringSubmatch(cells[3], -1) {
			names := []string{m[1]}
			if m[1] == "fleet" {
				names = append(names, "fleet_id")
			}
			if m[2] == "" {
				p.always = append(p.always, names...)
			} else {
				p.sometimes = append(p.sometimes, names...)
			}
		}
		told[enroll.EventKind(strings.Trim(cells[1], " `"))] = p
	}
	return told
}

// happening is an operation that causes events of one kind.
type happening func(context.Context, *testing.T, *rig)

// happenings has an operation for each kind that the page tells of. Whoever adds a
// kind adds it here.
func happenings() map[enroll.EventKind]happening {
	acting := func(prepare, action identity.Action) happening {
		return func(ctx context.Context, t *testing.T, r *rig) {
			issued, _ := r.enrolled("SN1")
			for _, do := range []identity.Action{prepare, action} {
				if do != "" {
					_, err := r.Act(ctx, r.admin, string(issued.Device), do, "", "because")
					check(t, err)
				}
			}
		}
	}
	onOrder := func(do func(context.Context, *rig, string) error) happening {
		return func(ctx context.Context, t *testing.T, r *rig) { check(t, do(ctx, r, string(r.order(2).ID))) }
	}
	creating := onOrder(func(ctx context.Context, r *rig, _ string) error {
		_, err := r.CreateOrder(ctx, r.admin, enroll.NewOrder{Fleet: "/ulm/line-1", Model: "TH20", Quantity: 1})
		return err
	})
	issuing := func(ctx context.Context, t *testing.T, r *rig) { enrolAndRenew(ctx, t, r) }
	granting := func(ctx context.Context, t *testing.T, r *rig) {
		r.order(1)
		g, err := r.CreateGrant(ctx, r.admin, enroll.NewGrant{For: "group:https://idp.example#line", Role: "operator", Fleet: "/berlin"})
		check(t, err)
		check(t, r.DeleteGrant(ctx, r.admin, string(g.ID)))
	}
	roles := func(ctx context.Context, t *testing.T, r *rig) {
		_, err := r.PutRole(ctx, r.admin, "viewer", []string{"device.read"})
		check(t, err)
		check(t, r.DeleteRole(ctx, r.admin, "viewer"))
	}
	breakGlass := func(ctx context.Context, t *testing.T, r *rig) {
		token, err := r.RotateBreakGlass(ctx, r.admin)
		check(t, err)
		_, err = r.BreakGlassPrincipal(ctx, token, "192.0.2.1", "list-orders")
		check(t, err)
	}
	beginning := func(permission identity.Permission, kind enroll.EventKind) happening {
		return func(ctx context.Context, t *testing.T, r *rig) { check(t, r.Begin(ctx, r.admin, permission, kind)) }
	}
	return map[enroll.EventKind]happening{
		enroll.OrderCreated: creating,
		enroll.FleetCreated: creating,
		enroll.OrderEdited: onOrder(func(ctx context.Context, r *rig, id string) error {
			_, err := r.EditOrder(ctx, r.admin, id, enroll.OrderEdit{})
			return err
		}),
		enroll.OrderWasClosed: onOrder(func(ctx context.Context, r *rig, id string) error {
			_, err := r.CloseOrder(ctx, r.admin, id)
			return err
		}),
		enroll.TicketsDrawn: onOrder(func(ctx context.Context, r *rig, id string) error {
			_, err := r.DrawTickets(ctx, r.admin, id, []string{"SN1"})
			return err
		}),
		enroll.DeviceEnrolled:      issuing,
		enroll.CertificateIssued:   issuing,
		enroll.DeviceHeld:          acting("", identity.Hold),
		enroll.CertificateHeld:     acting("", identity.Hold),
		enroll.DeviceReleased:      acting(identity.Hold, identity.Release),
		enroll.CertificateReleased: acting(identity.Hold, identity.Release),
		enroll.DeviceRevoked:       acting("", identity.Revoke),
		enroll.CertificateRevoked:  acting("", identity.Revoke),
		enroll.DeviceRetired:       acting("", identity.Retire),
		enroll.DeviceReenrolAllowed: func(ctx context.Context, t *testing.T, r *rig) {
			issued, _ := r.enrolled("SN1")
			_, err := r.AllowReenrol(ctx, r.admin, string(issued.Device), "flash wiped")
			check(t, err)
		},
		enroll.CloneWasSuspected: func(ctx context.Context, t *testing.T, r *rig) {
			order := r.order(1)
			_, err := r.vouch(order, "SN1", newKey(t))
			check(t, err)
			_, err = r.Issue(ctx, enroll.Request{Principal: identity.NewBreakGlass(), Evidence: enroll.VouchEvidence{Order: order.ID, Serial: "SN1"}, CSR: csr(t, newKey(t))})
			wantCode(t, err, enroll.CloneSuspected)
		},
		enroll.RenewalForked: func(ctx context.Context, t *testing.T, r *rig) {
			issued, _ := r.enrolled("SN1")
			_, err := r.renew(issued, newKey(t))
			check(t, err)
			_, err = r.Issue(ctx, enroll.Request{Evidence: enroll.CertificateEvidence{DER: issued.DER}, CSR: csr(t, newKey(t))})
			wantCode(t, err, enroll.CloneSuspected)
		},
		enroll.RequestRefused: func(ctx context.Context, t *testing.T, r *rig) {
			issued, _ := r.enrolled("SN1")
			ctx = enroll.WithTarget(ctx, enroll.Target{Text: "/devices/TH20-SN1", Device: string(issued.Device)})
			_, err := r.Device(ctx, someone("nobody"), string(issued.Device))
			wantCode(t, err, enroll.Forbidden)
		},
		enroll.BreakGlassUsed:    breakGlass,
		enroll.BreakGlassRotated: breakGlass,
		enroll.IssuerActivated:   func(context.Context, *testing.T, *rig) {},
		enroll.IssuerEnding: func(ctx context.Context, _ *testing.T, r *rig) {
			r.clock.advance(r.issuer.NotAfter().Sub(r.clock.Now()) - time.Hour)
			r.WatchIssuers(ctx)
		},
		enroll.GrantCreated:      granting,
		enroll.GrantDeleted:      granting,
		enroll.RoleChanged:       roles,
		enroll.RoleDeleted:       roles,
		enroll.BackupStarted:     beginning(identity.InstallationSaved, enroll.BackupStarted),
		enroll.CompactionStarted: beginning(identity.InstallationCompacted, enroll.CompactionStarted),
		enroll.ConfigReloaded:    reconfiguring,
		enroll.LogKeyRotated:     reconfiguring,
		enroll.ClockAccepted: func(_ context.Context, t *testing.T, r *rig) {
			r.order(1)
			newRigOn(t, r.store, "", r.issuer, func(c *enroll.Config) {
				c.ClockLimits.Accept = true
				c.Clock = func() time.Time { return r.clock.Now().Add(-day) }
			})
		},
		enroll.AlarmRaised:  alarmed,
		enroll.AlarmCleared: alarmed,
	}
}

// alarmed has the clock go wrong, and right again.
func alarmed(ctx context.Context, t *testing.T, r *rig) {
	for _, by := range []time.Duration{0, -time.Hour, 2 * time.Hour} {
		r.clock.advance(by)
		check(t, r.LookForAlarms(ctx))
	}
}

// reconfiguring changes what it can, the log's key among it.
func reconfiguring(ctx context.Context, t *testing.T, r *rig) {
	t.Helper()
	check(t, r.Reconfigure(ctx, enroll.Live{
		Issuers: []*ca.Issuer{r.issuer}, Issuing: r.issuer.ID(), Profiles: []ca.Profile{profile(t, ca.ProfileConfig{Name: "default"})},
		LogSigner: logKey(t, "log.touchmark.example"),
	}, enroll.Change{Keys: []string{"log.key", "profiles"}, Digest: "ab"}))
}

// enrolAndRenew vouches for a device, and has it renew.
func enrolAndRenew(ctx context.Context, t *testing.T, r *rig) {
	t.Helper()
	issued, err := r.Issue(ctx, enroll.Request{
		Principal: identity.NewBreakGlass(), Evidence: enroll.VouchEvidence{Order: r.order(1).ID, Serial: "SN1"}, CSR: csr(t, newKey(t)),
	})
	check(t, err)
	_, err = r.Issue(ctx, enroll.Request{Evidence: enroll.CertificateEvidence{DER: issued.DER}, CSR: csr(t, newKey(t))})
	check(t, err)
}

// Every kind of event has the members that docs/events.md promises, and no others.
func TestEventsHoldWhatIsPromised(t *testing.T) {
	causes := happenings()
	maps.Copy(causes, authorityHappenings())
	for kind, promised := range promises(t) {
		t.Run(string(kind), func(t *testing.T) {
			happen := causes[kind]
			if happen == nil {
				t.Fatal("docs/events.md tells of it; add an operation that causes it to happenings")
			}
			r := newRigOn(t, storetest.NewMemory(), "", newIssuer(t, nil))
			happen(enroll.WithRequestID(t.Context(), "req-1"), t, r)
			seen := 0
			for _, event := range r.log() {
				if event.Kind == kind {
					seen++
					promised.hold(t, event)
				}
			}
			if seen == 0 {
				t.Fatal("it did not happen")
			}
		})
	}
}

// hold compares an event with what is promised of its kind.
func (p promise) hold(t *testing.T, event enroll.Event) {
	t.Helper()
	text, err := json.Marshal(event)
	check(t, err)
	members := map[string]any{}
	check(t, json.Unmarshal(text, &members))
	always := append([]string{"time", "kind", "actor"}, p.always...)
	for _, name := range always {
		if _, there := members[name]; !there {
			t.Errorf("%s is missing: %s", name, text)
		}
	}
	known := slices.Concat(always, p.sometimes, []string{"request"})
	for name := range maps.Keys(members) {
		if !slices.Contains(known, name) {
			t.Errorf("%s is not promised: %s", name, text)
		}
	}
	if who, _ := members["actor"].(string); strings.Contains(who, "alice") || who == "" {
		t.Errorf("the actor is told as %q", who)
	}
}

// What somebody did is told with the grant that let them, by every way in which
// there is one.
func TestEventsNameTheGrant(t *testing.T) {
	r := newRig(t)
	gateway, _ := r.enrolled("GW1")
	certified := r.certified(gateway)
	first := r.order(2, func(o *enroll.NewOrder) { o.Stations = []string{certified.ID(), someone("line").ID()} })
	granted, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: someone("line").ID(), Role: "station", Fleet: "/berlin"})
	check(t, err)
	for serial, p := range map[string]identity.Principal{"SN1": someone("line"), "SN2": certified} {
		_, err := r.Issue(t.Context(), enroll.Request{Principal: p, Evidence: enroll.VouchEvidence{Order: first.ID, Serial: serial}, CSR: csr(t, newKey(t))})
		check(t, err)
	}
	r.enrolled("SN3") // by ticket
	want := map[identity.DeviceID]string{"TH20-SN1": string(granted.ID), "TH20-SN2": "order", "TH20-SN3": "", "TH20-GW1": ""}
	for _, event := range r.log() {
		switch event.Kind {
		case enroll.DeviceEnrolled, enroll.CertificateIssued:
			if event.Grant != want[event.Device] {
				t.Errorf("%s of %s is told with the grant %q, want %q", event.Kind, event.Device, event.Grant, want[event.Device])
			}
		case enroll.OrderCreated, enroll.TicketsDrawn:
			if event.Grant != "configuration:admin" {
				t.Errorf("%s is told with the grant %q", event.Kind, event.Grant)
			}
		default:
		}
	}
}
