package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What this package reads of a file by itself: bbolt maps files into memory and
// believes them, so that one that is damaged can end the program. The layout is
// that of go.etcd.io/bbolt/internal/common, meta.go and page.go; numbers are in
// the machine's order of octets.
const (
	magic       = 0xED0CDAED
	fileVersion = 2
	metaSize    = 64
	metaSummed  = 56 // octets of it that its checksum is over

	pageHeader  = 16
	minPageSize = 1 << 10
	maxPageSize = 1 << 24

	noFreelist = 1<<64 - 1 // the number of no page
)

// metaPage is one of a file's first two pages, which say where everything is.
// They are written in turns: one of them is whole whenever a program was killed.
type metaPage struct {
	pageSize int64
	root     uint64 // page of the tree of trees
	freelist uint64
	end      uint64 // the first page number that is not in use any more
	tx       uint64 // the transaction that wrote it
}

// errNoMeta means that neither of the first two pages is one of bbolt.
var errNoMeta = errors.New("not a store of Touchmark, or its beginning is damaged")

// newestMeta returns what the last transaction wrote, or errNoMeta.
func newestMeta(file io.ReaderAt) (metaPage, error) {
	first, found := readMeta(file, 0)
	if found {
		second, found := readMeta(file, first.pageSize)
		switch {
		case !found || second.tx <= first.tx:
			return first, nil
		case second.pageSize == first.pageSize:
			return second, nil
		}
		return metaPage{}, errNoMeta
	}
	for size := int64(minPageSize); size <= maxPageSize; size *= 2 {
		if second, ok := readMeta(file, size); ok && second.pageSize == size {
			return second, nil
		}
	}
	return metaPage{}, errNoMeta
}

// readMeta reads the meta page that begins at an offset, and whether it is one.
func readMeta(file io.ReaderAt, offset int64) (metaPage, bool) {
	var b [metaSize]byte
	if _, err := file.ReadAt(b[:], offset+pageHeader); err != nil {
		return metaPage{}, false
	}
	order := binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSummed])
	size := int64(order.Uint32(b[8:]))
	switch {
	case order.Uint32(b[0:]) != magic, order.Uint32(b[4:]) != fileVersion, order.Uint64(b[metaSummed:]) != sum.Sum64():
		return metaPage{}, false
	case size < minPageSize || size > maxPageSize || size&(size-1) != 0:
		return metaPage{}, false
	}
	return metaPage{
		pageSize: size, root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), end: order.Uint64(b[40:]), tx: order.Uint64(b[48:]),
	}, true
}

// checkBeginning finds out a file that is none of bbolt, or ends before its last
// page.
func checkBeginning(file *os.File) error {
	meta, err := newestMeta(file)
	if err != nil {
		return err
	}
	return meta.within(file)
}

// within checks that the file is as long as its pages. It only grows while
// another process has it, so it is safe to look at any time.
func (m metaPage) within(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if has := uint64(info.Size() / m.pageSize); has < m.end {
		return fmt.Errorf("cut short: it has %d of its %d pages", has, m.end)
	}
	return nil
}
