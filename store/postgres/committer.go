package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

// Update implements enroll.Store.
func (s *Store) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{fn: fn, done: make(chan struct{})}
	if err := s.queue.put(c); err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.leave() {
			return ctx.Err()
		}
		<-c.done
	}
	switch {
	case c.exited:
		runtime.Goexit()
	case c.panic != nil:
		panic(c.panic)
	}
	return c.err
}

// commitBatches is the committer: the one goroutine of the node that writes. It
// ends when the queue is closed and empty.
func (s *Store) commitBatches() {
	ended := false
	defer func() {
		if !ended { // a transaction called runtime.Goexit and took the goroutine with it
			go s.commitBatches()
			return
		}
		close(s.committed)
	}()
	for {
		runtime.Gosched() // those who were just told may have more to do: let them come along
		batch, todo := s.queue.take()
		if len(batch) == 0 && todo == (chores{}) {
			ended = true
			return
		}
		if err := s.do(todo); err != nil {
			s.config.Log.Warn("what a node does beside Updates failed; it is tried again", "error", err)
		}
		if len(batch) > 0 {
			s.commitBatch(batch)
		}
	}
}

// do does chores.
func (s *Store) do(todo chores) error {
	var errs []error
	if todo.beat {
		errs = append(errs, s.beat())
	}
	if todo.number {
		err := s.numberPending()
		if errors.Is(err, errGone) {
			err = s.join()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// commitBatch runs calls and makes durable together what those that succeeded
// wrote, however often that must be tried. Only then does anybody learn an
// outcome, an error either: it may rest on what others of the batch wrote.
func (s *Store) commitBatch(calls []*call) {
	try := &tries{s: s, calls: calls, until: time.Now().Add(s.config.Patience)}
	try.alone = s.gate.single() || calls[0].alone
	defer func() {
		for _, c := range calls {
			if c.exited { // and takes this goroutine with it; the others run again
				c.finish()
				try.requeue(c)
			}
		}
	}()
	for !try.once() {
		try.count++
	}
}

// tries is a batch on its way through as many attempts as it takes.
type tries struct {
	s              *Store
	calls          []*call
	alone, careful bool
	count          int
	until          time.Time
}

// once makes an attempt and reports whether that was the last one.
func (t *tries) once() (done bool) {
	a, err := t.attempt()
	if a != nil && a.unknown {
		var committed bool
		if committed, err = t.outcome(a.rev, err); committed {
			err = nil
		} else if err == nil {
			return false // nothing was committed, and nothing will be
		}
	}
	switch {
	case err == nil:
		a.remember()
		for _, c := range t.calls {
			c.finish()
		}
		if a.left {
			t.s.nudge()
		}
		return true
	case errors.Is(err, errAlone):
		t.alone = true
		return false
	case errors.Is(err, errGone):
		return t.again(t.s.join())
	case errors.Is(err, errMonth):
		return t.again(t.s.makeMonths(a.writes))
	default:
		return t.again(err)
	}
}

// attempt makes one attempt with the calls that have not left.
func (t *tries) attempt() (*attempt, error) {
	conn, err := t.s.write.Acquire(context.Background())
	if err != nil {
		return nil, err
	}
	defer conn.Release() // which closes it in the middle of a transaction
	rev, err := t.s.newRev()
	if err != nil {
		return nil, err
	}
	a := t.s.newAttempt(t.calls, t.alone, t.careful, rev)
	a.conn = conn
	defer func() { t.calls = a.calls }() // some may have left, or been put back
	err = a.do()
	if err != nil && a.open && !a.unknown && !conn.Conn().IsClosed() {
		_, _ = conn.Exec(context.Background(), sqlRollback)
	}
	return a, err
}

// outcome learns whether a batch was committed whose connection broke. The
// transaction, if it is still there, holds the gate, so that it is waited for.
func (t *tries) outcome(rev int64, broken error) (committed bool, err error) {
	for ; ; t.count++ {
		err := t.s.write.QueryRow(context.Background(), sqlOutcome, t.s.gate.slot, t.s.gate.node, rev).Scan(&committed)
		if err == nil {
			return committed, nil
		}
		if errors.Is(err, pgx.ErrNoRows) || time.Now().After(t.until) {
			return false, fmt.Errorf("%w: it could not be learned whether the transaction was committed; try again: %w, then %w", enroll.ErrStoreUnavailable, broken, err)
		}
		t.s.write.Reset()
		time.Sleep(t.pause())
	}
}

// again decides what becomes of the batch after err: it is tried again, at once
// or a little later, or fails.
func (t *tries) again(err error) (done bool) {
	kind := troubleOf(err)
	switch {
	case err == nil:
		return false
	case errors.Is(err, enroll.ErrStoreUnavailable):
		t.fail(err)
		return true
	case isState(err, stateDiskFull):
		t.fail(unavailable(err))
		return true
	case kind == fault && len(t.calls) > 1: // whoever is to blame does not drag others along
		for _, c := range t.calls {
			c.alone = true
		}
		t.requeue(nil)
		return true
	case kind == fault:
		t.fail(err)
		return true
	case time.Now().After(t.until):
		t.fail(unavailable(err))
		return true
	case kind == conflict:
		t.careful = t.careful || isState(err, stateUniqueViolation)
		if t.count < 3 {
			return false
		}
	case kind == outage:
		t.s.config.Log.Warn("the database does not answer; trying again", "error", err)
		t.s.write.Reset()
	}
	for _, c := range t.calls {
		c.rest()
	}
	time.Sleep(t.pause())
	return false
}

// pause is how long to wait before the next attempt: longer each time, up to half
// a second, and never as long as others do.
func (t *tries) pause() time.Duration {
	most := min(10*time.Millisecond<<min(t.count, 6), 500*time.Millisecond)
	return most/2 + rand.N(most/2) //nolint:gosec // nobody gains by guessing it
}

// fail ends the batch with an error.
func (t *tries) fail(err error) {
	for _, c := range t.calls {
		c.fail(err)
	}
}

// requeue has all calls but one run again, in later batches.
func (t *tries) requeue(but *call) {
	var rest []*call
	for _, c := range t.calls {
		if c != but {
			c.settled = false
			c.rest()
			rest = append(rest, c)
		}
	}
	t.s.queue.untake(rest...)
}

// newRev names a batch.
func (s *Store) newRev() (int64, error) {
	var octets [8]byte
	if _, err := io.ReadFull(s.config.Rand, octets[:]); err != nil {
		return 0, fmt.Errorf("reading randomness: %w", err)
	}
	return int64(binary.BigEndian.Uint64(octets[:]) | 1), nil // never 0
}
