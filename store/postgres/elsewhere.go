package postgres

import "sync"

// elsewhere tells of records that other nodes added to the log, or that this one
// added for them.
type elsewhere struct {
	token chan struct{} // holds one while there may be such

	mu   sync.Mutex // guards what follows
	size uint64     // of the log as this node last knew it
}

func newElsewhere() *elsewhere { return &elsewhere{token: make(chan struct{}, 1)} }

// Elsewhere implements enroll.Store. A look at the log's size every lookEvery is
// what it rests on; notifications make it quicker.
func (s *Store) Elsewhere() <-chan struct{} { return s.elsewhere.token }

// tell puts the token there.
func (e *elsewhere) tell() {
	select {
	case e.token <- struct{}{}:
	default:
	}
}

// saw takes note of the log's size, and of what it was before this node added to
// it. A look may be older than what is known.
func (e *elsewhere) saw(before, size uint64) {
	e.mu.Lock()
	grown := before > e.size
	e.size = max(e.size, size)
	e.mu.Unlock()
	if grown {
		e.tell()
	}
}

// least returns a size that the log has reached.
func (e *elsewhere) least() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.size
}

// added takes note of what this node has put into the log, once it is committed:
// what waited there may be what others did.
func (s *Store) added(h *head, size uint64) {
	s.elsewhere.saw(h.size, size)
	if h.waiting != nil && !s.gate.single() {
		s.elsewhere.tell()
	}
}
