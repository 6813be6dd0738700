package bolt

import (
	"sync"
	"sync/atomic"

	"github.com/touchmark/touchmark/enroll"
)

// maxBatch bounds how many transactions share a commit.
const maxBatch = 256

// call is one Update on its way.
type call struct {
	fn    func(enroll.Tx) error
	state atomic.Int32  // waiting, running or left
	done  chan struct{} // closed when the outcome below stands

	err    error
	panic  any
	exited bool // fn called runtime.Goexit, as a test's FailNow does
}

// The states of a call. From waiting it goes to one of the others, once.
const (
	waiting int32 = iota
	running       // the committer has it
	left          // its caller gave up waiting
)

// start claims the call for the committer, unless its caller has left. It may
// start again.
func (c *call) start() bool {
	return c.state.CompareAndSwap(waiting, running) || c.state.Load() == running
}

// leave gives the call up, unless it was started.
func (c *call) leave() bool { return c.state.CompareAndSwap(waiting, left) }

// run runs fn once and keeps what became of it.
func (c *call) run(w *writer) {
	c.err, c.panic = nil, nil
	defer func() { c.panic = recover() }()
	if c.err = c.fn(w); c.err == nil {
		c.err = w.settle()
	}
}

// succeeded reports whether what fn wrote counts.
func (c *call) succeeded() bool { return c.err == nil && c.panic == nil }

// queue is where calls gather while a batch before them is being committed.
type queue struct {
	mu      sync.Mutex // guards what follows
	filled  sync.Cond
	waiting []*call
	closed  error // what later calls are told; nil while open
}

func newQueue() *queue {
	q := &queue{}
	q.filled.L = &q.mu
	return q
}

// put adds a call, or says why there will be no more.
func (q *queue) put(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return q.closed
	}
	q.waiting = append(q.waiting, c)
	q.filled.Signal()
	return nil
}

// ended returns what later calls are told; nil while the queue is open.
func (q *queue) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// take waits for calls and takes a batch of them; none once the queue is closed
// and empty.
func (q *queue) take() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && q.closed == nil {
		q.filled.Wait()
	}
	n := min(len(q.waiting), maxBatch)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch
}

// untake puts calls back in front.
func (q *queue) untake(batch []*call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(batch, q.waiting...)
}

// close lets in no more calls; the first reason stands.
func (q *queue) close(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed == nil {
		q.closed = reason
	}
	q.filled.Signal()
}
