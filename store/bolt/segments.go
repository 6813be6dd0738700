package bolt

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// segmentRow is a file of the archive; its kind and last key are the row's key.
type segmentRow struct {
	First  []byte            `cbor:"1,keyasint"`
	Items  uint64            `cbor:"2,keyasint"`
	Name   string            `cbor:"3,keyasint"`
	Digest [sha256.Size]byte `cbor:"4,keyasint"`
}

func segmentKey(kind enroll.SegmentKind, last []byte) []byte {
	return append(joined(string(kind), ""), last...)
}

func readSegment(key, data []byte) (enroll.Segment, error) {
	row, err := decodeRow[segmentRow](segments, key, data)
	if err != nil {
		return enroll.Segment{}, err
	}
	return row.segment(key), nil
}

func (row *segmentRow) segment(key []byte) enroll.Segment {
	kind, last, _ := bytes.Cut(key, []byte{separator})
	return enroll.Segment{
		Kind: enroll.SegmentKind(kind), First: row.First, Last: bytes.Clone(last), Items: row.Items, Name: row.Name, Digest: row.Digest,
	}
}

// checkSegment finds out what is no segment of a known kind.
func checkSegment(s *enroll.Segment) error {
	length := map[enroll.SegmentKind]int{enroll.CertificateSegments: len(ca.Serial{}), enroll.RecordSegments: 8}[s.Kind]
	switch {
	case length == 0:
		return fmt.Errorf("there is no kind of segments %.40q", s.Kind)
	case len(s.First) != length || len(s.Last) != length || bytes.Compare(s.First, s.Last) > 0:
		return fmt.Errorf("a segment of %s from %.40x to %.40x: keys are %d octets, the lower one first", s.Kind, s.First, s.Last, length)
	case s.Items == 0 || s.Name == "":
		return errors.New("a segment has items, and a file with a name")
	}
	return nil
}

// Segment looks for the first that ends at or after at. The transaction's own
// segments count: they are only ever added.
func (r *reader) Segment(kind enroll.SegmentKind, at []byte) (enroll.Segment, error) {
	from, to := segmentKey(kind, at), after(segmentKey(kind, nil))
	first := len(at) > 0 // the first from there on, and not the last of all
	var own []write
	if r.pending != nil {
		own = r.pending.within(segments, from, to)
	}
	key, value := r.edge(segments, from, to, first)
	switch n := len(own); {
	case n == 0:
	case first && (key == nil || bytes.Compare(own[0].key, key) <= 0):
		key, value = own[0].key, own[0].value
	case !first && bytes.Compare(own[n-1].key, key) >= 0:
		key, value = own[n-1].key, own[n-1].value
	}
	if key == nil {
		return enroll.Segment{}, enroll.ErrNotFound
	}
	return readSegment(key, value)
}

// edge returns the first or the last key of a tree in [from, to), with its value;
// nil where there is none.
func (s *snapshot) edge(t tree, from, to []byte, first bool) (key, value []byte) {
	c := s.bucket(t).Cursor()
	key, value = c.Seek(from)
	if key == nil || bytes.Compare(key, to) >= 0 {
		return nil, nil
	}
	if first {
		return key, value
	}
	if k, _ := c.Seek(to); k == nil { // nothing stands above
		return c.Last()
	}
	return c.Prev()
}

// Segments walks the segments of a kind.
func (r *reader) Segments(kind enroll.SegmentKind, page enroll.Page) (enroll.List[enroll.Segment], error) {
	at, err := position(segmentsByKey, page.After)
	if err != nil {
		return enroll.List[enroll.Segment]{}, err
	}
	type row struct{ key, value []byte }
	walk := r.keysAfter(segments, segmentKey(kind, nil), at)
	return collect(segmentsByKey, page, renamed(walk, func(key, value []byte) row { return row{key, value} }), func(found row) (enroll.Segment, bool, error) {
		s, err := readSegment(found.key, found.value)
		return s, err == nil, err
	})
}

// PutSegment implements enroll.Tx.
func (w *writer) PutSegment(s enroll.Segment) error {
	if err := checkSegment(&s); err != nil {
		return err
	}
	return w.keep(segments, segmentKey(s.Kind, s.Last), &segmentRow{First: s.First, Items: s.Items, Name: s.Name, Digest: s.Digest})
}
