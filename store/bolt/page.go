package bolt

import (
	"encoding/binary"
	"fmt"
	"io"
)

// page is a page with those that it overflows into.
type page struct {
	file   io.ReaderAt // nil where head is all of it
	offset int64       // in the file
	size   uint64
	head   []byte // its first octets
	kind   uint16
	count  int // of its elements
}

// readHeader reads what stands at the beginning of head.
func (p *page) readHeader() {
	p.kind = binary.NativeEndian.Uint16(p.head[8:])
	p.count = int(binary.NativeEndian.Uint16(p.head[10:]))
}

// read returns n octets of the page; they are valid as long as head is.
func (p *page) read(from, n uint64) ([]byte, error) {
	if from > p.size || n > p.size-from {
		return nil, fmt.Errorf("octets %d to %d of a page of %d", from, from+n, p.size)
	}
	if from+n <= uint64(len(p.head)) {
		return p.head[from : from+n], nil
	}
	b := make([]byte, n)
	_, err := p.file.ReadAt(b, p.offset+int64(from))
	return b, err
}

// element is a key of a page with what it stands for.
type element struct {
	key    []byte
	child  uint64 // of a branch: the page below
	flags  uint32 // of a leaf, as is its value's place in the page
	value  uint64
	length uint64
}

// element reads the i-th element of a branch or a leaf, without its value, which
// must lie within the page.
func (p *page) element(i int) (element, error) {
	at := uint64(pageHeader + i*elementSize)
	b, err := p.read(at, elementSize)
	if err != nil {
		return element{}, err
	}
	var e element
	var place, size uint64
	order := binary.NativeEndian
	if p.kind == branchPage {
		place, size, e.child = uint64(order.Uint32(b)), uint64(order.Uint32(b[4:])), order.Uint64(b[8:])
	} else {
		e.flags, place, size = order.Uint32(b), uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:]))
		e.value, e.length = at+place+size, uint64(order.Uint32(b[12:]))
	}
	if size == 0 || size > maxKey || e.value > p.size || e.length > p.size-e.value {
		return element{}, fmt.Errorf("element %d of %d and %d octets does not fit", i, size, e.length)
	}
	e.key, err = p.read(at+place, size)
	return e, err
}
