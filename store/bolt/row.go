package bolt

import (
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Rows are maps from small numbers, which are never used again for another
// field: an older program skips what it does not know.

// stamp is a time in microseconds since the year 1, so that the zero time is 0.
type stamp int64

const yearOne = 62_135_596_800_000_000 // microseconds from the year 1 to 1970

func stampOf(t time.Time) stamp { return stamp(t.UnixMicro() + yearOne) }

func (s stamp) time() time.Time { return time.UnixMicro(int64(s) - yearOne).UTC() }

//nolint:gochecknoglobals // they are constants in all but syntax: never changed, and safe for concurrent use
var (
	rowEncoding = must(cbor.CoreDetEncOptions().EncMode())
	rowDecoding = must(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  8,
		MaxArrayElements: 1024,
		MaxMapPairs:      1024,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

func encodeRow(row any) ([]byte, error) { return rowEncoding.Marshal(row) }

// decodeRow reads a row; what is damaged is named by its tree and key.
func decodeRow[R any](t tree, key, data []byte) (R, error) {
	var row R
	if err := unmarshalRow(data, &row); err != nil {
		return row, fmt.Errorf("the row %x of the tree %s is damaged; restore the store from a backup: %w", key, t.name(), err)
	}
	return row, nil
}

func unmarshalRow(data []byte, row any) error {
	by, ok := row.(handRead)
	if !ok {
		return rowDecoding.Unmarshal(data, row)
	}
	r := rowReader{rest: data}
	by.read(&r)
	return r.end()
}
