package enroll_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// running starts the work that nobody asks for, in a bubble of its own time, and
// stops it when the test ends.
func running(t *testing.T, options ...rigOption) *rig {
	t.Helper()
	r := newRig(t, append(options, func(c *enroll.Config) { c.Clock = time.Now })...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-done)
	})
	return r
}

// An issuer for the bubble's time, which begins in the year 2000.
func inBubble(t *testing.T, test func(*testing.T)) { t.Helper(); synctest.Test(t, test) }

// A revocation is in the CRL within a second.
func TestRevocationIsPublished(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := running(t)
		current, _ := r.enrolled("SN1")
		if n := len(r.revokedIn(current)); n != 0 {
			t.Fatalf("%d entries in a new CRL", n)
		}
		r.act(current.Device, identity.Revoke, "keyCompromise")
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(r.revokedIn(current)); n != 1 {
			t.Errorf("%d entries a second after the revocation, want 1", n)
		}
	})
}

// Refusals of unauthenticated callers are recorded in aggregate.
func TestTurnedAwayInAggregate(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := running(t)
		for i := range 25 {
			_, err := r.enrol(serialOf(i), "guess", newKey(t))
			wantCode(t, err, enroll.Unauthenticated)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		var counted []int
		for _, event := range r.log() {
			if event.Kind == enroll.RequestRefused {
				counted = append(counted, event.Count)
			}
		}
		if len(counted) != 1 || counted[0] != 25 {
			t.Errorf("recorded %v, want one event of 25", counted)
		}
	})
}

// An issuer that nears its end raises an alarm once a day, and leaves end with
// it at the latest.
func TestIssuerNearsItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		end := time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC) // of the rig's issuer
		time.Sleep(time.Until(end.Add(-49 * time.Hour)))
		r := running(t)
		time.Sleep(48*time.Hour + time.Minute)
		synctest.Wait()
		if n := r.count(enroll.IssuerEnding); n != 3 {
			t.Errorf("%d alarms in the last two days and an hour, want one a day", n)
		}
		current, _ := r.enrolled("SN1")
		if got := current.Serial.NotAfter(); !got.Equal(end) {
			t.Errorf("a leaf outlives its issuer: %s", got)
		}
		time.Sleep(2 * time.Hour)
		order := r.order(1)
		_, err := r.vouch(order, "SN2", newKey(t))
		wantCode(t, err, enroll.Unavailable)
	})
}
