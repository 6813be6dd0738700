package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

// taskNumber is the sequencer's: the node that leads it numbers the events that
// wait, in a transaction that holds its lease, so that a node which slept through
// the end of its term does nothing when it wakes.
const taskNumber enroll.Task = "number"

// sqlLook tells whether there is something to number, how many nodes there are,
// and the log's size.
const sqlLook = `SELECT EXISTS (SELECT FROM pending), (SELECT count(*) FROM nodes WHERE slot > 0), size FROM log`

// How often a node looks what there is to do besides Updates.
const (
	lookEvery = 100 * time.Millisecond
	beatEvery = 5 * time.Second
	// settleEvery is how often Settle looks.
	settleEvery = 3 * time.Millisecond
)

// attend looks after what is nobody's Update, until ctx is done.
func (s *Store) attend(ctx context.Context) {
	look, beat, sweep := time.NewTicker(lookEvery), time.NewTicker(beatEvery), time.NewTicker(sweepEvery)
	defer look.Stop()
	defer beat.Stop()
	defer sweep.Stop()
	unswept := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			s.queue.order(chores{beat: true})
		case <-look.C:
			s.look(ctx)
		case <-s.wake:
			s.takeTurn(ctx)
		case <-s.emptied:
			unswept = s.sweepMonths(ctx)
		case <-sweep.C:
			unswept = unswept && s.sweepMonths(ctx)
		}
	}
}

// look finds out what other nodes have left behind.
func (s *Store) look(ctx context.Context) {
	waiting, nodes, size, err := s.seen(ctx, s.write.QueryRow)
	if err != nil {
		if ctx.Err() == nil {
			s.config.Log.DebugContext(ctx, "could not look what other nodes do; trying again", "error", err)
		}
		return
	}
	s.gate.neighbours.Store(max(nodes-1, 0))
	s.elsewhere.saw(size, size)
	if waiting {
		s.takeTurn(ctx)
	}
}

// seen makes a look, with a pool's QueryRow.
func (s *Store) seen(ctx context.Context, queryRow func(context.Context, string, ...any) pgx.Row) (waiting bool, nodes int64, size uint64, err error) {
	err = queryRow(ctx, sqlLook).Scan(&waiting, &nodes, &size)
	return waiting, nodes, size, err
}

// takeTurn has the node number what waits, unless another node does.
func (s *Store) takeTurn(ctx context.Context) {
	token, err := s.Lead(ctx, taskNumber)
	switch {
	case err != nil && ctx.Err() == nil:
		s.config.Log.DebugContext(ctx, "could not learn who numbers events; trying again", "error", err)
	case token != 0:
		s.queue.order(chores{number: true})
	}
}

// nudge has the node number at once what it has left to the sequencer, if it is
// that.
func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// numberPending numbers what waits, where it is this node's turn.
func (s *Store) numberPending() error {
	ctx := context.Background()
	token, err := s.Lead(ctx, taskNumber)
	if token == 0 || err != nil {
		return err
	}
	conn, err := s.write.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // which closes it in the middle of a transaction
	a := &attempt{s: s, conn: conn}
	for more := true; more; {
		if more, err = a.numberSome(token); err != nil {
			return err
		}
	}
	return nil
}

// numberSome numbers what waits, up to maxPending batches' events, and reports
// whether there is more.
func (a *attempt) numberSome(token uint64) (more bool, err error) {
	s, conn := a.s, a.conn.Conn()
	if a.rev, err = s.newRev(); err != nil {
		return false, err
	}
	b := &pgx.Batch{}
	a.enter(b)
	turn := leaseKey(taskNumber)
	l := newLookup([]key{turn})
	l.queue(b, true)
	a.head.queue(b)
	if err := send(conn, b); err != nil {
		return false, err
	}
	if err := a.entered(); err != nil {
		return false, err
	}
	b = &pgx.Batch{}
	held, _ := l.found[turn].value.(lease)
	mine := held.of(s.gate.node, token)
	if !mine {
		s.leads.forget(taskNumber)
	}
	if !mine || a.head.waiting == nil {
		b.Queue(sqlRollback)
		return false, send(conn, b)
	}
	grown, err := s.number(b, conn, a.head, nil)
	if err != nil {
		return false, err
	}
	b.Queue(sqlCommit)
	if err := send(conn, b); err != nil {
		return false, err
	}
	s.frontier = grown
	s.added(&a.head, grown.Size())
	return a.head.more, nil
}

// Settle waits until the log has every event of the Updates that returned before
// it was called. Where the node is the only one, it has them already.
func (s *Store) Settle(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		waiting, _, _, err := s.seen(ctx, s.read.QueryRow)
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
