package admit

import (
	"container/list"
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"time"
)

// ErrShed means that there is no place, and will not be in time.
var ErrShed = errors.New("more is asked for than can be done")

// Config says how patient a Limiter is. Zero values stand for the defaults.
type Config struct {
	// Places is how many there are in the beginning; 32 for each processor by default.
	Places int
	// Burst is how long one waits at most where the class's queue was empty in the last
	// such time; a second by default.
	Burst time.Duration
	// Target is how long one waits at most where it was not; a tenth of Burst by default.
	Target time.Duration
	// Withdrawal is how long withdrawals wait, whatever the queue; 10 seconds by default.
	Withdrawal time.Duration
}

// Bounds of a limiter.
const (
	firstPlaces = 32 // for each processor
	// maxWaiting is how many wait in each class at most. More connections than that can
	// have a request each, and HTTP/2 many.
	maxWaiting = 4096
	// stuckAfter is how long nothing that matters most got a place before it is said
	// that the machine can do nothing more.
	stuckAfter = 10 * time.Second
)

// Limiter gives places to classes. Its methods may be called concurrently.
type Limiter struct {
	burst, target, withdrawal time.Duration

	mu      sync.Mutex // guards what follows
	places  int
	running int // of all that share the places
	of      [classes]queue
	short   bool // of places, since Adapt last looked
	// stuckSince is since when withdrawals or relying parties are turned away and none
	// gets a place; zero where they do.
	stuckSince time.Time
}

// New makes a limiter.
func New(c Config) *Limiter {
	l := &Limiter{burst: c.Burst, target: c.Target, withdrawal: c.Withdrawal}
	if l.burst <= 0 {
		l.burst = time.Second
	}
	if l.target <= 0 {
		l.target = l.burst / 10
	}
	if l.withdrawal <= 0 {
		l.withdrawal = 10 * time.Second
	}
	if c.Places <= 0 {
		c.Places = firstPlaces * runtime.GOMAXPROCS(0)
	}
	l.SetPlaces(c.Places)
	return l
}

// SetPlaces changes how many places there are; at least 1. Who has one keeps it.
func (l *Limiter) SetPlaces(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places = max(n, 1)
	for class, share := range shares() {
		q := &l.of[class]
		switch Class(class) {
		case Bulk:
			q.own = bulkPlaces
		case Health:
			q.own = math.MaxInt
		default:
			// Rounded up, so that everybody can do something where there is next to nothing.
			q.own = (share.own*l.places + 99) / 100
			q.level = (share.level*l.places + 99) / 100
		}
	}
	l.grant()
}

// Acquire takes a place for class, which Release gives back. It waits where there is
// none: until ctx is done, whose error it then returns, or until it returns ErrShed.
func (l *Limiter) Acquire(ctx context.Context, class Class) error {
	l.mu.Lock()
	q := &l.of[class]
	if q.waiting() == 0 && l.fits(class) {
		l.begin(class)
		l.mu.Unlock()
		return nil
	}
	l.short = true
	if q.waiting() >= maxWaiting {
		l.turnAway(class)
		l.mu.Unlock()
		return ErrShed
	}
	patience := l.patience(class, time.Now())
	w := &waiter{ready: make(chan struct{})}
	at := q.enqueue(&q.arriving, w)
	l.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.ready:
		return nil
	case <-timer.C:
		return l.leave(class, at, ErrShed)
	case <-ctx.Done():
		return l.leave(class, at, ctx.Err())
	}
}

// patience is how long somebody waits who arrives now.
func (l *Limiter) patience(class Class, now time.Time) time.Duration {
	since := l.of[class].behindSince
	switch {
	case class == Withdraw:
		return l.withdrawal
	case !since.IsZero() && now.Sub(since) > l.burst:
		return l.target
	default:
		return l.burst
	}
}

// leave gives up waiting, for a reason that it returns; nil where the place was given
// just then.
func (l *Limiter) leave(class Class, at *list.Element, why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-at.Value.(*waiter).ready:
		return nil
	default:
	}
	q := &l.of[class]
	q.arriving.Remove(at)
	q.settle()
	if errors.Is(why, ErrShed) {
		l.turnAway(class)
	}
	return why
}

// Release gives a place of class back.
func (l *Limiter) Release(class Class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(class)
}

// Park gives a place of class back for a while, until Return takes one again.
func (l *Limiter) Park(class Class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of[class].parked++
	l.end(class)
}

// Return takes a place again after Park. Who was parked comes before all others of
// the class and is never turned away. Where ctx is done first its error is returned,
// and there is no place to release.
func (l *Limiter) Return(ctx context.Context, class Class) error {
	l.mu.Lock()
	q := &l.of[class]
	q.parked--
	if q.returning.Len() == 0 && l.fits(class) {
		l.begin(class)
		l.mu.Unlock()
		return nil
	}
	l.short = true
	w := &waiter{ready: make(chan struct{})}
	at := q.enqueue(&q.returning, w)
	l.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	default:
	}
	q.returning.Remove(at)
	q.settle()
	return ctx.Err()
}

// fits says whether class may have a place now.
func (l *Limiter) fits(class Class) bool {
	q := &l.of[class]
	return q.running < q.own && (class.apart() || l.running < q.level)
}

func (l *Limiter) begin(class Class) {
	l.of[class].running++
	if !class.apart() {
		l.running++
	}
	if class.first() {
		l.stuckSince = time.Time{}
	}
}

func (l *Limiter) end(class Class) {
	l.of[class].running--
	if !class.apart() {
		l.running--
	}
	l.grant()
}

// grant gives the places that are free to those who wait.
func (l *Limiter) grant() {
	for class := range l.of {
		for l.of[class].waiting() > 0 && l.fits(Class(class)) {
			l.begin(Class(class))
			close(l.of[class].next().ready)
		}
	}
}

func (l *Limiter) turnAway(class Class) {
	l.of[class].shed++
	if class.first() && l.stuckSince.IsZero() {
		l.stuckSince = time.Now()
	}
}

// Stuck says whether for ten seconds withdrawals and relying parties were turned away,
// none got a place, and there is none for them now.
func (l *Limiter) Stuck() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.stuckSince.IsZero() && time.Since(l.stuckSince) > stuckAfter && !(l.fits(Withdraw) && l.fits(Status))
}
