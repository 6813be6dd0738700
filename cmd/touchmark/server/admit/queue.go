package admit

import (
	"container/list"
	"time"
)

// queue is what a class has and wants.
type queue struct {
	own, level int // as in share, in places
	running    int
	parked     int // gave their place back until their client has sent more
	// returning are those that were parked, and come first. arriving may be turned away.
	returning, arriving list.List // of *waiter
	// behindSince is since when somebody waits without a break.
	behindSince time.Time
	shed        uint64
}

func (q *queue) waiting() int { return q.returning.Len() + q.arriving.Len() }

// waiter waits for a place; ready is closed once it has it.
type waiter struct{ ready chan struct{} }

func (q *queue) enqueue(in *list.List, w *waiter) *list.Element {
	if q.behindSince.IsZero() {
		q.behindSince = time.Now()
	}
	return in.PushBack(w)
}

// next takes out who is first.
func (q *queue) next() *waiter {
	from := &q.returning
	if from.Len() == 0 {
		from = &q.arriving
	}
	w := from.Remove(from.Front()).(*waiter)
	q.settle()
	return w
}

// settle notes where nobody waits any more.
func (q *queue) settle() {
	if q.waiting() == 0 {
		q.behindSince = time.Time{}
	}
}
