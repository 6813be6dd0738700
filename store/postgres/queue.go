package postgres

import (
	"sync"
	"sync/atomic"

	"github.com/touchmark/touchmark/enroll"
)

// maxBatch bounds how many Updates share a transaction.
const maxBatch = 256

// call is one Update on its way.
type call struct {
	fn    func(enroll.Tx) error
	state atomic.Int32  // waiting, running or left
	done  chan struct{} // closed when the outcome below stands

	// What follows is the committer's.
	alone   bool // it is to have a batch to itself
	settled bool // fn has run to its end

	err    error
	panic  any
	exited bool // fn called runtime.Goexit, as a test's FailNow does
}

// The states of a call.
const (
	waiting int32 = iota // its caller may give it up
	running              // the committer has it
	left                 // its caller gave up waiting
)

// start claims the call for the committer, unless its caller has left.
func (c *call) start() bool {
	return c.state.CompareAndSwap(waiting, running) || c.state.Load() == running
}

// rest lets the caller leave again: nothing of the call is in flight.
func (c *call) rest() { c.state.CompareAndSwap(running, waiting) }

// leave gives the call up, unless it runs.
func (c *call) leave() bool { return c.state.CompareAndSwap(waiting, left) }

// finish tells the caller the outcome.
func (c *call) finish() { close(c.done) }

// fail ends the call with an error, whatever its fn said.
func (c *call) fail(err error) {
	c.err, c.panic = err, nil
	c.finish()
}

// queue is where calls gather while the batch before them is under way.
type queue struct {
	mu      sync.Mutex // guards what follows
	filled  sync.Cond
	waiting []*call
	chores  chores
	closed  error // what later calls are told; nil while open
}

// chores are what the committer does besides, between batches.
type chores struct {
	number bool // the events that wait for the sequencer
	beat   bool // tell the other nodes that this one is there
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

// order adds chores.
func (q *queue) order(more chores) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.chores.number = q.chores.number || more.number
	q.chores.beat = q.chores.beat || more.beat
	q.filled.Signal()
}

// take waits for work and takes a batch of calls, one alone or several that are
// not to be, and the chores; nothing once the queue is closed and empty.
func (q *queue) take() ([]*call, chores) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && q.chores == (chores{}) && q.closed == nil {
		q.filled.Wait()
	}
	n := 0
	for n < min(len(q.waiting), maxBatch) && (n == 0 || !q.waiting[n].alone) {
		n++
		if q.waiting[0].alone {
			break
		}
	}
	batch, todo := q.waiting[:n:n], q.chores
	q.waiting, q.chores = q.waiting[n:], chores{}
	return batch, todo
}

// untake puts calls back in front.
func (q *queue) untake(batch ...*call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(batch[:len(batch):len(batch)], q.waiting...)
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
