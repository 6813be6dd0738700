package postgres

import (
	"bytes"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/touchmark/touchmark/enroll/audit"
)

// A batch that is alone numbers its events itself, after those that wait. Any
// other leaves them in pending, with the time by the database's clock at which it
// held all that they tell of: so of two events of one device the earlier one has
// the earlier time. The sequencer numbers them in that order.
const (
	sqlHead    = `SELECT size, root FROM log`
	sqlPending = `SELECT id, devices, events FROM pending ORDER BY at, id LIMIT $1`
	sqlGrow    = `UPDATE log SET size = $1, root = $2 WHERE size = $3`

	sqlLeavePending  = `INSERT INTO pending (id, at, devices, events) VALUES ($1, clock_timestamp(), $2, $3)`
	sqlDeletePending = `DELETE FROM pending WHERE id = ANY ($1)`
	sqlAddRecords    = `
INSERT INTO records (index, data, hashes) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS put (index, data, hashes)`
	sqlAddStories = `
INSERT INTO device_entries (device, kind, number) SELECT device, 1, number FROM unnest($1::text[], $2::bigint[]) AS put (device, number)`
	sqlHashes = `
SELECT index, hashes FROM records WHERE index = ANY ($1) UNION ALL SELECT index, hashes FROM kept_hashes WHERE index = ANY ($1)`
)

// maxPending bounds how many batches' events are numbered at a time.
const maxPending = 64

// head is where the log ends, and what waits to be added.
type head struct {
	size    uint64
	root    tlog.Hash
	waiting [][]byte // ids in pending, in order
	events  []event  // of those
	more    bool     // than are here
}

// readHead puts the questions for the log's head into a batch's first round trip.
func (a *attempt) readHead(b *pgx.Batch) {
	if a.alone {
		a.head.queue(b)
	}
}

func (h *head) queue(b *pgx.Batch) {
	*h = head{}
	query{sqlHead, nil, func(c *columns) error {
		h.size = uint64(c.integer())
		c.into(h.root[:])
		return nil
	}}.queue(b)
	query{sqlPending, []any{maxPending + 1}, func(c *columns) error {
		if h.more = len(h.waiting) == maxPending; h.more {
			return nil
		}
		h.waiting = append(h.waiting, bytes.Clone(c.next()))
		devices, events := c.texts(), c.octetsList()
		if len(devices) != len(events) {
			return fmt.Errorf("events that wait for the sequencer are damaged: %d of %d devices; restore the database from a backup", len(events), len(devices))
		}
		for i, json := range events {
			h.events = append(h.events, event{device: devices[i], json: json})
		}
		return nil
	}}.queue(b)
}

// log puts the batch's events into its last round trip: into the log where the
// batch is alone, or else where the sequencer finds them.
func (a *attempt) log(b *pgx.Batch) error {
	if len(a.events) == 0 {
		return nil
	}
	if a.alone && !a.head.more {
		grown, err := a.s.number(b, a.conn.Conn(), a.head, a.events)
		a.grown = grown
		return err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(a.s.config.Rand, id); err != nil {
		return fmt.Errorf("reading randomness: %w", err)
	}
	devices, events := make([]string, len(a.events)), make([][]byte, len(a.events))
	for i, e := range a.events {
		devices[i], events[i] = e.device, e.json
	}
	b.Queue(sqlLeavePending, id, flat(devices), flat(events))
	a.left = true
	return nil
}

// number puts the events that wait, and more, into the log. Nobody else appends
// to it: either nobody else writes, or the row of the log is held. And if it were
// not so, the same index could not be written twice.
func (s *Store) number(b *pgx.Batch, conn *pgx.Conn, h head, more []event) (audit.Frontier, error) {
	frontier := s.frontier
	if frontier.Size() != h.size || frontier.Root() != h.root {
		var err error
		if frontier, err = audit.FrontierAt(h.size, hashReader(asker(conn))); err != nil {
			return frontier, err
		}
		if frontier.Root() != h.root {
			return frontier, fmt.Errorf("the log of %d records does not have the root that was recorded; restore the database from a backup", h.size)
		}
	}
	var indexes, storyNumbers []int64
	var leaves, hashes [][]byte
	var stories []string
	var done []tlog.Hash
	for _, events := range [][]event{h.events, more} {
		for _, e := range events {
			index := frontier.Size()
			leaf := e.leaf
			if leaf == nil {
				leaf = audit.Leaf(index, e.json)
			}
			done = frontier.Add(done[:0], leaf)
			indexes, leaves, hashes = append(indexes, int64(index)), append(leaves, leaf), append(hashes, concat(done))
			if e.device != "" {
				stories, storyNumbers = append(stories, e.device), append(storyNumbers, int64(index))
			}
		}
	}
	root := frontier.Root()
	b.Queue(sqlAddRecords, flat(indexes), flat(leaves), flat(hashes))
	b.Queue(sqlGrow, int64(frontier.Size()), root[:], int64(h.size))
	if stories != nil {
		b.Queue(sqlAddStories, flat(stories), flat(storyNumbers))
	}
	if h.waiting != nil {
		b.Queue(sqlDeletePending, h.waiting)
	}
	s.tellThem(b)
	return frontier, nil
}

func concat(hashes []tlog.Hash) []byte {
	joined := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		joined = append(joined, h[:]...)
	}
	return joined
}

// asker makes queries on a connection, one by one.
func asker(conn *pgx.Conn) func(query) error {
	return func(q query) error {
		b := &pgx.Batch{}
		q.queue(b)
		return send(conn, b)
	}
}

// hashReader reads the log's Merkle tree. A hash stands with the record that
// completed it, at the place of its level.
func hashReader(ask func(query) error) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		records := make([]int64, len(indexes))
		levels := make([]int, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			records[i], levels[i] = (n+1)<<level-1, level
		}
		found := make(map[int64][]byte, len(records))
		err := ask(query{sqlHashes, []any{records}, func(c *columns) error {
			index := c.integer()
			found[index] = bytes.Clone(c.next())
			return nil
		}})
		if err != nil {
			return nil, err
		}
		hashes := make([]tlog.Hash, len(indexes))
		for i, record := range records {
			end := (levels[i] + 1) * tlog.HashSize
			if len(found[record]) < end {
				return nil, fmt.Errorf("hash %d is not in the log's tree", indexes[i])
			}
			copy(hashes[i][:], found[record][end-tlog.HashSize:])
		}
		return hashes, nil
	})
}

// Hashes implements enroll.Reader.
func (r reader) Hashes() tlog.HashReader { return hashReader(r.ask) }
