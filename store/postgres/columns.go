package postgres

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// columns reads the columns of a row one after another, as the server sends them
// in its binary format. NULL reads as nothing. What they hold is only valid until
// the next row; what is returned is a copy.
type columns struct{ raw [][]byte }

func (c *columns) next() []byte {
	value := c.raw[0]
	c.raw = c.raw[1:]
	return value
}

func (c *columns) text() string { return string(c.next()) }

// octets returns nil for nothing and for what is empty.
func (c *columns) octets() []byte {
	value := c.next()
	if len(value) == 0 {
		return nil
	}
	return bytes.Clone(value)
}

// into fills an array, such as a hash, and reports whether there was a value.
func (c *columns) into(array []byte) bool {
	value := c.next()
	copy(array, value)
	return value != nil
}

func (c *columns) bool() bool { value := c.next(); return len(value) == 1 && value[0] == 1 }

// integer reads a smallint, an integer or a bigint.
func (c *columns) integer() int64 {
	switch value := c.next(); len(value) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(value)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(value)))
	case 8:
		return int64(binary.BigEndian.Uint64(value))
	default:
		return 0
	}
}

// epoch2000 is the server's epoch in Unix microseconds.
const epoch2000 = 946_684_800_000_000

func (c *columns) time() time.Time {
	value := c.next()
	if value == nil {
		return time.Time{}
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(value)) + epoch2000).UTC()
}

// texts reads a text[].
func (c *columns) texts() (list []string) {
	c.array(func(element []byte) { list = append(list, string(element)) })
	return list
}

// octetsList reads a bytea[].
func (c *columns) octetsList() (list [][]byte) {
	c.array(func(element []byte) { list = append(list, bytes.Clone(element)) })
	return list
}

// integers reads a bigint[].
func (c *columns) integers() (list []int64) {
	c.array(func(element []byte) {
		element8 := columns{raw: [][]byte{element}}
		list = append(list, element8.integer())
	})
	return list
}

// array reads an array of one dimension: a head of five integers, and each
// element behind its length.
func (c *columns) array(each func(element []byte)) {
	const head = 20
	value := c.next()
	if len(value) < head {
		return // empty
	}
	for value = value[head:]; len(value) >= 4; {
		size := binary.BigEndian.Uint32(value)
		value = value[4:]
		if uint64(size) > uint64(len(value)) {
			return // of NULL, which no column has
		}
		each(value[:size])
		value = value[size:]
	}
}

// timestamp is a time as it is written: NULL for the zero time.
func timestamp(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t.Truncate(time.Microsecond), Valid: !t.IsZero()}
}

// flat is an array that is written: pgx takes the elements of any other slice by
// reflection.
func flat[T any](s []T) pgtype.FlatArray[T] { return s }
