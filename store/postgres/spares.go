package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// spares are connections whose snapshot nobody needs any more. The next snapshot
// ends it in the round trip that it begins with; if none comes for a while, it is
// ended on its own, for an old snapshot keeps the database from clearing up.
type spares struct {
	mu    sync.Mutex // guards what follows
	conns []*pgxpool.Conn
	timer *time.Timer
}

// spareFor is how long a snapshot may be left open.
const spareFor = 100 * time.Millisecond

func (s *spares) put(conn *pgxpool.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
	if len(s.conns) == 1 {
		s.timer = time.AfterFunc(spareFor, s.end)
	}
}

func (s *spares) get() *pgxpool.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.conns) - 1
	if last < 0 {
		return nil
	}
	conn := s.conns[last]
	if s.conns = s.conns[:last]; last == 0 {
		s.timer.Stop()
	}
	return conn
}

// end ends all snapshots that are left.
func (s *spares) end() {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, conn := range conns {
		_, _ = conn.Exec(context.Background(), sqlRollback) // else Release closes it
		conn.Release()
	}
}
