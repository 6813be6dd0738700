package enroll

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the lockout for guessed secrets.
const (
	guessMemory  = 65_536 // guessers remembered; the least recently seen is forgotten
	firstLockout = 30 * time.Second
	lastLockout  = 15 * time.Minute
)

// guess says what kind of secret is guessed. Names of one kind have nothing to do with
// those of another.
type guess string

const (
	ticketGuess     guess = "ticket" // by the device's serial number
	tokenGuess      guess = "token"  // by the token's id
	breakGlassGuess guess = "break-glass"
)

// guesses makes those who guess secrets wait, by source and name, so that nobody can
// lock out a device from elsewhere, and nothing is spent by a guess. Who guesses at
// many names has to wait by network, but whoever showed the right token from there
// goes on. Tickets are by name alone: a line with a hundred old tickets must not stop
// itself, and 128 random bits are not guessed by trying many names.
type guesses struct {
	most  int // wrong secrets for one name
	names int // that one network may guess at within lastLockout
	clock func() time.Time

	mu    sync.Mutex // guards what follows
	seen  map[guesserID]*list.Element
	order *list.List // of *guesser, the latest seen first
}

// guesserID is a hash of the kind of secret, of where it came from and of its name,
// whose length the caller chose.
type guesserID [16]byte

func newGuesserID(kind guess, from, name string) guesserID {
	h := sha256.Sum256([]byte(string(kind) + "\x00" + from + "\x00" + name))
	return guesserID(h[:16])
}

// networkGuesserID stands for a network and all names: for a part of an IPv6 network
// that one customer has, and otherwise for the address itself.
func networkGuesserID(kind guess, source string) guesserID {
	if addr, err := netip.ParseAddr(source); err == nil && addr.Is6() && !addr.Is4In6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			source = network.String()
		}
	}
	return newGuesserID(kind, "network", source)
}

type guesser struct {
	who     guesserID
	right   bool // showed the right secret before, and may go on whatever others do
	wrong   int
	last    time.Time
	blocked time.Time // until then
	// earned is, of a network, until when its guesses are used up at the pace that it
	// is held to.
	earned time.Time
}

func newGuesses(limits Limits, clock func() time.Time) *guesses {
	return &guesses{most: limits.Guesses, names: limits.Names, clock: clock, seen: map[guesserID]*list.Element{}, order: list.New()}
}

// check refuses a caller who has to wait.
func (g *guesses) check(kind guess, source, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	caller := g.find(newGuesserID(kind, source, name))
	if caller != nil {
		if wait := caller.blocked.Sub(now); wait > 0 {
			return &Refusal{Code: RateLimited, Message: "too many wrong secrets for this name from this address; wait", RetryAfter: wait}
		}
		if caller.right {
			return nil
		}
	}
	if kind == ticketGuess {
		return nil
	}
	network := g.find(networkGuesserID(kind, source))
	if network == nil {
		return nil
	}
	// All of names may be used up at once; then each has to be waited for.
	if wait := network.earned.Sub(now) - (lastLockout - g.pace()); wait > 0 {
		return &Refusal{Code: RateLimited, Message: "too many names with wrong secrets from this network; wait", RetryAfter: wait}
	}
	return nil
}

// pace is how long a network has to wait for one more name.
func (g *guesses) pace() time.Duration { return lastLockout / time.Duration(g.names) }

// wrong counts a wrong secret. Each one past the limit doubles the wait.
func (g *guesses) wrong(kind guess, source, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	it := g.meet(newGuesserID(kind, source, name))
	if now.Sub(it.last) > lastLockout {
		it.wrong = 0
	}
	it.wrong++
	it.last = now
	if over := it.wrong - g.most; over >= 0 {
		it.blocked = now.Add(min(firstLockout<<min(over, 5), lastLockout))
	}
	if it.wrong > 1 || it.right || kind == ticketGuess {
		return // this name counts already, is no guess at random, or nobody's network's
	}
	network := g.meet(networkGuesserID(kind, source))
	if network.earned.Before(now) {
		network.earned = now
	}
	network.earned = network.earned.Add(g.pace())
}

// right forgets the wrong secrets of whoever showed the right one. Who holds a token
// will show it again; a ticket is shown once, and the break-glass token has no names
// beside it.
func (g *guesses) right(kind guess, source, name string) {
	who := newGuesserID(kind, source, name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if kind == tokenGuess {
		*g.meet(who) = guesser{who: who, right: true}
		return
	}
	if found := g.seen[who]; found != nil {
		delete(g.seen, who)
		g.order.Remove(found)
	}
}

// find returns what is remembered of a guesser; nil for nothing.
func (g *guesses) find(who guesserID) *guesser {
	if found := g.seen[who]; found != nil {
		return found.Value.(*guesser)
	}
	return nil
}

// meet returns what is remembered of a guesser, from now on where there was nothing.
func (g *guesses) meet(who guesserID) *guesser {
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
	return found.Value.(*guesser)
}
