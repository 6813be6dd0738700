package enroll

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of the lockout for guessed secrets.
const (
	guessMemory  = 65_536 // pairs remembered; the least recently seen is forgotten
	firstLockout = 30 * time.Second
	lastLockout  = 15 * time.Minute
)

// guesses makes those who guess secrets wait, by source and user name, so that
// nobody can lock out a device from elsewhere, and nothing is spent by a guess.
type guesses struct {
	most  int
	clock func() time.Time

	mu    sync.Mutex // guards what follows
	seen  map[guesserID]*list.Element
	order *list.List // of *guesser, the latest seen first
}

// guesserID is a hash of source and user name, whose length the caller chose.
type guesserID [16]byte

func newGuesserID(source, user string) guesserID {
	h := sha256.Sum256([]byte(source + "\x00" + user))
	return guesserID(h[:16])
}

type guesser struct {
	who     guesserID
	wrong   int
	last    time.Time
	blocked time.Time // until then
}

func newGuesses(most int, clock func() time.Time) *guesses {
	return &guesses{most: most, clock: clock, seen: map[guesserID]*list.Element{}, order: list.New()}
}

// check refuses a caller who has to wait.
func (g *guesses) check(source, user string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.seen[newGuesserID(source, user)]
	if found == nil {
		return nil
	}
	if wait := found.Value.(*guesser).blocked.Sub(g.clock()); wait > 0 {
		return &Refusal{Code: RateLimited, Message: "too many wrong secrets for this name from this address; wait", RetryAfter: wait}
	}
	return nil
}

// wrong counts a wrong secret. Each one past the limit doubles the wait.
func (g *guesses) wrong(source, user string) {
	who := newGuesserID(source, user)
	now := g.clock()
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.seen[who]
	if found == nil {
		found = g.order.PushFront(&guesser{who: who})
		g.seen[who] = found
		if g.order.Len() > guessMemory {
			oldest := g.order.Back()
			delete(g.seen, oldest.Value.(*guesser).who)
			g.order.Remove(oldest)
		}
	}
	g.order.MoveToFront(found)
	it := found.Value.(*guesser)
	if now.Sub(it.last) > lastLockout {
		it.wrong = 0
	}
	it.wrong++
	it.last = now
	if over := it.wrong - g.most; over >= 0 {
		it.blocked = now.Add(min(firstLockout<<min(over, 5), lastLockout))
	}
}

// right forgets the wrong secrets of whoever showed the right one.
func (g *guesses) right(source, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if found := g.seen[newGuesserID(source, user)]; found != nil {
		delete(g.seen, found.Value.(*guesser).who)
		g.order.Remove(found)
	}
}
