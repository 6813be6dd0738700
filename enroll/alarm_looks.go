package enroll

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// sequencerPatience is how long an event may wait to be numbered: it takes a moment
// where all is well.
const sequencerPatience = 30 * time.Second

// Backlogged is a store that numbers events after the commit.
type Backlogged interface {
	// Backlog returns how many batches of events wait to be numbered, and how long the
	// oldest has waited; 0 for none.
	Backlog(ctx context.Context) (waiting int, oldest time.Duration, err error)
}

// Watched is what was last found of what alarms are about.
type Watched struct {
	// CRLAge is how long ago the oldest CRL was signed, and CRLLeft how long the one
	// that ends first is still good, which is negative once it is not; both 0 without
	// any CRL.
	CRLAge, CRLLeft time.Duration
	// Unsequenced is how many batches of events wait to be numbered, and for how long.
	Unsequenced    int
	UnsequencedFor time.Duration
}

// watched keeps what was last found.
type watched struct {
	mu   sync.Mutex // guards last
	last Watched
}

func (w *watched) note(change func(*Watched)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.last)
}

// Watched returns what was last found, up to AlarmsEvery ago.
func (s *Service) Watched() Watched {
	s.watched.mu.Lock()
	defer s.watched.mu.Unlock()
	return s.watched.last
}

// lookAtClock looks at the machine's clock and at the database's.
func (s *Service) lookAtClock(ctx context.Context) ([]Finding, error) {
	err := s.compareClock(ctx)
	seen := s.clock.look()
	f := Finding{Alarm: AlarmClock, Raised: seen.Fault != ""}
	if f.Raised {
		f.Detail = s.clockFault(seen) + "; nothing is issued until it is right"
	}
	return []Finding{f}, err
}

// lookAtIssuer looks how near the issuing CA's end is.
func (s *Service) lookAtIssuer(context.Context) ([]Finding, error) {
	f := Finding{Alarm: AlarmIssuerEnding, Raised: s.NearingEnd(s.live().issuing)}
	if f.Raised {
		f.Detail = fmt.Sprintf("issuer %s ends at %s; install a new one", s.live().issuing.ID(), s.live().issuing.NotAfter().Format(time.RFC3339))
	}
	return []Finding{f}, nil
}

// lookAtCRLs looks how old the published CRLs are. One past half of its life is signed
// anew, so that one past three quarters has not been for long.
func (s *Service) lookAtCRLs(ctx context.Context) ([]Finding, error) {
	now, found := s.now(), Watched{}
	first := true
	var oldest Shard
	err := s.eachShard(ctx, func(shard Shard) error {
		if shard.Number == 0 || shard.ThisUpdate.After(shard.Shard.Expires()) {
			return nil // not published yet, or for the last time
		}
		if shard.Changes == 0 && s.live().issuers[shard.Issuer] == nil {
			return nil // without certificates, of an issuer that was taken away
		}
		found.CRLAge = max(found.CRLAge, now.Sub(shard.ThisUpdate))
		if left := shard.NextUpdate.Sub(now); first || left < found.CRLLeft {
			first, found.CRLLeft, oldest = false, left, shard
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.watched.note(func(w *Watched) { w.CRLAge, w.CRLLeft = found.CRLAge, found.CRLLeft })
	f := Finding{Alarm: AlarmCRLAge, Raised: !first && found.CRLLeft < s.live().crlLifetime/4}
	if f.Raised {
		f.Detail = fmt.Sprintf("CRL %s of issuer %s is of %s and ends at %s; the log says why no other was signed", oldest.Shard, oldest.Issuer,
			oldest.ThisUpdate.Format(time.RFC3339), oldest.NextUpdate.Format(time.RFC3339))
	}
	return []Finding{f}, nil
}

// lookAtSequencer looks how long events have waited to be numbered.
func (s *Service) lookAtSequencer(ctx context.Context) ([]Finding, error) {
	f := Finding{Alarm: AlarmSequencerLag}
	store, ok := s.store.(Backlogged)
	if !ok {
		return []Finding{f}, nil // the commit numbers them
	}
	waiting, oldest, err := store.Backlog(ctx)
	if err != nil {
		return nil, err
	}
	s.watched.note(func(w *Watched) { w.Unsequenced, w.UnsequencedFor = waiting, oldest })
	if f.Raised = oldest > sequencerPatience; f.Raised {
		f.Detail = fmt.Sprintf("%d batches of events wait to be numbered, the oldest for %s; look at the nodes and the database", waiting, oldest.Round(time.Second))
	}
	return []Finding{f}, nil
}
