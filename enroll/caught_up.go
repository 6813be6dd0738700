package enroll

import (
	"context"
	"time"
)

// MaxFollowLag is how far a node may be behind the others and still count as
// ready to serve.
const MaxFollowLag = 5 * time.Second

const (
	// catchUp is how long an answer waits for a node that has fallen behind, as one
	// has that was paused.
	catchUp = 500 * time.Millisecond
	// keptFor is how long a node that cannot follow goes on saying what it knew: no
	// longer than caches on the way may (status.MaxAge).
	keptFor = time.Minute
)

// reached notes that all is known that was numbered before a time.
func (f *follower) reached(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.upTo = at
	close(f.looked)
	f.looked = make(chan struct{})
}

func (f *follower) lag() (lag time.Duration, looked <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.s.clock.steady().Sub(f.upTo), f.looked
}

// FollowLag returns for how long this node has not heard what other nodes
// withdrew: a second or so where all is well, 0 for a store without other nodes.
func (s *Service) FollowLag() time.Duration {
	if s.follower == nil {
		return 0
	}
	lag, _ := s.follower.lag()
	return max(lag, 0)
}

// CaughtUp reports whether what this node keeps of good certificates may still be
// told: it heard of the other nodes just now, waiting half a second for that if
// need be, or it cannot hear of them, but could until a minute ago.
func (s *Service) CaughtUp(ctx context.Context) bool {
	if s.FollowLag() <= MaxFollowLag {
		return true
	}
	enough := time.NewTimer(catchUp)
	defer enough.Stop()
	for {
		lag, looked := s.follower.lag()
		if lag <= MaxFollowLag {
			return true
		}
		select {
		case <-looked:
		case <-enough.C:
			return lag <= keptFor
		case <-ctx.Done():
			return false
		}
	}
}
