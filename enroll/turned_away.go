package enroll

import (
	"context"
	"sync"

	"github.com/touchmark/touchmark/identity"
)

// turnedAway counts refusals of callers who did not prove who they are. They are
// recorded in aggregate, so that nobody fills the log.
type turnedAway struct {
	mu     sync.Mutex // guards counts
	counts map[Code]int
}

func newTurnedAway() *turnedAway { return &turnedAway{counts: map[Code]int{}} }

func (t *turnedAway) add(code Code) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[code]++
}

func (t *turnedAway) take() map[Code]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := t.counts
	t.counts = map[Code]int{}
	return counts
}

// turnAway counts a refusal of an unauthenticated caller.
func (s *Service) turnAway(code Code) {
	s.observer.Count(CountUnauthenticated, 1)
	s.turned.add(code)
}

// recordTurnedAway appends what was counted since the last time, one event a
// code. Counts that cannot be recorded are counted again.
func (s *Service) recordTurnedAway(ctx context.Context) error {
	counts := s.turned.take()
	if len(counts) == 0 {
		return nil
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		for _, code := range Codes() {
			if counts[code] == 0 {
				continue
			}
			event := s.event(ctx, identity.Principal{}, RequestRefused)
			event.Code, event.Count = code, counts[code]
			if err := tx.Append(event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for code, n := range counts {
			for range n {
				s.turned.add(code)
			}
		}
	}
	return err
}
