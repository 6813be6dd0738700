package bolt

import (
	"context"

	"github.com/touchmark/touchmark/enroll"
)

// onlyTerm is the token of every lead: one process at a time has the file, so
// that no other can have taken a lead from it.
const onlyTerm = 1

// Lead implements enroll.Store: the process that has the file leads.
func (s *Store) Lead(ctx context.Context, _ enroll.Task) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := s.queue.ended(); err != nil {
		return 0, err
	}
	return onlyTerm, nil
}

// Elsewhere implements enroll.Store: nobody else writes.
func (s *Store) Elsewhere() <-chan struct{} { return nil }

// Leading implements enroll.Tx.
func (w *writer) Leading(_ enroll.Task, token uint64) error {
	if token != onlyTerm {
		return enroll.ErrNotLeading
	}
	return nil
}
