package postgres

import (
	"bytes"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

const (
	segmentColumns = `kind, last, first, items, name, digest`
	sqlSegmentFrom = `SELECT ` + segmentColumns + ` FROM segments WHERE kind = $1 AND last >= $2 ORDER BY last LIMIT 1`
	sqlLastSegment = `SELECT ` + segmentColumns + ` FROM segments WHERE kind = $1 ORDER BY last DESC LIMIT 1`
	sqlSegments    = `SELECT ` + segmentColumns + ` FROM segments WHERE kind = $1 AND last > $2 ORDER BY last LIMIT $3`
	sqlPutSegment  = `
INSERT INTO segments (` + segmentColumns + `) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, last) DO UPDATE SET (first, items, name, digest) = (excluded.first, excluded.items, excluded.name, excluded.digest)`
)

func readSegment(c *columns) enroll.Segment {
	s := enroll.Segment{Kind: enroll.SegmentKind(c.text()), Last: c.octets(), First: c.octets(), Items: uint64(c.integer()), Name: c.text()}
	c.into(s.Digest[:])
	return s
}

func writeSegment(b *pgx.Batch, s enroll.Segment) {
	b.Queue(sqlPutSegment, string(s.Kind), s.Last, append([]byte{}, s.First...), int64(s.Items), s.Name, s.Digest[:])
}

// PutSegment implements enroll.Tx.
func (r *run) PutSegment(s enroll.Segment) error {
	if len(s.Last) == 0 || s.Items > math.MaxInt64 || !storable(string(s.Kind)) || !storable(s.Name) {
		return fmt.Errorf("the segment %.60q of %.40q cannot be recorded: its last key is empty, it has too many items, or a name is not UTF-8", s.Name, s.Kind)
	}
	s.First, s.Last = clone(s.First), clone(s.Last)
	return r.put(key{segments, joined(string(s.Kind), string(s.Last))}, s)
}

// Segment implements enroll.Reader.
func (r reader) Segment(kind enroll.SegmentKind, at []byte) (s enroll.Segment, err error) {
	q := query{sql: sqlSegmentFrom, args: []any{string(kind), at}}
	if len(at) == 0 {
		q = query{sql: sqlLastSegment, args: []any{string(kind)}}
	}
	err = enroll.ErrNotFound
	if !storable(string(kind)) {
		return s, err
	}
	q.each = func(c *columns) error {
		s, err = readSegment(c), nil
		return nil
	}
	if broken := r.ask(q); broken != nil {
		return enroll.Segment{}, broken
	}
	return s, err
}

// Segment implements enroll.Tx: it sees what the transaction has written.
func (r *run) Segment(kind enroll.SegmentKind, at []byte) (enroll.Segment, error) {
	best, err := r.reader.Segment(kind, at)
	for _, writes := range []map[key]any{r.a.writes, r.own} {
		for _, value := range writes {
			s, ok := value.(enroll.Segment)
			if !ok || s.Kind != kind || bytes.Compare(s.Last, at) < 0 {
				continue
			}
			if order := bytes.Compare(s.Last, best.Last); err != nil || order == 0 || order < 0 == (len(at) > 0) {
				best, err = s, nil
			}
		}
	}
	best.First, best.Last = clone(best.First), clone(best.Last)
	return best, err
}

// Segments implements enroll.Reader.
func (r reader) Segments(kind enroll.SegmentKind, page enroll.Page) (enroll.List[enroll.Segment], error) {
	at, err := position(segmentsByLast, page.After)
	if err != nil || !storable(string(kind)) {
		return enroll.List[enroll.Segment]{}, err
	}
	return list(r, page, walk[enroll.Segment]{
		kind: segmentsByLast, sql: sqlSegments, args: []any{string(kind), append([]byte{}, at...)},
		read: func(c *columns) (enroll.Segment, []byte) {
			s := readSegment(c)
			return s, s.Last
		},
	})
}
