package enroll

import (
	"sync"
	"time"
)

// ClockLimits say how far the machine's clock may be off before nothing is issued
// by it. Zero values stand for the defaults named there.
type ClockLimits struct {
	// Tolerance is how far the clock may be behind the last record, or apart from the
	// clock of the database; 2 minutes by default. Within it time stands still until
	// the clock has caught up.
	Tolerance time.Duration
	// MaxJump is how far the clock may jump ahead while the process runs; an hour by
	// default, for machines that were paused.
	MaxJump time.Duration
	// MaxIdle is how long ago the last record may be at a start; 180 days by default.
	// A service that runs records more often, for its own certificates.
	MaxIdle time.Duration
	// Accept takes the clock for right at the start, whatever the records say: an
	// operator has looked at it.
	Accept bool
}

func (l *ClockLimits) setDefaults() {
	setDefault(&l.Tolerance, 2*time.Minute)
	setDefault(&l.MaxJump, time.Hour)
	setDefault(&l.MaxIdle, 180*24*time.Hour)
}

// ClockFault says why the machine's clock is not believed.
type ClockFault string

// Every way in which a clock can be wrong.
const (
	// ClockBehind is behind the last record.
	ClockBehind ClockFault = "behind"
	// ClockJumped jumped ahead while the process ran.
	ClockJumped ClockFault = "jumped"
	// ClockFarAhead was far ahead of the last record at the start.
	ClockFarAhead ClockFault = "far_ahead"
	// ClockApart is apart from the database's clock.
	ClockApart ClockFault = "apart"
)

// ClockFaults lists every way in which a clock can be wrong.
func ClockFaults() []ClockFault {
	return []ClockFault{ClockBehind, ClockJumped, ClockFarAhead, ClockApart}
}

// ClockReading is what the service makes of the machine's clock at a moment, in UTC
// and to the millisecond.
type ClockReading struct {
	// Now is the service's own time, which decisions go by. It follows the machine's
	// clock as long as that is believed, but not behind the last record; otherwise it
	// goes on from where the clock was last believed, or from the last record.
	Now time.Time
	// Record is the time of what is recorded now: Now, but where the clock is behind the
	// last record it stands still there, so that the clock can catch up.
	Record time.Time
	// Earliest and Latest are Now and what the machine's clock says, the earlier first:
	// one of them is the time. Earliest is never before the issuing CA's notBefore where
	// Now is not. Nothing is given up for its age that is not old at
	// Earliest, and what is signed for the world is good from Earliest until after
	// Latest.
	Earliest, Latest time.Time
	// Fault says why the machine's clock is not believed; empty where it is.
	Fault ClockFault
	// Offset is what the machine's clock says more than Now.
	Offset time.Duration
}

// clock tells the service's own time, which a jump of the machine's clock does not
// take along: what is old, what has ended and what is not yet good is not to be
// decided by a machine whose battery was changed.
type clock struct {
	read    func() time.Time
	passed  func() time.Duration // since the start, whatever the clock does; nil to ask read
	limits  ClockLimits
	started time.Time
	// since is when the issuing CA was certified: whatever a clock says, it is later.
	since time.Time

	mu     sync.Mutex // guards what follows
	base   time.Time  // the own time at baseAt
	baseAt time.Duration
	proven bool          // base is of a clock that was believed
	last   time.Time     // of the latest record; zero for none
	apart  time.Duration // the database's clock less the machine's
}

// newClock makes a clock that knows of no record. Where passed is nil the time that
// passes is told by the monotonic readings in what read returns (see package time).
func newClock(read func() time.Time, passed func() time.Duration, limits ClockLimits, since time.Time) *clock {
	c := &clock{read: read, passed: passed, limits: limits, started: read(), since: since}
	c.base = inMilliseconds(c.started)
	return c
}

// inMilliseconds returns a time as records have it: in UTC, without a monotonic reading.
func inMilliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// elapsed returns how long ago the start was when the clock said raw.
func (c *clock) elapsed(raw time.Time) time.Duration {
	if c.passed != nil {
		return c.passed()
	}
	return raw.Sub(c.started)
}

// steady returns a time that passes as time does, whatever is done to the machine's
// clock: for how long ago something was, within the process.
func (c *clock) steady() time.Time { return c.started.Add(c.elapsed(c.read())) }

// look reads the machine's clock and judges it.
func (c *clock) look() ClockReading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looked()
}

// record returns the time of a record that is made now. No later one is earlier.
func (c *clock) record() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.looked().Record
	return c.last
}

func (c *clock) looked() ClockReading {
	raw := c.read()
	wall, at := inMilliseconds(raw), c.elapsed(raw)
	own := inMilliseconds(c.base.Add(at - c.baseAt))
	fault := c.judge(wall, own)
	if fault == "" {
		own = wall
		c.base, c.baseAt, c.proven = wall, at, true
	}
	if own.Before(c.last) {
		own = c.last
	}
	seen := ClockReading{Now: own, Record: own, Earliest: own, Latest: own, Fault: fault, Offset: wall.Sub(own)}
	switch {
	case !wall.Before(own):
		seen.Latest = wall
	case wall.Before(c.since) && c.since.Before(own):
		seen.Earliest = c.since
	default:
		seen.Earliest = wall
	}
	if fault == ClockBehind {
		seen.Record = c.last
	}
	return seen
}

// judge says what is wrong with what the machine's clock says, where own is what the
// service would say by itself.
func (c *clock) judge(wall, own time.Time) ClockFault {
	switch {
	case wall.Before(c.last.Add(-c.limits.Tolerance)):
		return ClockBehind
	case c.proven && wall.Sub(own) > c.limits.MaxJump:
		return ClockJumped
	case !c.proven && !c.last.IsZero() && wall.Sub(c.last) > c.limits.MaxIdle:
		return ClockFarAhead
	case c.apart.Abs() > c.limits.Tolerance:
		return ClockApart
	default:
		return ""
	}
}

// recorded tells the clock of a record, at the start or of another node.
func (c *clock) recorded(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.last) {
		c.reckonFrom(at)
	}
}

// accepted forgets what records said before, because an operator took the clock of
// another node for right when it said at.
func (c *clock) accepted(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reckonFrom(at)
}

// reckonFrom takes the time of a record for the last one's. A clock that was never
// believed is reckoned from there.
func (c *clock) reckonFrom(at time.Time) {
	c.last = at
	if !c.proven {
		c.base, c.baseAt = at, c.elapsed(c.read())
	}
}

// believe takes the machine's clock for right, whatever is known.
func (c *clock) believe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := c.read()
	c.base, c.baseAt, c.proven = inMilliseconds(raw), c.elapsed(raw), true
	c.last = c.base
}

// compared tells how far the database's clock is ahead of the machine's. Nodes have
// the database's clock in common: one that was never believed is reckoned from there.
func (c *clock) compared(apart time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apart = apart
	raw := c.read()
	if theirs := inMilliseconds(raw.Add(apart)); !c.proven && apart.Abs() > c.limits.Tolerance && theirs.After(c.last) {
		c.base, c.baseAt = theirs, c.elapsed(raw)
	}
}
