package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// Bounds, in bytes. A store refuses an event whose leaf would be longer than
// MaxLeaf, so that every export can be verified.
const (
	MaxLeaf = 1 << 20
	MaxLine = MaxLeaf + len(rootOpen) + rootText + len(rootClose)
)

// The members that are spliced in, as they stand in the bytes.
const (
	indexOpen = `{"index":`
	rootOpen  = `,"root":"`
	rootClose = `"}`
	rootText  = 44 // base64 of 32 octets
)

// ErrLine is wrapped by what ParseLine returns for a line that no export holds.
var ErrLine = errors.New("not a record of an export")

// Leaf returns the leaf of the tree for an event, a JSON object: the event with
// its index as first member.
func Leaf(index uint64, event []byte) []byte {
	leaf := make([]byte, 0, len(indexOpen)+20+len(event))
	leaf = append(leaf, indexOpen...)
	leaf = strconv.AppendUint(leaf, index, 10)
	members := event[1:]
	if members[0] != '}' {
		leaf = append(leaf, ',')
	}
	return append(leaf, members...)
}

// Line returns the line of an export for a leaf, without a newline: the leaf
// with the root of the tree that ends with it as last member.
func Line(leaf []byte, root tlog.Hash) []byte {
	line := make([]byte, 0, len(leaf)+len(rootOpen)+rootText+len(rootClose))
	line = append(line, leaf[:len(leaf)-1]...)
	line = append(line, rootOpen...)
	line = base64.StdEncoding.AppendEncode(line, root[:])
	return append(line, rootClose...)
}

// HasRoot reports whether a record ends as the lines of an export do, and those of
// other lists do not.
func HasRoot(line []byte) bool {
	at := len(line) - len(rootOpen) - rootText - len(rootClose)
	return at > 0 && bytes.HasPrefix(line[at:], []byte(rootOpen)) && bytes.HasSuffix(line, []byte(rootClose))
}

// Entry is one line of an export.
type Entry struct {
	Index uint64    // what the record says that its place is
	Leaf  []byte    // byte for byte as it was hashed
	Root  tlog.Hash // what the line says that the tree's root is after it
}

// ParseLine takes a line, without its newline, apart. Line puts it together
// again byte for byte. Every other line is an error that wraps ErrLine.
func ParseLine(line []byte) (Entry, error) {
	if len(line) > MaxLine {
		return Entry{}, fmt.Errorf("%w: longer than %d bytes", ErrLine, MaxLine)
	}
	cut := len(line) - len(rootClose) - rootText - len(rootOpen)
	if cut < 0 || !bytes.HasPrefix(line[cut:], []byte(rootOpen)) || !bytes.HasSuffix(line, []byte(rootClose)) {
		return Entry{}, fmt.Errorf(`%w: no "root" as last member`, ErrLine)
	}
	var e Entry
	text := line[cut+len(rootOpen) : len(line)-len(rootClose)]
	if n, err := base64.StdEncoding.Strict().Decode(make([]byte, rootText), text); err != nil || n != tlog.HashSize || bytes.ContainsAny(text, "\r\n") {
		return Entry{}, fmt.Errorf(`%w: its "root" is not the base64 of %d octets`, ErrLine, tlog.HashSize)
	}
	e.Root, _ = tlog.ParseHash(string(text))
	e.Leaf = append(bytes.Clone(line[:cut]), '}')
	var err error
	if e.Index, err = leafIndex(e.Leaf); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// leafIndex checks that leaf is a JSON object whose first member is its index.
func leafIndex(leaf []byte) (uint64, error) {
	digits, found := bytes.CutPrefix(leaf, []byte(indexOpen))
	end := bytes.IndexAny(digits, ",}")
	if !found || end < 0 {
		return 0, fmt.Errorf(`%w: no "index" as first member`, ErrLine)
	}
	index, err := strconv.ParseUint(string(digits[:end]), 10, 63)
	if err != nil || strconv.FormatUint(index, 10) != string(digits[:end]) {
		return 0, fmt.Errorf(`%w: its "index" is not a count`, ErrLine)
	}
	if !json.Valid(leaf) {
		return 0, fmt.Errorf("%w: not a JSON object", ErrLine)
	}
	return index, nil
}
