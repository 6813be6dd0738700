package enroll_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// finds is a look that finds a disk as it is set.
type finds struct{ atomic.Pointer[enroll.Finding] }

func (f *finds) set(stops enroll.Stop) {
	f.Store(&enroll.Finding{Alarm: enroll.AlarmDiskFull, Raised: stops != enroll.StopNothing, Stops: stops, Detail: "little room"})
}

func (f *finds) look(context.Context) ([]enroll.Finding, error) {
	return []enroll.Finding{*f.Load()}, nil
}

func (f *finds) option(c *enroll.Config) { c.Looks = []enroll.Look{f.look}; c.Node = "node-1" }

// As the disk fills enrolments end, then renewals, and revocation never.
func TestAFullDiskStopsIssuing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin(t)
		stopIssuing(t)
	})
}

func stopIssuing(t *testing.T) {
	t.Helper()
	var disk finds
	disk.set(enroll.StopNothing)
	r := newRig(t, disk.option, func(c *enroll.Config) { c.Clock = time.Now })
	order := r.order(5)
	says := responder(t, r, nothing)
	current, _ := r.enrolled("SN1")
	second, next := newKey(t), newKey(t)
	for _, step := range []struct {
		stops        enroll.Stop
		enrol, renew enroll.Code
	}{
		{enroll.StopEnrolment, enroll.Unavailable, ""},
		{enroll.StopIssuing, enroll.Unavailable, enroll.Unavailable},
		{enroll.StopNothing, "", ""},
	} {
		disk.set(step.stops)
		check(t, r.LookForAlarms(t.Context()))
		_, err := r.vouch(order, "SN2", second)
		is(t, err, step.enrol)
		renewed, err := r.renew(current, next)
		is(t, err, step.renew)
		if err == nil {
			current, next = renewed, newKey(t)
		}
		again, err := r.vouch(order, "SN2", second)
		is(t, err, step.enrol)
		if err == nil && !again.Recalled {
			t.Error("it is issued twice")
		}
		r.act(current.Device, identity.Hold, "")
		if got := ask(t, says, r.issuer, current.Serial); got != ocsp.Revoked {
			t.Errorf("OCSP says %d of what is held", got)
		}
		r.act(current.Device, identity.Release, "")
	}
}

// is fails unless err is a refusal with the code, or nothing where there is none.
func is(t *testing.T, err error, code enroll.Code) {
	t.Helper()
	if code == "" {
		check(t, err)
		return
	}
	wantCode(t, err, code)
}

// An alarm is told once a change, and what flutters at most once a minute; what could
// not be recorded is told later, as it then stands.
func TestAlarmsAreToldOnceAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin(t)
		var disk finds
		disk.set(enroll.StopNothing)
		var full atomic.Bool
		store := noRoom{storetest.NewMemory(), &full}
		r := newRigOn(t, store, "", newIssuer(t, nil), func(c *enroll.Config) { c.Clock = time.Now }, disk.option)
		run(t, r)
		told := func(raised, cleared int) {
			t.Helper()
			synctest.Wait()
			if a, b := r.count(enroll.AlarmRaised), r.count(enroll.AlarmCleared); a != raised || b != cleared {
				t.Errorf("raised %d times and cleared %d times, want %d and %d", a, b, raised, cleared)
			}
		}
		pass(11 * time.Second)
		told(0, 0)
		disk.set(enroll.StopEnrolment)
		pass(time.Hour)
		told(1, 0)
		for range 30 { // ten minutes of fluttering
			disk.set(enroll.StopNothing)
			pass(10 * time.Second)
			disk.set(enroll.StopEnrolment)
			pass(10 * time.Second)
		}
		if n := r.count(enroll.AlarmRaised) + r.count(enroll.AlarmCleared); n > 12 {
			t.Errorf("%d events of ten minutes", n)
		}
		pass(2 * time.Minute)
		raised, cleared := r.count(enroll.AlarmRaised), r.count(enroll.AlarmCleared)
		if raised != cleared+1 {
			t.Errorf("in the end it was raised %d times and cleared %d times", raised, cleared)
		}
		full.Store(true)
		disk.set(enroll.StopNothing)
		pass(10 * time.Minute)
		told(raised, cleared)
		full.Store(false)
		pass(2 * time.Minute)
		told(raised, cleared+1)
		for _, event := range r.log() {
			if event.Kind == enroll.AlarmRaised && (event.About != "disk_full" || event.Target != "node-1" || event.Comment != "little room") {
				t.Errorf("it is told as %+v", event)
			}
		}
	})
}

// noRoom is a store that cannot write at times.
type noRoom struct {
	enroll.Store
	full *atomic.Bool
}

func (s noRoom) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if s.full.Load() {
		return errors.New("no space left on device")
	}
	return s.Store.Update(ctx, fn)
}

// A CRL that no node can sign any more is an alarm at a quarter of its life before its
// end.
func TestOldCRLsAreAnAlarm(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1")
	r.publish()
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{time.Minute, false}, {17 * time.Hour, false}, {2 * time.Hour, true}} {
		r.clock.advance(step.after)
		check(t, r.LookForAlarms(t.Context()))
		for _, state := range r.Alarms() {
			if state.Alarm == enroll.AlarmCRLAge && state.Raised != step.want {
				t.Errorf("after another %s it is raised: %v", step.after, state.Raised)
			}
		}
	}
	if found := r.Watched(); found.CRLAge != 19*time.Hour+time.Minute || found.CRLLeft != 24*time.Hour-found.CRLAge {
		t.Errorf("the oldest CRL is %+v", found)
	}
	r.publish()
	check(t, r.LookForAlarms(t.Context()))
	if found := r.Watched(); found.CRLAge != 0 {
		t.Errorf("a new CRL is %s old", found.CRLAge)
	}
}

// backlogged is a store with events that wait to be numbered.
type backlogged struct {
	enroll.Store
	oldest *atomic.Int64
}

func (w backlogged) Backlog(context.Context) (int, time.Duration, error) {
	return 3, time.Duration(w.oldest.Load()), nil
}

// Events that wait for more than half a minute to be numbered are an alarm.
func TestUnsequencedEventsAreAnAlarm(t *testing.T) {
	var oldest atomic.Int64
	r := newRigOn(t, backlogged{storetest.NewMemory(), &oldest}, "", newIssuer(t, nil))
	for _, step := range []struct {
		oldest time.Duration
		want   bool
	}{{29 * time.Second, false}, {31 * time.Second, true}, {0, false}} {
		oldest.Store(int64(step.oldest))
		check(t, r.LookForAlarms(t.Context()))
		for _, state := range r.Alarms() {
			if state.Alarm == enroll.AlarmSequencerLag && state.Raised != step.want {
				t.Errorf("at %s it is raised: %v", step.oldest, state.Raised)
			}
		}
		if found := r.Watched(); found.Unsequenced != 3 || found.UnsequencedFor != step.oldest {
			t.Errorf("found %+v", found)
		}
	}
}
