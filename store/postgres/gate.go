package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// How nodes stay out of each other's way. A batch holds its node's gate, the row
// in nodes; one that must be alone holds the entrance (slot 0) and all gates. So
// nobody writes while it does, and what only such batches change, the reference
// tables, does not change while any gate is held.
const (
	// sqlEnter holds the node's own gate and leaves the batch's name there, which
	// stays where the batch is committed.
	sqlEnter = `UPDATE nodes SET batch = $3, seen_at = now() WHERE slot = $1 AND node = $2 RETURNING node = $2, epoch, schema`
	// sqlHoldEntrance and sqlEnterAlone hold all gates: those who wait for the
	// entrance see who came before them only in the second statement.
	sqlHoldEntrance = `SELECT FROM nodes WHERE slot = 0 FOR UPDATE`
	sqlEnterAlone   = `
UPDATE nodes SET batch = CASE node WHEN $1 THEN $2 ELSE batch END, seen_at = CASE node WHEN $1 THEN now() ELSE seen_at END
WHERE slot > 0 RETURNING node = $1, epoch, schema`
	// sqlTurnEpoch says that reference tables have changed, at every gate.
	sqlTurnEpoch = `UPDATE nodes SET epoch = $1`
	// sqlOutcome waits for the transaction that holds the gate, if there is one.
	sqlOutcome = `SELECT batch = $3 FROM nodes WHERE slot = $1 AND node = $2 FOR UPDATE`

	sqlJoin = `
INSERT INTO nodes (slot, node, batch, epoch, schema, seen_at)
SELECT (SELECT min(slot) + 1 FROM nodes AS n WHERE NOT EXISTS (SELECT FROM nodes AS o WHERE o.slot = n.slot + 1)), $1, 0, epoch, schema, now()
FROM nodes WHERE slot = 0 RETURNING slot, schema, (SELECT count(*) FROM nodes WHERE slot > 0), (SELECT size FROM log)`
	sqlBeat  = `UPDATE nodes SET seen_at = now() WHERE slot = $1 AND node = $2 AND seen_at < now() - interval '3 seconds'`
	sqlLeave = `DELETE FROM nodes WHERE slot = $1 AND node = $2`
	// sqlSweep forgets nodes that went away without a word. One that was only slow
	// finds its gate gone and joins again.
	sqlSweep = `
DELETE FROM nodes WHERE slot IN (
	SELECT slot FROM nodes WHERE slot > 0 AND seen_at < now() - interval '1 minute' FOR UPDATE SKIP LOCKED)`
	// sqlEndStuck ends transactions of nodes that were stopped while they were
	// sending: the server waits for the rest, which is not standing still to it. It
	// never ends one that is being committed.
	sqlEndStuck = `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = 'touchmark writer'
	AND wait_event = 'ClientRead' AND xact_start IS NOT NULL AND state_change < now() - interval '1 minute'`
)

// errGone is what a batch ends with whose node has no gate any more.
var errGone = errors.New("other nodes took this one for gone; it joins again")

// gate is the node's place among the others. The committer alone uses it, but for
// neighbours.
type gate struct {
	node []byte // 16 random octets
	slot int16  // 0 before it has joined
	// neighbours is how many other nodes there were when somebody last looked.
	neighbours atomic.Int64
}

func newGate(rand io.Reader) (*gate, error) {
	g := &gate{node: make([]byte, 16)}
	if _, err := io.ReadFull(rand, g.node); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	return g, nil
}

// single reports whether the node knows of no other.
func (g *gate) single() bool { return g.neighbours.Load() == 0 }

// join gives the node a gate, in the lowest slot that is free.
func (s *Store) join() error {
	ctx := context.Background()
	var slot int16
	var schema, nodes, size int64
	err := pgx.BeginFunc(ctx, s.write, func(tx pgx.Tx) error {
		for _, sql := range []string{sqlSweep, sqlHoldEntrance} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, sqlJoin, s.gate.node).Scan(&slot, &schema, &nodes, &size)
	})
	if err != nil {
		return fmt.Errorf("joining the other nodes: %w", err)
	}
	if err := checkFloor(schema); err != nil {
		return s.fail(err)
	}
	s.gate.slot = slot
	s.gate.neighbours.Store(nodes) // itself is not among those it saw
	s.elsewhere.saw(uint64(size), uint64(size))
	return nil
}

// leave gives the gate back.
func (s *Store) leave() error {
	if s.gate.slot == 0 {
		return nil
	}
	_, err := s.write.Exec(context.Background(), sqlLeave, s.gate.slot, s.gate.node)
	return err
}

// beat tells the others that the node is there, and clears up after those that
// are not.
func (s *Store) beat() error {
	b := &pgx.Batch{}
	b.Queue(sqlBeat, s.gate.slot, s.gate.node)
	b.Queue(sqlSweep)
	b.Queue(sqlEndStuck)
	return s.write.SendBatch(context.Background(), b).Close()
}

// enter puts into a round trip what begins a batch's transaction.
func (a *attempt) enter(b *pgx.Batch) {
	g := a.s.gate
	a.gates, a.gone, a.schema = 0, true, 0
	each := func(c *columns) error {
		a.gates++
		if c.bool() {
			a.gone = false
		}
		a.epoch, a.schema = c.integer(), c.integer()
		return nil
	}
	b.Queue(sqlBegin)
	if a.alone {
		b.Queue(sqlHoldEntrance)
		query{sqlEnterAlone, []any{g.node, a.rev}, each}.queue(b)
	} else {
		query{sqlEnter, []any{g.slot, g.node, a.rev}, each}.queue(b)
	}
}

// entered looks at what enter found.
func (a *attempt) entered() error {
	if a.gone {
		return errGone
	}
	if a.alone {
		a.s.gate.neighbours.Store(int64(a.gates - 1))
	}
	if err := checkFloor(a.schema); err != nil {
		return a.s.fail(err)
	}
	return nil
}

// The frame of a transaction. Each statement sees what was committed before it;
// what must not change while the batch goes on is held.
const (
	sqlBegin    = `BEGIN ISOLATION LEVEL READ COMMITTED`
	sqlCommit   = `COMMIT`
	sqlRollback = `ROLLBACK`
)
