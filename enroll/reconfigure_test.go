package enroll_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// liveRig is a rig whose configuration can change while it runs.
type liveRig struct {
	*rig
	now enroll.Live // what holds
}

func newLiveRig(t *testing.T, options ...rigOption) *liveRig {
	t.Helper()
	var r liveRig
	options = append(options, func(c *enroll.Config) {
		r.now = enroll.Live{
			Issuers: c.Issuers, Issuing: c.Issuing, Profiles: c.Profiles, LogSigner: c.LogSigner, Standing: c.Standing,
		}
	})
	r.rig = newRig(t, options...)
	return &r
}

// reconfigure has a changed configuration hold.
func (r *liveRig) reconfigure(change func(*enroll.Live)) error {
	r.tb.Helper()
	next := r.now
	next.Issuers, next.Profiles = slices.Clone(r.now.Issuers), slices.Clone(r.now.Profiles)
	change(&next)
	err := r.Reconfigure(r.tb.Context(), next, enroll.Change{Keys: []string{"profiles"}, Digest: "ab"})
	if err == nil {
		r.now = next
	}
	return err
}

// issuesFrom has another issuer issue.
func issuesFrom(issuer *ca.Issuer) func(*enroll.Live) {
	return func(l *enroll.Live) {
		l.Issuers = append(l.Issuers, issuer)
		l.Issuing = issuer.ID()
	}
}

// A new issuer issues at once, which is recorded once; what the old one issued renews,
// and is spoken for.
func TestANewIssuerIssuesWithoutARestart(t *testing.T) {
	r := newLiveRig(t)
	old, oldKey := r.enrolled("SN1")
	second := newIssuer(t, nil)
	check(t, r.reconfigure(issuesFrom(second)))
	check(t, r.reconfigure(func(*enroll.Live) {})) // changes nothing
	if n := r.count(enroll.IssuerActivated); n != 2 {
		t.Errorf("%d issuers were activated, want 2", n)
	}
	fresh, _ := r.enrolled("SN2")
	renewed, err := r.renew(old, oldKey)
	check(t, err)
	if old.Issuer != r.issuer.ID() || fresh.Issuer != second.ID() || renewed.Issuer != second.ID() {
		t.Errorf("issued by %s, then %s and %s", old.Issuer, fresh.Issuer, renewed.Issuer)
	}
	r.act(old.Device, identity.Revoke, "keyCompromise")
	r.publish()
	for _, revoked := range []enroll.Issued{old, renewed} {
		if r.issuer = r.now.Issuers[0]; revoked.Issuer == second.ID() {
			r.issuer = second // whose CRL is looked at
		}
		if n := len(r.revokedIn(revoked)); n != 1 {
			t.Errorf("%d entries in the CRL of issuer %s, want 1", n, revoked.Issuer)
		}
	}
	if first := r.Issuers()[0].ID(); first != second.ID() {
		t.Errorf("%s is first", first)
	}
}

// What is wrong changes nothing at all.
func TestAFaultyConfigurationChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*enroll.Live)
		says   string
	}{
		"no default profile": {func(l *enroll.Live) { l.Profiles = l.Profiles[1:] }, "no profile called"},
		"an unknown issuer":  {func(l *enroll.Live) { l.Issuing = "0123456789abcdef" }, "nothing can be signed"},
		"an issuer is gone":  {func(l *enroll.Live) { l.Issuers = nil; issuesFrom(newIssuer(t, nil))(l) }, "bring its folder back"},
		"another log's key":  {func(l *enroll.Live) { l.LogSigner = logKey(t, "another.example") }, "keeps its name"},
		"a brief CRL":        {func(l *enroll.Live) { l.CRLLifetime = time.Second }, "at least a minute"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newLiveRig(t)
			before := len(r.log())
			err := r.reconfigure(func(l *enroll.Live) {
				l.Profiles = append(l.Profiles, profile(t, ca.ProfileConfig{Name: "new"}))
				c.change(l)
			})
			if err == nil {
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v", err)
			}
			if n := len(r.log()); n != before {
				t.Errorf("%d events more", n-before)
			}
			_, err = r.CreateOrder(t.Context(), r.admin, enroll.NewOrder{Fleet: "/x", Model: "TH20", Quantity: 1, Profile: "new"})
			wantCode(t, err, enroll.BadRequest)
			r.enrolled("SN1")
		})
	}
}

