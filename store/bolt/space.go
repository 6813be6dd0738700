package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// worthCompacting is the least free room, in octets, that is worth a copy of the
// rest.
const worthCompacting = 64 << 20

// WorthCompacting reports whether more than half of the file, and at least
// 64 MiB of it, is room that deleted rows left. That room is used again as the
// store grows; Compact gives it back.
func (s *Store) WorthCompacting() (bool, error) {
	size, free, err := s.Space()
	return free >= worthCompacting && free > size/2, err
}

// Space returns the size of the file and how much of it is free, in octets.
func (s *Store) Space() (size, free int64, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.queue.ended(); err != nil {
		return 0, 0, err
	}
	file, err := os.Open(s.path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	if size, free, err = spaceOf(file); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", s.path, err)
	}
	return size, free, nil
}

// spaceOf reads the number of pages and of free ones of a file that nobody writes
// at the time.
func spaceOf(file *os.File) (size, free int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	meta, err := newestMeta(file)
	if err != nil {
		return 0, 0, err
	}
	n, err := freePages(file, meta)
	if err != nil {
		return 0, 0, err
	}
	unused := info.Size() - int64(meta.end)*meta.pageSize // grown ahead of its pages
	return info.Size(), int64(n)*meta.pageSize + max(unused, 0), nil
}

// freePages reads how many pages the list of free pages has.
func freePages(file io.ReaderAt, meta metaPage) (uint64, error) {
	if meta.freelist >= meta.end {
		return 0, errors.New("it has no list of free pages")
	}
	var head [pageHeader + 8]byte
	if _, err := file.ReadAt(head[:], int64(meta.freelist)*meta.pageSize); err != nil {
		return 0, err
	}
	p := page{head: head[:]}
	p.readHeader()
	switch {
	case p.kind != freelistPage:
		return 0, fmt.Errorf("page %d is no list of free pages", meta.freelist)
	case p.count == longCount:
		return binary.NativeEndian.Uint64(head[pageHeader:]), nil
	default:
		return uint64(p.count), nil
	}
}
