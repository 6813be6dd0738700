package postgres

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// viewing lets Views share snapshots: those that wait while others are served get
// the next one together, and what they look up at the same time goes in one round
// trip. No goroutine serves them: whoever needs something does it for all.
type viewing struct {
	s *Store

	mu      sync.Mutex // guards what follows
	waiting []*view
	serving int  // snapshots
	slow    int  // of these, those that have made many round trips
	late    bool // one that waits has waited too long
	closed  bool
	idle    sync.Cond // signalled when serving becomes 0

	spares spares
}

const (
	// fewSnapshots is how many snapshots are in use before Views gather for the
	// next one: enough to keep the database busy while a node is.
	fewSnapshots = 2
	// tooLong is how long a View waits for others before it takes a connection of
	// its own: they are doing something else than reading.
	tooLong = 50 * time.Millisecond
)

func newViewing(s *Store) *viewing {
	v := &viewing{s: s}
	v.idle.L = &v.mu
	return v
}

// view is one View on its way.
type view struct {
	snapshot *snapshot
	began    chan struct{} // closed when snapshot is set
	wake     chan bool     // tells that what it waits for is there, or (true) that it is to lead
	err      error         // what a lookup failed with
}

// View implements enroll.Store.
func (s *Store) View(ctx context.Context, fn func(enroll.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v, err := s.viewing.join(ctx)
	if err != nil {
		return err
	}
	defer v.snapshot.leave()
	if err := fn(reader{v}); err != nil {
		return err
	}
	return v.err
}

// join waits for a snapshot that is taken from now on.
func (w *viewing) join(ctx context.Context) (*view, error) {
	v := &view{began: make(chan struct{}), wake: make(chan bool, 1)}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, errClosed
	}
	w.waiting = append(w.waiting, v)
	w.begin()
	w.mu.Unlock()
	select {
	case <-v.began:
		return v, nil
	default:
	}
	late := time.NewTimer(tooLong)
	defer late.Stop()
	for {
		select {
		case <-v.began:
			return v, nil
		case <-ctx.Done():
			if !w.forget(v) {
				<-v.began
				v.snapshot.leave()
			}
			return nil, ctx.Err()
		case <-late.C:
			w.mu.Lock()
			w.late = w.late || v.snapshot == nil
			w.begin()
			w.mu.Unlock()
		}
	}
}

// forget takes a view back that has not begun.
func (w *viewing) forget(v *view) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiting {
		if other == v {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// begin gives those who wait a snapshot, if there are few enough, or a connection
// for those who have waited too long. The caller holds mu.
func (w *viewing) begin() {
	enough := w.serving-w.slow >= fewSnapshots && !w.late
	if len(w.waiting) == 0 || enough || w.serving >= w.s.config.readers() {
		return
	}
	w.serving++
	w.late = false
	s := &snapshot{viewing: w, active: len(w.waiting), known: map[key]found{}}
	for _, v := range w.waiting {
		v.snapshot = s
		close(v.began)
	}
	w.waiting = nil
}

// slowed makes room for another snapshot beside one that takes long.
func (w *viewing) slowed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow++
	w.begin()
}

// ended makes room for the next snapshot.
func (w *viewing) ended(slow bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving--
	if slow {
		w.slow--
	}
	w.begin()
	if w.serving == 0 {
		w.idle.Broadcast()
	}
}

// close waits for all Views.
func (w *viewing) close() {
	w.mu.Lock()
	w.closed = true
	for w.serving > 0 {
		w.idle.Wait()
	}
	w.mu.Unlock()
	w.spares.end()
}

// rows implements source.
func (v *view) rows(ids ...key) ([]any, error) {
	values := make([]any, len(ids))
	for {
		missing := v.snapshot.find(ids, values)
		if missing == nil {
			return values, nil
		}
		if err := v.wait(request{keys: missing}); err != nil {
			return nil, err
		}
	}
}

// ask implements source.
func (v *view) ask(q query) error { return v.wait(request{query: &q}) }

// wait gets what it requests: from whoever makes the next round trip, or by making
// it. After an error there is nothing more to be had.
func (v *view) wait(r request) error {
	if v.err != nil {
		return v.err
	}
	r.view = v
	s := v.snapshot
	if s.request(&r) || <-v.wake {
		runtime.Gosched() // let others come along
		s.trip()
		<-v.wake
	}
	v.err = r.err
	return v.err
}
