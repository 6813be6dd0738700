package bolt

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"unicode/utf8"
)

// handRead is a row that is read so often, for each issuance, that it reads its
// own fields: by reflection that takes five times as long.
type handRead interface{ read(r *rowReader) }

// rowReader reads the CBOR (RFC 8949) of a row. It takes what encodeRow writes,
// the deterministic encoding of section 4.2.1 without tags and floats, plus
// fields that this program does not know. After the first fault it reads nothing
// more: values are zero, and end tells.
type rowReader struct {
	rest  []byte
	depth int
	bad   bool
}

// CBOR's major types (RFC 8949, section 3.1).
const (
	cborUnsigned byte = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

const (
	maxRowItems = 1024 // of an array or map
	maxRowDepth = 8
	cborFalse   = 20
	cborTrue    = 21
)

var errMalformedRow = errors.New("malformed CBOR")

// end tells whether everything was read and nothing was wrong.
func (r *rowReader) end() error {
	if r.bad || len(r.rest) > 0 {
		return errMalformedRow
	}
	return nil
}

func (r *rowReader) fail() { r.bad, r.rest = true, nil }

// head reads an item's head: its major type and argument.
func (r *rowReader) head() (major byte, argument uint64) {
	if len(r.rest) == 0 {
		r.fail()
		return 0, 0
	}
	first := r.rest[0]
	r.rest = r.rest[1:]
	major, short := first>>5, first&31
	if short < 24 {
		return major, uint64(short)
	}
	size := 1 << (short - 24)
	if short > 27 || len(r.rest) < size { // 28 and more: reserved, or of indefinite length
		r.fail()
		return 0, 0
	}
	var wide [8]byte
	copy(wide[8-size:], r.rest[:size])
	r.rest = r.rest[size:]
	return major, binary.BigEndian.Uint64(wide[:])
}

// expect reads the head of an item of one major type.
func (r *rowReader) expect(want byte) uint64 {
	major, argument := r.head()
	if major != want {
		r.fail()
		return 0
	}
	return argument
}

// fields goes through a map's keys; the loop reads or skips the value of each.
// Keys ascend, so that none comes twice.
func (r *rowReader) fields() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		n := r.count(cborMap)
		var last uint64
		for i := range n {
			key := r.expect(cborUnsigned)
			if r.bad || i > 0 && key <= last || !yield(key) {
				r.fail()
				break
			}
			last = key
		}
		r.depth--
	}
}

// count enters an array or map; whoever calls it leaves by lowering depth.
func (r *rowReader) count(major byte) int {
	n := r.expect(major)
	if r.depth++; r.depth > maxRowDepth || n > maxRowItems {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *rowReader) octets(major byte) []byte {
	n := r.expect(major)
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	value := r.rest[:n]
	r.rest = r.rest[n:]
	return value
}

func (r *rowReader) text() string {
	value := r.octets(cborText)
	if !utf8.Valid(value) {
		r.fail()
		return ""
	}
	return string(value)
}

// fill reads a byte string of the length of to.
func (r *rowReader) fill(to []byte) {
	value := r.octets(cborBytes)
	if len(value) != len(to) {
		r.fail()
		return
	}
	copy(to, value)
}

func (r *rowReader) number() uint64 { return r.expect(cborUnsigned) }

func (r *rowReader) integer() int64 {
	major, n := r.head()
	switch {
	case n > math.MaxInt64:
		r.fail()
	case major == cborUnsigned:
		return int64(n)
	case major == cborNegative:
		return -1 - int64(n)
	default:
		r.fail()
	}
	return 0
}

func (r *rowReader) stamp() stamp { return stamp(r.integer()) }

func (r *rowReader) flag() bool {
	value := r.expect(cborSimple)
	if value != cborFalse && value != cborTrue {
		r.fail()
	}
	return value == cborTrue
}

// skip reads a value that nobody knows.
func (r *rowReader) skip() {
	major := byte(0)
	if len(r.rest) > 0 {
		major = r.rest[0] >> 5
	}
	switch major {
	case cborBytes:
		r.octets(cborBytes)
	case cborText:
		r.text()
	case cborArray:
		for range r.count(cborArray) {
			r.skip()
		}
		r.depth--
	case cborMap:
		for range r.fields() {
			r.skip()
		}
	case cborTag:
		r.fail()
	default:
		r.head()
	}
}
