package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

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

// commitBatches is the committer: the one goroutine that writes. It ends when
// the queue is closed and empty.
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
		batch := s.queue.take()
		if len(batch) == 0 {
			ended = true
			return
		}
		s.commitBatch(batch)
		clear(batch) // the queue's array would keep them
	}
}

// commitBatch runs calls and makes durable together what those that succeeded
// wrote. Only then does anybody learn an outcome, an error either: it may rest
// on what others of the batch wrote.
func (s *Store) commitBatch(batch []*call) {
	failure := s.tryBatch(batch)
	for _, c := range batch {
		if failure != nil {
			c.err, c.panic = failure, nil
		}
		close(c.done)
	}
}

// tryBatch returns an error where it cannot be told whether the batch is durable.
// After that the store promises nothing any more.
func (s *Store) tryBatch(batch []*call) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.failure != nil {
		return s.failure
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return s.fail(err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect after a commit
	shared := &snapshot{tx: tx}
	var told []write
	if s.journal != nil {
		shared.told = func(w write) { told = append(told, w) }
	}
	events, wrote, err := s.runBatch(shared, batch)
	if err != nil {
		return s.fail(err)
	}
	if !wrote {
		return nil
	}
	frontier, err := shared.appendEvents(s.frontier, events)
	if err != nil {
		return s.fail(err)
	}
	if err := s.commit(tx.Commit); err != nil {
		return s.fail(err)
	}
	if err := stillNamed(s.file, s.path); err != nil { // nobody would ever find what was just written
		return s.fail(err)
	}
	s.frontier = frontier
	if s.journal != nil {
		s.journal.add(told)
	}
	return nil
}

// runBatch runs calls one after another, each on what those before it wrote. One
// that fails leaves nothing behind, for its writes wait in its writer.
func (s *Store) runBatch(shared *snapshot, batch []*call) (events []event, wrote bool, err error) {
	at := -1 // the call that runs now
	defer func() {
		if at >= 0 { // it called runtime.Goexit: it alone ends, the others run again
			c := batch[at]
			s.queue.untake(slices.Delete(slices.Clone(batch), at, at+1))
			c.exited = true
			close(c.done)
		}
	}()
	w := &writer{reader: reader{snapshot: shared, pending: &pending{}}} // of each call in its turn
	for i, c := range batch {
		if !c.start() {
			continue
		}
		w.reset(s.frontier.Size() + uint64(len(events)))
		at = i
		c.run(w)
		at = -1
		if !c.succeeded() {
			continue
		}
		for _, change := range w.pending.ordered() {
			if err := shared.put(change); err != nil {
				return nil, false, err
			}
		}
		events = append(events, w.events...)
		wrote = wrote || len(w.pending.writes) > 0 || len(w.events) > 0
	}
	return events, wrote, nil
}

// fail ends the store: nothing more is written, and everybody is told why, as is
// the log: callers know only that they were refused. The caller holds writing.
func (s *Store) fail(cause error) error {
	if s.log != nil {
		s.log.Error("the store cannot be written any more", "file", s.path, "error", cause)
	}
	remedy := "restart, nothing needs repair"
	if errors.Is(cause, errReplaced) {
		remedy = "look at what is there now, and restore a backup unless it is the store that you want, then restart"
	}
	s.failure = fmt.Errorf("%w: %s cannot be written any more; %s: %w", enroll.ErrStoreUnavailable, s.path, remedy, cause)
	s.queue.close(s.failure)
	close(s.failed)
	return s.failure
}
