package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Kinds of pages.
const (
	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
)

const (
	elementSize  = 16      // of an element of a branch or a leaf
	bucketHeader = 16      // of a tree that stands in another as a value
	bucketFlag   = 1       // of the element that such a value belongs to
	maxDepth     = 64      // of nested pages; a tree of any size has far fewer
	maxHead      = 1 << 20 // octets of a page that are read at once
	longCount    = 0xFFFF  // elements of a list of free pages: it begins with their number
)

// pageWalk looks at every page of a file: that it is whole, that its keys are in
// order, and that it is used exactly once or free. It holds one page of each
// level of a tree and a bit for each page of the file, and believes no number, so
// that no file can do harm.
type pageWalk struct {
	file  io.ReaderAt
	meta  metaPage
	used  []uint64 // a bit for each page that was met
	met   uint64   // how many there are
	heads [maxDepth][]byte
}

// checkPages walks the pages of a file.
func checkPages(file *os.File) error {
	meta, err := newestMeta(file)
	if err == nil {
		err = meta.within(file)
	}
	if err != nil {
		return err
	}
	w := &pageWalk{file: file, meta: meta, used: make([]uint64, meta.end/64+1)}
	if err := w.take(0, 2); err != nil { // the meta pages
		return err
	}
	if err := w.tree(meta.root, 0, nil, nil); err != nil {
		return err
	}
	if meta.freelist == noFreelist {
		return nil
	}
	if err := w.free(meta.freelist); err != nil {
		return err
	}
	if w.met != meta.end {
		return fmt.Errorf("%d of its pages are neither in use nor free", meta.end-w.met)
	}
	return nil
}

// take notes that n pages from id on are met, for the first time.
func (w *pageWalk) take(id, n uint64) error {
	if id >= w.meta.end || n > w.meta.end-id {
		return fmt.Errorf("page %d, of %d, lies beyond its %d pages", id, n, w.meta.end)
	}
	for ; n > 0; id, n = id+1, n-1 {
		bit := uint64(1) << (id % 64)
		if w.used[id/64]&bit != 0 {
			return fmt.Errorf("page %d is used twice", id)
		}
		w.used[id/64] |= bit
		w.met++
	}
	return nil
}

// tree walks the tree below a page, whose keys are at least from and below to;
// nil is no bound.
func (w *pageWalk) tree(id uint64, depth int, from, to []byte) error {
	if depth == maxDepth {
		return fmt.Errorf("page %d: more than %d levels", id, maxDepth)
	}
	p, err := w.open(id, depth)
	if err == nil {
		err = w.elements(&p, depth, from, to)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// open reads a page that follows from another.
func (w *pageWalk) open(id uint64, depth int) (page, error) {
	var head [pageHeader]byte
	if id >= w.meta.end {
		return page{}, fmt.Errorf("it lies beyond its %d pages", w.meta.end)
	}
	offset := int64(id) * w.meta.pageSize
	if _, err := w.file.ReadAt(head[:], offset); err != nil {
		return page{}, err
	}
	if found := binary.NativeEndian.Uint64(head[:]); found != id {
		return page{}, fmt.Errorf("it says that it is page %d", found)
	}
	n := uint64(binary.NativeEndian.Uint32(head[12:])) + 1
	if err := w.take(id, n); err != nil {
		return page{}, err
	}
	p := page{file: w.file, offset: offset, size: n * uint64(w.meta.pageSize)}
	length := int(min(p.size, maxHead))
	if cap(w.heads[depth]) < length {
		w.heads[depth] = make([]byte, length)
	}
	p.head = w.heads[depth][:length]
	_, err := w.file.ReadAt(p.head, offset)
	p.readHeader()
	return p, err
}

// elements walks the elements of a branch or a leaf.
func (w *pageWalk) elements(p *page, depth int, from, to []byte) error {
	if p.kind != leafPage && (p.kind != branchPage || p.count == 0) {
		return fmt.Errorf("it is of kind %#x with %d elements, and should be part of a tree", p.kind, p.count)
	}
	for i := range p.count {
		e, err := p.element(i)
		if err != nil {
			return err
		}
		if order := bytes.Compare(e.key, from); from != nil && (order < 0 || order == 0 && i > 0) || to != nil && bytes.Compare(e.key, to) >= 0 {
			return fmt.Errorf("key %d is out of order", i)
		}
		from = e.key
		switch {
		case p.kind == branchPage:
			end := to
			if i+1 < p.count {
				next, err := p.element(i + 1)
				if err != nil {
					return err
				}
				end = next.key
			}
			err = w.tree(e.child, depth+1, e.key, end)
		case e.flags == bucketFlag:
			err = w.bucket(p, e, depth)
		case e.flags != 0:
			err = fmt.Errorf("element %d has the flags %#x", i, e.flags)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket walks a tree that stands in another: its root is a page, or, for a small
// one, stands in the value.
func (w *pageWalk) bucket(p *page, e element, depth int) error {
	if e.length < bucketHeader || e.length > uint64(w.meta.pageSize) || depth+1 == maxDepth {
		return errors.New("a tree within it is none")
	}
	value, err := p.read(e.value, e.length)
	if err != nil {
		return err
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return w.tree(root, depth+1, nil, nil)
	}
	small := page{head: value[bucketHeader:], size: e.length - bucketHeader}
	if small.size < pageHeader {
		return errors.New("a tree within it is cut short")
	}
	small.readHeader()
	return w.elements(&small, depth+1, nil, nil)
}

// free walks the list of free pages.
func (w *pageWalk) free(id uint64) error {
	p, err := w.open(id, 0)
	switch {
	case err != nil:
		return fmt.Errorf("page %d: %w", id, err)
	case p.kind != freelistPage:
		return fmt.Errorf("page %d is of kind %#x, and should list the free pages", id, p.kind)
	}
	at, n := uint64(pageHeader), uint64(p.count)
	if p.count == longCount {
		long, err := p.read(at, 8)
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		at, n = at+8, binary.NativeEndian.Uint64(long)
	}
	if n > (p.size-at)/8 {
		return fmt.Errorf("page %d lists %d free pages, and has no room for them", id, n)
	}
	for ; n > 0; at, n = at+8, n-1 {
		listed, err := p.read(at, 8)
		if err == nil {
			err = w.take(binary.NativeEndian.Uint64(listed), 1)
		}
		if err != nil {
			return fmt.Errorf("page %d, a list of free pages: %w", id, err)
		}
	}
	return nil
}
