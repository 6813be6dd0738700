package enroll_test

import (
	"context"
	"crypto"
	"errors"
	"maps"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
)

// counting is a store that counts the transactions that write.
type counting struct {
	enroll.Store
	updates atomic.Int64
}

func (s *counting) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	s.updates.Add(1)
	return s.Store.Update(ctx, fn)
}

// What is made ahead of time is written once, is little, and is forgotten when its
// bucket is over: whoever issues nothing has no more CRLs after a month.
func TestForeseenIsLittle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "touchmark.db")
	opened, err := bolt.Open(t.Context(), bolt.Config{Path: path})
	check(t, err)
	t.Cleanup(func() { check(t, opened.Close()) })
	store := &counting{Store: opened}
	r := newRigOn(t, store, path, newIssuer(t, nil), func(c *enroll.Config) {
		c.Profiles = append(c.Profiles, profile(t, ca.ProfileConfig{Name: "minute", Lifetime: time.Minute}), profile(t, ca.ProfileConfig{Name: "year", Lifetime: year}))
	})
	for range 30 * 24 {
		r.clock.advance(time.Hour)
		r.publish()
		before := store.updates.Load()
		r.publish()
		if n := store.updates.Load() - before; n != 0 {
			t.Fatalf("%d transactions where nothing was due", n)
		}
		if n := len(r.bundled()); n < 3 || n > 6 { // today's, tomorrow's, at times two around them; one or two of the year's
			t.Fatalf("%d CRLs for two widths of buckets", n)
		}
	}
	// Each is signed anew twice a day; one a day is made, and one forgotten.
	if n := store.updates.Load(); n > 30*(2*6+2)+20 {
		t.Errorf("%d transactions in a month", n)
	}
}

// A wrong clock has no CRL made for the days that it tells, and none forgotten.
func TestWrongClockForeseesNothing(t *testing.T) {
	for name, by := range map[string]time.Duration{"a year ahead": year, "a year behind": -year} {
		t.Run(name, func(t *testing.T) {
			b := newBent(t)
			b.publish()
			before := b.bundled()
			b.clock.set(by)
			b.publish()
			if after := b.bundled(); !maps.Equal(before, after) {
				t.Errorf("the bundle has %v, and had %v", after, before)
			}
		})
	}
}

// While the key does not sign nothing is made ahead of time, and the bundle is
// served as it is.
func TestBundleWithoutTheKey(t *testing.T) {
	key := &moody{}
	r := openRig(t, filepath.Join(t.TempDir(), "touchmark.db"), newIssuer(t, func(s crypto.Signer) crypto.Signer { key.Signer = s; return key }))
	r.clock.advance(13 * time.Hour) // an hour into a day
	r.publish()
	before := r.bundled()
	key.be(nil, errors.New("the token was pulled out"))
	r.clock.advance(11*time.Hour + time.Minute) // the day after tomorrow's is to be made
	if err := r.PublishDue(t.Context()); !errors.Is(err, ca.ErrNoSignature) {
		t.Errorf("the publisher says %v", err)
	}
	if after := r.bundled(); !maps.Equal(before, after) {
		t.Errorf("the bundle has %v, and had %v", after, before)
	}
	key.be(nil, nil)
	r.publish()
	if n := len(r.bundled()); n != len(before)+1 {
		t.Errorf("%d CRLs, and before the key was away %d", n, len(before))
	}
}

// The CRLs of an issuer that was installed and does not issue yet are there before it
// does; those of one that was taken away and has no certificates go, and disturb nobody.
func TestIssuersComeAndGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "touchmark.db")
	store, err := bolt.Open(t.Context(), bolt.Config{Path: path})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	first, second := newIssuer(t, nil), newIssuer(t, nil)
	r := newRigOn(t, store, path, first, func(c *enroll.Config) { c.Issuers = append(c.Issuers, second) })
	r.publish()
	of := func(issuer *ca.Issuer) (n int) {
		for key := range r.bundled() {
			if key.Issuer == issuer.ID() {
				n++
			}
		}
		return n
	}
	if of(first) < 2 || of(first) != of(second) {
		t.Errorf("%d CRLs of the issuer, %d of the one to come", of(first), of(second))
	}
	now := r.clock.Now()
	r = newRigOn(t, store, path, second)
	r.clock.advance(now.Sub(r.clock.Now()) + 13*time.Hour)
	r.publish()
	check(t, r.LookForAlarms(t.Context()))
	r.clock.advance(12 * time.Hour)
	r.publish()
	if n := r.count(enroll.AlarmRaised); n != 0 {
		t.Errorf("%d alarms", n)
	}
	if of(first) != 0 || of(second) < 2 {
		t.Errorf("%d CRLs of the issuer that was taken away, %d of the new one", of(first), of(second))
	}
}
