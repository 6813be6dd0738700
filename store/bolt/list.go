package bolt

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"

	"github.com/touchmark/touchmark/enroll"
)

// maxLooked bounds how many rows are looked at for one part of a list.
const maxLooked = 10_000

// listKind says which walk over which tree a cursor belongs to. The numbers
// stand in cursors that clients hold: they are not used again for another walk.
type listKind byte

const (
	childrenByName       listKind = 1
	ordersByID           listKind = 2
	ordersByFleet        listKind = 3
	devicesByID          listKind = 4
	devicesByState       listKind = 5
	devicesByFleet       listKind = 6
	devicesByExpiry      listKind = 7
	certificatesByDevice listKind = 8
	certificatesByExpiry listKind = 9
	shardsByKey          listKind = 10
	recordsByIndex       listKind = 11
	recordsByDevice      listKind = 12
	peopleByID           listKind = 13
	keysByHash           listKind = 14
	segmentsByKey        listKind = 15
	documentsByKey       listKind = 16
	documentsByKind      listKind = 17
)

// A cursor is base64url of its version, the walk's kind, where the walk has come
// to, and a checksum (CRC-32), so that one that was cut or mistyped is found out.
const (
	cursorVersion  = 1
	cursorChecksum = 4
)

// newCursor writes where a walk has come to, opaque to clients.
func newCursor(kind listKind, position []byte) string {
	raw := append([]byte{cursorVersion, byte(kind)}, position...)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw)))
}

// position reads a cursor of the walk; nil for a walk's beginning.
func position(kind listKind, cursor string) ([]byte, error) {
	if cursor == "" {
		return nil, nil
	}
	if len(cursor) > base64.RawURLEncoding.EncodedLen(2+maxKey+cursorChecksum) {
		return nil, malformedCursor()
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= 2+cursorChecksum {
		return nil, malformedCursor()
	}
	at := raw[2 : len(raw)-cursorChecksum]
	if newCursor(kind, at) != cursor {
		return nil, malformedCursor()
	}
	return at, nil
}

func malformedCursor() error {
	return fmt.Errorf("%w: take it as it stood in the part before, of a list with the same filter", enroll.ErrCursor)
}

// pageLimit is how many items a part may have.
func pageLimit(page enroll.Page) int {
	if page.Limit < 1 {
		return enroll.DefaultPage
	}
	return min(page.Limit, enroll.MaxPage)
}

// collect makes one part of a list: it looks at candidates, each with its
// position in the walk, and takes those that pick makes an item of.
func collect[C, T any](kind listKind, page enroll.Page, walk iter.Seq2[[]byte, C], pick func(C) (T, bool, error)) (enroll.List[T], error) {
	limit := pageLimit(page)
	var list enroll.List[T]
	var last []byte
	looked := 0
	for at, candidate := range walk {
		if len(list.Items) == limit || looked == maxLooked {
			list.Next = newCursor(kind, last)
			return list, nil
		}
		item, ok, err := pick(candidate)
		if err != nil {
			return enroll.List[T]{}, err
		}
		if ok {
			list.Items = append(list.Items, item)
		}
		last = append(last[:0], at...)
		looked++
	}
	return list, nil
}

// ascend walks the keys of a tree in [from, to); an empty to is no bound.
func (s *snapshot) ascend(t tree, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := s.bucket(t).Cursor()
		for k, v := c.Seek(from); k != nil && (len(to) == 0 || bytes.Compare(k, to) < 0); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

// keysAfter walks a tree's keys that begin with prefix, from the first one after
// position, which is a key too; nil is the beginning.
func (s *snapshot) keysAfter(t tree, prefix, position []byte) iter.Seq2[[]byte, []byte] {
	from := prefix
	if position != nil && bytes.Compare(position, prefix) >= 0 {
		from = append(bytes.Clone(position), 0)
	}
	var to []byte
	if len(prefix) > 0 {
		to = after(prefix)
	}
	return s.ascend(t, from, to)
}
