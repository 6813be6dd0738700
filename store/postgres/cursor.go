package postgres

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/touchmark/touchmark/enroll"
)

// listKind says which walk a cursor belongs to. The numbers stand in cursors that
// clients hold: they are not used again for another walk.
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
	segmentsByLast       listKind = 15
	documentsByKey       listKind = 16
	documentsByKind      listKind = 17
)

// A cursor is base64url of its version, the walk's kind, where the walk has come
// to, and a checksum (CRC-32), so that one that was cut or mistyped is found out.
const (
	cursorVersion  = 2 // 1 is the embedded store's
	cursorChecksum = 4
	maxPosition    = 1024
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
	if len(cursor) > base64.RawURLEncoding.EncodedLen(2+maxPosition+cursorChecksum) {
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

// textPosition reads a position that is one text.
func textPosition(kind listKind, cursor string) (string, error) {
	at, err := position(kind, cursor)
	if err == nil && !storable(string(at)) {
		err = malformedCursor()
	}
	return string(at), err
}

// maxNumber is above every number in a position.
const maxNumber int64 = math.MaxInt64

// numberPosition reads a position that is a number; 0 is the beginning's.
func numberPosition(kind listKind, cursor string) (int64, error) {
	at, err := position(kind, cursor)
	switch {
	case err != nil || at == nil:
		return 0, err
	case len(at) != 8 || at[0] > 0x7f:
		return 0, malformedCursor()
	}
	return int64(binary.BigEndian.Uint64(at)), nil
}

// numbered is a position that is a number.
func numbered(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
