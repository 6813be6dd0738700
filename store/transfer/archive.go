package transfer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/touchmark/touchmark/enroll"
)

// archived yields the records of the indexes from first to before last that left
// the source, oldest first.
func (c *copier) archived(ctx context.Context, first, last uint64) iter.Seq2[enroll.Record, error] {
	return func(yield func(enroll.Record, error) bool) {
		for segment, err := range segments(enroll.RecordSegments, recordsPart).all(ctx, c.From) {
			if err != nil {
				yield(enroll.Record{}, err)
				return
			}
			if len(segment.Last) != 8 || binary.BigEndian.Uint64(segment.Last) < first {
				continue
			}
			for r, err := range c.inSegment(ctx, segment, first) {
				if err == nil && r.Index >= last {
					return
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// inSegment yields the records of one file of the archive from an index on.
func (c *copier) inSegment(ctx context.Context, s enroll.Segment, from uint64) iter.Seq2[enroll.Record, error] {
	return func(yield func(enroll.Record, error) bool) {
		for {
			items, err := c.Archive.Read(ctx, s, binary.BigEndian.AppendUint64(nil, from), recordsPart)
			if err != nil {
				yield(enroll.Record{}, fmt.Errorf("%w: %s: %w", ErrArchive, s.Name, err))
				return
			}
			for _, item := range items {
				r, err := recordOf(item)
				if err != nil {
					yield(r, fmt.Errorf("%w: %s: %w", ErrArchive, s.Name, err))
					return
				}
				if from = r.Index + 1; !yield(r, nil) {
					return
				}
			}
			if len(items) < recordsPart {
				return
			}
		}
	}
}

// recordOf reads a record as the archive keeps it: with the hash that the log's
// tree has of it.
func recordOf(item enroll.Item) (enroll.Record, error) {
	if len(item.Key) != 8 {
		return enroll.Record{}, errors.New("a key that is no index")
	}
	r := enroll.Record{Index: binary.BigEndian.Uint64(item.Key)}
	leaf, hash, err := enroll.DecodeRecord(item.Value)
	if err != nil {
		return r, fmt.Errorf("record %d: %w", r.Index, err)
	}
	if tlog.RecordHash(leaf) != hash {
		return r, fmt.Errorf("record %d is not the one that was logged", r.Index)
	}
	r.Data = leaf
	return r, nil
}