// refusing is a store that writes nothing while it is told so.
type refusing struct {
	enroll.Store
	mu   sync.Mutex // guards down
	down bool
}

func (s *refusing) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return errors.New("the store is away")
	}
	return s.Store.Update(ctx, fn)
}

// What cannot be recorded does not hold.
func TestWhatIsNotRecordedDoesNotHold(t *testing.T) {
	away := &refusing{}
	r := newLiveRig(t, func(c *enroll.Config) { away.Store, c.Store = c.Store, away })
	away.down = true
	second := newIssuer(t, nil)
	if err := r.reconfigure(issuesFrom(second)); err == nil {
		t.Fatal("it was taken")
	}
	away.down = false
	if issued, _ := r.enrolled("SN1"); issued.Issuer == second.ID() {
		t.Error("the new issuer issues, and nothing says so")
	}
	check(t, r.reconfigure(issuesFrom(second)))
	if issued, _ := r.enrolled("SN2"); issued.Issuer != second.ID() {
		t.Error("the old issuer issues")
	}
}

// Roles that the configuration takes from a group are gone from what its members left
// to be done without them, at once.
func TestRolesAreTakenAtOnce(t *testing.T) {
	r := newLiveRig(t)
	r.admin = person("alice", "admin")
	r.order(10)
	made, err := r.CreateToken(t.Context(), r.admin, enroll.NewToken{
		Name: "line 3", Fleet: "/berlin", Permissions: []string{"order.read"}, Until: r.clock.Now().Add(24 * time.Hour),
	})
	check(t, err)
	reads := func() error {
		p, err := r.TokenPrincipal(t.Context(), made.Text, "192.0.2.1")
		if err != nil {
			return err
		}
		_, err = r.Orders(t.Context(), p, enroll.OrderQuery{Page: enroll.Page{Limit: 1}})
		return err
	}
	check(t, reads())
	check(t, r.reconfigure(func(l *enroll.Live) { l.Standing = func(string, []string) []identity.Grant { return nil } }))
	if reads() == nil {
		t.Error("the token reads orders, and nobody in its maker's group may")
	}
	check(t, r.reconfigure(func(l *enroll.Live) { l.Standing = standing }))
	check(t, reads())
}

// A profile that changes under the name that it has is never half applied: whatever
// was signed by the old one is recorded only while the old one holds.
func TestEnrolmentsWhileEverythingChanges(t *testing.T) {
	r := newLiveRig(t)
	second := newIssuer(t, nil)
	first := r.now.Issuing
	check(t, r.reconfigure(func(l *enroll.Live) {
		l.Issuers = append(l.Issuers, second)
		l.Profiles[0] = profile(t, ca.ProfileConfig{Name: "default", Lifetime: time.Hour})
	}))
	order := r.order(40)
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			err := r.reconfigure(func(l *enroll.Live) {
				l.Issuing = []string{first, second.ID()}[i%2]
				l.Profiles[0] = profile(t, ca.ProfileConfig{Name: "default", Lifetime: []time.Duration{time.Hour, 2 * time.Hour}[i%2]})
			})
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond) // so that some are recorded within one configuration
		}
	})
	var enrolling sync.WaitGroup
	for i := range 40 {
		enrolling.Go(func() {
			issued, err := r.vouch(order, serialOf(i), newKey(t))
			var refusal *enroll.Refusal
			if errors.As(err, &refusal) && refusal.Code == enroll.Conflict {
				return // it kept changing
			}
			if err != nil {
				t.Error(err)
				return
			}
			lifetime := issued.Serial.NotAfter().Sub(r.clock.Now())
			if want := map[string]time.Duration{first: time.Hour, second.ID(): 2 * time.Hour}[issued.Issuer]; lifetime != want {
				t.Errorf("issuer %s gave %s, want %s", issued.Issuer, lifetime, want)
			}
		})
	}
	enrolling.Wait()
	close(done)
	changing.Wait()
}

func logKey(tb testing.TB, origin string) *audit.Key {
	tb.Helper()
	private, _, err := audit.GenerateKey(rand.Reader, origin)
	check(tb, err)
	key, err := audit.ParseKey(private)
	check(tb, err)
	return key
}
