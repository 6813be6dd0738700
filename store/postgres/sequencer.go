package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// The sequencer is the node whose turn it is to number the events that wait. Its
// turn ends with its lease, by the database's clock; whoever takes over raises
// the fence. It numbers in one transaction that holds the log's row and finds its
// own name and fence there, so that a node which slept through the end of its
// turn does nothing when it wakes.
const (
	// sqlLook tells whether there is something to number, whether it may be this
	// node's turn, and how many nodes there are.
	sqlLook = `
SELECT EXISTS (SELECT FROM pending), holder = $1 OR expires_at < now(), (SELECT count(*) FROM nodes WHERE slot > 0) FROM log`
	sqlTakeTurn = `
UPDATE log SET holder = $1, fence = CASE holder WHEN $1 THEN fence ELSE fence + 1 END, expires_at = now() + interval '3 seconds'
WHERE holder = $1 OR expires_at < now() RETURNING fence`
	sqlHoldHead = `SELECT FROM log WHERE holder = $1 AND fence = $2 FOR UPDATE`
	sqlEndTurn  = `UPDATE log SET expires_at = '-infinity' WHERE holder = $1`
)

// How often a node looks what there is to do besides Updates.
const (
	lookEvery = 100 * time.Millisecond
	beatEvery = 5 * time.Second
	// settleEvery is how often Settle looks.
	settleEvery = 3 * time.Millisecond
)

// attend looks after what is nobody's Update, until ctx is done.
func (s *Store) attend(ctx context.Context) {
	look, beat := time.NewTicker(lookEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			s.queue.order(chores{beat: true})
			continue
		case <-look.C:
		case <-s.wake:
		}
		todo, err := s.look(ctx)
		if err != nil && ctx.Err() == nil {
			s.config.Log.DebugContext(ctx, "could not look what waits for the sequencer; trying again", "error", err)
		}
		if todo {
			s.queue.order(chores{number: true})
		}
	}
}

// look reports whether this node should number events now.
func (s *Store) look(ctx context.Context) (bool, error) {
	var waiting, mine bool
	var nodes int64
	if err := s.write.QueryRow(ctx, sqlLook, s.gate.node).Scan(&waiting, &mine, &nodes); err != nil {
		return false, err
	}
	s.gate.neighbours.Store(max(nodes-1, 0))
	return waiting && mine, nil
}

// nudge has the node look at once.
func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// numberPending numbers what waits, where it is this node's turn.
func (s *Store) numberPending() error {
	ctx := context.Background()
	conn, err := s.write.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // which closes it in the middle of a transaction
	var fence int64
	if err := conn.QueryRow(ctx, sqlTakeTurn, s.gate.node).Scan(&fence); err != nil {
		if err == pgx.ErrNoRows { //nolint:errorlint // Scan returns it as it is
			return nil // it is another's
		}
		return err
	}
	a := &attempt{s: s, conn: conn}
	for more := true; more; {
		if more, err = a.numberSome(fence); err != nil {
			return err
		}
	}
	return nil
}

// numberSome numbers what waits, up to maxPending batches' events, and reports
// whether there is more.
func (a *attempt) numberSome(fence int64) (more bool, err error) {
	s, conn := a.s, a.conn.Conn()
	if a.rev, err = s.newRev(); err != nil {
		return false, err
	}
	b := &pgx.Batch{}
	a.enter(b)
	held := false
	query{sqlHoldHead, []any{s.gate.node, fence}, func(*columns) error { held = true; return nil }}.queue(b)
	var h head
	h.queue(b)
	if err := send(conn, b); err != nil {
		return false, err
	}
	if err := a.entered(); err != nil {
		return false, err
	}
	b = &pgx.Batch{}
	if !held || h.waiting == nil {
		b.Queue(sqlRollback)
		return false, send(conn, b)
	}
	grown, err := s.number(b, conn, h, nil)
	if err != nil {
		return false, err
	}
	b.Queue(sqlCommit)
	if err := send(conn, b); err != nil {
		return false, err
	}
	s.frontier = grown
	return h.more, nil
}

// Settle waits until the log has every event of the Updates that returned before
// it was called. Where the node is the only one, it has them already.
func (s *Store) Settle(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		var waiting, mine bool
		var nodes int64
		err := s.read.QueryRow(ctx, sqlLook, s.gate.node).Scan(&waiting, &mine, &nodes)
		if err != nil || !waiting {
			return err
		}
		s.nudge()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
