package enroll

import (
	"cmp"
	"container/list"
	"slices"
	"sync"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// Bounds of how refusals of those who proved who they are are recorded.
const (
	refusedAlone  = 20          // of a principal in a refusedWindow, each in an event of its own
	refusedWindow = time.Minute // from a principal's first refusal on
	refusedMemory = 10_000      // principals remembered, and counts; the oldest is forgotten
)

// refusals sees to it that a principal which is refused over and over does not fill
// the log.
type refusals struct {
	clock func() time.Time

	mu      sync.Mutex // guards what follows
	windows map[string]*list.Element
	order   *list.List // of *refusedOf, the oldest first
	counts  map[countKey]*refusedCount
	lost    int // refusals that could not be counted, for want of memory
}

// refusedOf is one principal's minute, of one suspicion or of none.
type refusedOf struct {
	who   string
	since time.Time
	n     int
}

type countKey struct {
	who  string
	code Code
}

// refusedCount is how often a principal was refused with a code, besides what stands
// in events of their own, in the minutes that end at until.
type refusedCount struct {
	who   identity.Principal
	code  Code
	n     int
	until time.Time
}

func newRefusals(clock func() time.Time) *refusals {
	return &refusals{clock: clock, windows: map[string]*list.Element{}, order: list.New(), counts: map[countKey]*refusedCount{}}
}

// alone reports whether a refusal is to be recorded in an event of its own, and
// counts it where not. Those that give rise to a suspicion are counted apart, by its
// kind; it is empty for others.
func (f *refusals) alone(p identity.Principal, code Code, suspicion EventKind) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock()
	window := f.window(p.ID()+"\x00"+string(suspicion), now)
	if window.n++; window.n <= refusedAlone {
		return true
	}
	f.add(p, code, 1, window.since.Add(refusedWindow))
	return false
}

// window returns a principal's minute, which begins now where none lasts.
func (f *refusals) window(who string, now time.Time) *refusedOf {
	if known := f.windows[who]; known != nil {
		window := known.Value.(*refusedOf)
		if now.Sub(window.since) < refusedWindow {
			return window
		}
		f.forget(known)
	}
	if f.order.Len() >= refusedMemory {
		f.forget(f.order.Front())
	}
	window := &refusedOf{who: who, since: now}
	f.windows[who] = f.order.PushBack(window)
	return window
}

func (f *refusals) forget(window *list.Element) {
	delete(f.windows, window.Value.(*refusedOf).who)
	f.order.Remove(window)
}

// count counts n refusals, to be recorded as soon as that can be done.
func (f *refusals) count(p identity.Principal, code Code, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(p, code, n, f.clock())
}

func (f *refusals) add(p identity.Principal, code Code, n int, until time.Time) {
	key := countKey{p.ID(), code}
	known := f.counts[key]
	if known == nil {
		if len(f.counts) >= refusedMemory {
			f.lost += n
			return
		}
		p.Groups, p.Grants = nil, nil // as much as an event's actor needs
		known = &refusedCount{who: p, code: code, until: until}
		f.counts[key] = known
	}
	known.n += n
}

// take takes up to limit counts of minutes that are over, or of any, by principal.
func (f *refusals) take(limit int, all bool) []refusedCount {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock()
	var over []refusedCount
	for _, c := range f.counts {
		if all || !now.Before(c.until) {
			over = append(over, *c)
		}
	}
	slices.SortFunc(over, func(a, b refusedCount) int {
		return cmp.Or(cmp.Compare(a.who.ID(), b.who.ID()), cmp.Compare(a.code, b.code))
	})
	over = over[:min(limit, len(over))]
	for _, c := range over {
		delete(f.counts, countKey{c.who.ID(), c.code})
	}
	return over
}

// takeLost returns how many refusals were never counted, since the last time.
func (f *refusals) takeLost() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost := f.lost
	f.lost = 0
	return lost
}
