package enroll_test

import (
	"crypto/rand"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

var crlAddress = regexp.MustCompile(`/crl/([0-9a-z]+)/([0-9-]+)\.crl`)

// bundled returns the shards whose CRLs are in the bundle.
func (r *rig) bundled() map[enroll.ShardKey]bool {
	r.tb.Helper()
	found := map[enroll.ShardKey]bool{}
	check(r.tb, r.CRLBundle(r.tb.Context(), r.issuer.ID(), func(der []byte) error {
		address := crlAddress.FindSubmatch(der)
		if address == nil {
			return errors.New("a CRL names no address")
		}
		found[enroll.ShardKey{Issuer: string(address[1]), Shard: ca.ShardID(address[2])}] = true
		return nil
	}))
	return found
}

// watcher is a relying party that fetches the bundle each minute.
type watcher struct {
	*rig
	since map[enroll.ShardKey]time.Time // it has had the shard's CRL
	most  int                           // CRLs in a bundle
}

func (w *watcher) fetch() {
	w.tb.Helper()
	now, found := w.clock.Now(), w.bundled()
	for key := range found {
		if w.since[key].IsZero() {
			w.since[key] = now
		}
	}
	for key := range w.since {
		if !found[key] {
			delete(w.since, key)
		}
	}
	w.most = max(w.most, len(found))
}

// had fails unless the relying party has had the CRL of a shard for long enough.
func (w *watcher) had(what string, shard ca.ShardID, begun time.Time) {
	w.tb.Helper()
	now, want := w.clock.Now(), time.Hour
	if shard.Bits() > 0 {
		want = 5 * time.Minute
	}
	since := w.since[enroll.ShardKey{Issuer: w.issuer.ID(), Shard: shard}]
	if since.IsZero() || now.Sub(since) < min(want, now.Sub(begun)) {
		w.tb.Fatalf("%s: %s would name CRL %s, which is known since %s", now.Format(time.DateTime), what, shard, since.Format(time.TimeOnly))
	}
}

// Whenever a certificate is issued, its CRL has stood in the bundle for an hour, or for
// five minutes where a bucket was split.
func TestRelyingPartiesHaveTheCRLBefore(t *testing.T) {
	lifetimes := map[string]time.Duration{
		"minute": time.Minute, "brief": time.Hour, "default": day, "odd": 25*time.Hour + time.Second, "quarter": 90 * day,
	}
	r := newRig(t, func(c *enroll.Config) {
		for _, name := range []string{"minute", "odd", "quarter"} {
			c.Profiles = append(c.Profiles, profile(t, ca.ProfileConfig{Name: name, Lifetime: lifetimes[name]}))
		}
	})
	orders := map[string]enroll.OrderInfo{}
	for name := range lifetimes {
		orders[name] = r.order(2_000, func(o *enroll.NewOrder) { o.Profile = name })
	}
	w := &watcher{rig: r, since: map[enroll.ShardKey]time.Time{}}
	r.publish()
	w.fetch()
	begun, devices := r.clock.Now(), 0
	var finest uint8
	for minute := range 3 * 24 * 60 {
		r.clock.advance(time.Minute)
		for name, lifetime := range lifetimes {
			serial, err := ca.NewSerial(rand.Reader, r.clock.Now().Add(lifetime).Truncate(time.Second))
			check(t, err)
			shard := r.ChooseShard(serial, lifetime)
			w.had(name, shard, begun)
			finest = max(finest, shard.Bits())
			if name == "default" {
				many := 20
				if minute%720 < 10 { // a rush that outruns the notice
					many = 1_500
				}
				r.CountIssued(enroll.ShardKey{Issuer: r.issuer.ID(), Shard: shard}, many)
			}
			if minute%12 != 0 {
				continue
			}
			devices++
			issued, err := r.vouch(orders[name], serialOf(devices), newKey(t))
			check(t, err)
			w.had(name, issued.Shard, begun)
		}
		check(t, r.SettleSplits(t.Context()))
		r.publish()
		w.fetch()
	}
	if devices < 1_500 || finest < 3 {
		t.Errorf("%d certificates were issued, in shards of up to %d bits", devices, finest)
	}
	// Two days' buckets and what is left of a third, each of 1 + 2 + 4 + 8 shards and
	// 16 that are not used yet, and two of each greater width.
	if limit := 3*31 + 4; w.most > limit {
		t.Errorf("%d CRLs in the bundle, want %d at most", w.most, limit)
	}
}
