package enroll_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// fault fails unless the clock is what is wanted, and devices are enrolled accordingly.
func (b *bent) fault(t *testing.T, want enroll.ClockFault) {
	t.Helper()
	if got := b.Clock().Fault; got != want {
		t.Fatalf("the clock is %q, want %q", got, want)
	}
	b.others++
	_, err := b.vouch(b.archivedRig.order(1), fmt.Sprintf("OTHER%d", b.others), newKey(t))
	if want == "" {
		check(t, err)
		return
	}
	wantCode(t, err, enroll.Unavailable)
}

// A clock that was ahead for a while, at starts, leaves records of the future. An
// operator says that the clock is right, once.
func TestClockIsAccepted(t *testing.T) {
	b := newBent(t)
	b.clock.set(30 * day)
	b.restart(t, nil)
	b.fault(t, "")
	b.clock.set(-30 * day)
	b.restart(t, nil)
	b.fault(t, enroll.ClockBehind)
	b.restart(t, func(l *enroll.ClockLimits) { l.Accept = true })
	b.keepsGrants(t, "")
	if n := b.count(enroll.ClockAccepted); n != 1 {
		t.Fatalf("%d events say that the clock was accepted", n)
	}
	_, err := b.enrol("SN3", b.ticket, b.ticketKey)
	check(t, err)
	b.restart(t, func(l *enroll.ClockLimits) { l.Accept = true })
	b.restart(t, nil)
	if got := b.Clock().Fault; got != "" || b.count(enroll.ClockAccepted) != 1 {
		t.Errorf("after another start the clock is %q", got)
	}
	b.publishes(t, "")
	b.answers(t, "")
}

// A service that was off for long is told by an operator that the time is what it is.
func TestClockFarAheadIsAccepted(t *testing.T) {
	b := newBent(t)
	b.clock.pass(200 * day)
	b.restart(t, nil)
	b.fault(t, enroll.ClockFarAhead)
	b.restart(t, func(l *enroll.ClockLimits) { l.Accept = true })
	b.fault(t, "")
	if now := b.Now(); !now.Equal(b.clock.Now()) {
		t.Errorf("it is %s, and the service says %s", b.clock.Now(), now)
	}
}

// A clock that was behind at a start is right once it comes to the last record, and
// what was recorded meanwhile does not put that off.
func TestClockThatIsBehindCatchesUp(t *testing.T) {
	b := newBent(t)
	b.clock.set(-time.Hour)
	for range 30 {
		b.clock.pass(2 * time.Minute)
		b.act(b.good.Device, identity.Hold, "")
		b.act(b.good.Device, identity.Release, "")
	}
	b.fault(t, "")
	b.keepsOrder(t, "")
}

// A machine that was paused for less than an hour goes on; for longer, it is restarted.
func TestPausedMachine(t *testing.T) {
	b := newBent(t)
	b.clock.set(59 * time.Minute)
	b.fault(t, "")
	b.clock.set(3 * day)
	b.fault(t, enroll.ClockJumped)
	b.restart(t, nil)
	b.fault(t, "")
}

// dated is a store with a clock.
type dated struct {
	enroll.Store
	clock func() time.Time
}

func (d dated) Now(context.Context) (time.Time, error) { return d.clock(), nil }

// A node whose clock is apart from the database's issues nothing, and reckons by the
// database's time.
func TestClockApartFromTheDatabase(t *testing.T) {
	theirs, ours := &bentClock{wall: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, &bentClock{wall: time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)}
	r := newRigOn(t, dated{storetest.NewMemory(), theirs.Now}, "", newIssuer(t, nil), func(c *enroll.Config) {
		c.Clock, c.Elapsed = ours.Now, ours.Passed
	})
	order := r.order(2)
	_, err := r.vouch(order, "SN1", newKey(t))
	wantCode(t, err, enroll.Unavailable)
	if now := r.Now(); !now.Equal(theirs.Now()) {
		t.Errorf("the node goes by %s", now)
	}
	ours.set(-3 * time.Hour)
	check(t, r.LookForAlarms(t.Context()))
	_, err = r.vouch(order, "SN1", newKey(t))
	check(t, err)
}

// A node learns from the others' records that its clock is behind, and that theirs
// was accepted.
func TestClockBehindOtherNodes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		s, issuer := newSite(t)
		a, _ := s.join(t, issuer, clockAhead(day))
		b, _ := s.join(t, issuer)
		run(t, a)
		run(t, b)
		order := a.order(3)
		pass(2 * time.Second)
		_, err := b.vouch(order, "SN1", newKey(t))
		wantCode(t, err, enroll.Unavailable)
		if got := b.Clock().Fault; got != enroll.ClockBehind {
			t.Errorf("the node behind is %q", got)
		}
		c, _ := s.join(t, issuer, func(c *enroll.Config) { c.ClockLimits.Accept = true })
		run(t, c)
		pass(2 * time.Second)
		_, err = b.vouch(order, "SN1", newKey(t))
		check(t, err)
	})
}

func clockAhead(by time.Duration) rigOption {
	return func(c *enroll.Config) { c.Clock = func() time.Time { return time.Now().Add(by) } }
}
