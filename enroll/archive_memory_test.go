package enroll_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/touchmark/touchmark/enroll"
)

// memoryArchive is an enroll.Archive without files, for tests that need many.
type memoryArchive struct {
	mu    sync.Mutex // guards files
	files map[string][]enroll.Item
}

func newMemoryArchive() *memoryArchive { return &memoryArchive{files: map[string][]enroll.Item{}} }

func (a *memoryArchive) Put(_ context.Context, kind enroll.SegmentKind, items []enroll.Item) (enroll.Segment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := enroll.Segment{Kind: kind, First: items[0].Key, Last: items[len(items)-1].Key, Items: uint64(len(items))}
	s.Digest = sha256.Sum256(fmt.Appendf(nil, "%x", items))
	s.Name = fmt.Sprintf("%s/%x-%x", kind, s.First, s.Digest)
	a.files[s.Name] = slices.Clone(items)
	return s, nil
}

func (a *memoryArchive) Get(ctx context.Context, s enroll.Segment, key []byte) ([]byte, error) {
	found, err := a.Read(ctx, s, key, 1)
	if err == nil && (len(found) == 0 || !bytes.Equal(found[0].Key, key)) {
		err = enroll.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0].Value, nil
}

func (a *memoryArchive) Read(_ context.Context, s enroll.Segment, from []byte, limit int) ([]enroll.Item, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	items, ok := a.files[s.Name]
	if !ok {
		return nil, fmt.Errorf("there is no file %s", s.Name)
	}
	begin, _ := slices.BinarySearchFunc(items, from, func(item enroll.Item, key []byte) int { return bytes.Compare(item.Key, key) })
	return slices.Clone(items[begin:min(len(items), begin+limit)]), nil
}
