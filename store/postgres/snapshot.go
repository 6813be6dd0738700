package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// snapshot is a transaction that only reads, for one or more Views.
type snapshot struct {
	viewing *viewing

	// Whoever makes a round trip alone touches what follows.
	conn   *pgxpool.Conn // nil before the first one
	epoch  int64
	trips  int
	broken error // why it cannot be read any more

	mu       sync.Mutex // guards what follows
	active   int        // Views that have not left
	busy     bool       // one of them makes a round trip, or was told to
	requests []*request
	known    map[key]found
	began    bool  // there was a round trip
	of       int64 // the epoch, once it began
}

// request is what a View waits for: keys or a query.
type request struct {
	view  *view
	keys  []key
	query *query
	err   error
}

// manyTrips is after how many round trips a snapshot is a slow one, which others
// do not wait for while there are connections.
const manyTrips = 16

// find fills in what is known and returns what is not. What the node remembers of
// reference tables is known once it is certain that it is right.
func (s *snapshot) find(ids []key, values []any) (missing []key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range ids {
		f, known := s.known[k]
		if !known && s.began && k.kind.reference() && k.kind.remembered() {
			var of int64
			if f, of, known = s.viewing.s.memory.get(k); known && of != s.of {
				known = false
			} else if known {
				s.known[k] = f
			}
		}
		if known {
			values[i] = f.value
		} else if k.kind < kindCount && k.findable() {
			missing = append(missing, k)
		}
	}
	return missing
}

// request adds a request, and reports whether it is for its View to make the next
// round trip.
func (s *snapshot) request(r *request) (lead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	lead = !s.busy
	s.busy = true
	return lead
}

// leave ends a View. The last one ends the snapshot.
func (s *snapshot) leave() {
	s.mu.Lock()
	s.active--
	last := s.active == 0
	s.mu.Unlock()
	if !last {
		return
	}
	if s.conn != nil {
		s.viewing.spares.put(s.conn)
	}
	s.viewing.ended(s.trips >= manyTrips)
}

// trip answers all that was requested, and has one of those who ask meanwhile
// make the next one.
func (s *snapshot) trip() {
	s.mu.Lock()
	requests := s.requests
	s.requests = nil
	s.mu.Unlock()
	var answers map[key]found
	if s.broken == nil {
		answers, s.broken = s.answer(requests)
	}
	if s.trips++; s.trips == manyTrips {
		s.viewing.slowed()
	}
	broken := s.broken
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.of = broken == nil, s.epoch
	for k, f := range answers {
		s.known[k] = f
	}
	for _, r := range requests {
		r.err = broken
		r.view.wake <- false
	}
	if s.busy = len(s.requests) > 0; s.busy {
		s.requests[0].view.wake <- true
	}
}

// answer answers requests in one round trip, or two where the node's memory of
// reference tables turns out to be too old.
func (s *snapshot) answer(requests []*request) (map[key]found, error) {
	memory := s.viewing.s.memory
	var wanted []key
	remembered := map[key]found{}
	epoch := int64(-1) // of what is remembered
	for _, r := range requests {
		for _, k := range r.keys {
			if k.kind.reference() && k.kind.remembered() {
				if f, of, known := memory.get(k); known && (epoch < 0 || epoch == of) {
					remembered[k], epoch = f, of
					continue
				}
			}
			wanted = append(wanted, k)
		}
	}
	l, err := s.send(requests, wanted)
	if err != nil {
		return nil, err
	}
	if len(remembered) > 0 && epoch != s.epoch {
		again := make([]key, 0, len(remembered))
		for k := range remembered {
			again = append(again, k)
		}
		clear(remembered)
		more, err := s.send(nil, again)
		if err != nil {
			return nil, err
		}
		for k, f := range more.found {
			l.found[k] = f
		}
	}
	memory.learn(s.epoch, l.found)
	for k, f := range remembered {
		l.found[k] = f
	}
	return l.found, nil
}

// The frame of a snapshot.
const (
	sqlBeginSnapshot = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	sqlEpoch         = `SELECT epoch FROM nodes WHERE slot = 0`
)

// send makes a round trip. If it is the first one it begins the transaction, and
// is made again where the connection turns out to be dead: nobody has seen
// anything yet.
func (s *snapshot) send(requests []*request, wanted []key) (*lookup, error) {
	seen := false
	for count := 0; ; count++ {
		b := &pgx.Batch{}
		first := s.conn == nil
		if first {
			if err := s.begin(b); err != nil {
				return nil, unavailable(err)
			}
		}
		l := newLookup(wanted)
		l.queue(b, false)
		for _, r := range requests {
			if r.query == nil {
				continue
			}
			q := *r.query
			q.each = func(c *columns) error { seen = true; return r.query.each(c) }
			q.queue(b)
		}
		err := send(s.conn.Conn(), b)
		if err == nil {
			return l, nil
		}
		s.conn.Release() // which closes it
		s.conn = nil
		switch {
		case troubleOf(err) == fault:
			return nil, fmt.Errorf("reading the database: %w", err)
		case !first || seen || count == 2:
			return nil, unavailable(err)
		}
		s.viewing.s.read.Reset()
		s.viewing.spares.end()
	}
}

// begin gets a connection and puts what begins a snapshot into its round trip.
func (s *snapshot) begin(b *pgx.Batch) (err error) {
	if s.conn = s.viewing.spares.get(); s.conn != nil {
		b.Queue(sqlRollback)
	} else if s.conn, err = s.viewing.s.read.Acquire(context.Background()); err != nil {
		s.conn = nil
		return err
	}
	b.Queue(sqlBeginSnapshot)
	query{sqlEpoch, nil, func(c *columns) error { s.epoch = c.integer(); return nil }}.queue(b)
	return nil
}
