package enroll

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// How records of the log are put together in files: by whole blocks, the subtrees
// of height 8 of which the log keeps the roots.
const (
	recordBlock = 256
	recordsMost = 16 * recordBlock
	// recordsBytes ends a file of long records early.
	recordsBytes = 32 << 20
	// recordsStep is how many leave the store in one transaction.
	recordsStep = 2 * recordBlock
)

// records moves the oldest records of the log, never those of its last block,
// which the next ones are hashed with.
func (m *mover) records(ctx context.Context) error {
	for {
		last, err := m.s.lastSegment(ctx, RecordSegments)
		if err != nil {
			return err
		}
		if last != nil {
			if err := m.dropRecords(ctx, last); err != nil {
				return err
			}
		}
		items, err := m.oldRecords(ctx, last.end())
		if err != nil || len(items) == 0 {
			return err
		}
		if err := m.put(ctx, RecordSegments, last, items); err != nil {
			return err
		}
	}
}

// end returns the index of the first record after a segment; 0 for nil.
func (s *Segment) end() uint64 {
	if s == nil || len(s.Last) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(s.Last) + 1
}

func recordKey(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// oldRecords returns the records from an index on that are due, as items for a
// file; none while they do not fill one.
func (m *mover) oldRecords(ctx context.Context, from uint64) ([]Item, error) {
	due, err := m.recordsDue(ctx, from+m.recordsMost)
	if err != nil || !due {
		return nil, err
	}
	var items []Item
	for size := 0; uint64(len(items)) < m.recordsMost && size < recordsBytes; {
		block, err := m.block(ctx, from+uint64(len(items)))
		if err != nil {
			return nil, err
		}
		for _, item := range block {
			size += len(item.Value)
		}
		items = append(items, block...)
	}
	return items, nil
}

// recordsDue reports whether the record before the index end is old enough to
// leave, and more than its block follow it.
func (m *mover) recordsDue(ctx context.Context, end uint64) (due bool, err error) {
	err = m.s.store.View(ctx, func(r Reader) error {
		due = false
		size, err := r.TreeSize()
		if err != nil || end >= size {
			return err
		}
		newest, err := r.Records(RecordFilter{From: end - 1, Page: Page{Limit: 1}})
		if err != nil || len(newest.Items) == 0 {
			return err
		}
		var head struct {
			Time time.Time `json:"time"`
		}
		if err := json.Unmarshal(newest.Items[0].Data, &head); err != nil {
			return fmt.Errorf("record %d: %w", end-1, err)
		}
		due = head.Time.Before(m.s.clock.look().Earliest.Add(-m.s.live().retention.Records))
		return nil
	})
	return due, err
}

// block returns the block of records that begins at an index, as items.
func (m *mover) block(ctx context.Context, from uint64) (items []Item, err error) {
	err = m.s.store.View(ctx, func(r Reader) error {
		items = nil
		found, err := r.Records(RecordFilter{From: from, Page: Page{Limit: recordBlock}})
		if err != nil {
			return err
		}
		indexes := make([]int64, len(found.Items))
		for i, record := range found.Items {
			indexes[i] = tlog.StoredHashIndex(0, int64(record.Index))
		}
		hashes, err := r.Hashes().ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, record := range found.Items {
			if record.Index != from+uint64(i) {
				break
			}
			items = append(items, Item{Key: recordKey(record.Index), Value: encodeRecord(record.Data, hashes[i])})
		}
		if len(items) != recordBlock {
			return fmt.Errorf("the store does not have the records from %d to %d, and the archive ends before them", from, from+recordBlock-1)
		}
		return nil
	})
	return items, err
}

// dropRecords drops what stands in the archive up to its last file, once it was
// read back from there.
func (m *mover) dropRecords(ctx context.Context, last *Segment) error {
	from, err := m.s.firstRecord(ctx)
	if err != nil {
		return err
	}
	for end := last.end(); from < end; {
		until := min(from+recordsStep, end)
		for block := from; block < until; block += recordBlock {
			if err := m.compareBlock(ctx, block); err != nil {
				return err
			}
		}
		if err := m.update(ctx, func(tx Tx) error { return tx.DropRecords(until) }); err != nil {
			return err
		}
		m.moved.records += int(until - from)
		from = until
	}
	return nil
}

// firstRecord returns the index of the first record in the store.
func (s *Service) firstRecord(ctx context.Context) (first uint64, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		found, err := r.Records(RecordFilter{Page: Page{Limit: 1}})
		if err == nil && len(found.Items) > 0 {
			first = found.Items[0].Index
		}
		return err
	})
	return first, err
}

// compareBlock compares a block in the store with the archive.
func (m *mover) compareBlock(ctx context.Context, from uint64) error {
	stored, err := m.block(ctx, from)
	if err != nil {
		return err
	}
	var in Segment
	err = m.s.store.View(ctx, func(r Reader) (err error) {
		in, err = segmentOf(r, RecordSegments, recordKey(from))
		return err
	})
	if err != nil {
		return err
	}
	archived, err := m.s.archivedRecords(ctx, in, from, recordBlock)
	if err != nil {
		return err
	}
	for i := range stored {
		if i >= len(archived) || !bytes.Equal(stored[i].Value, archived[i].Value) {
			return fmt.Errorf("record %d in the store is not what the archive holds of it: one of them was changed; both are kept", from+uint64(i))
		}
	}
	return nil
}
