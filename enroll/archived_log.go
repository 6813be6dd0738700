package enroll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/enroll/audit"
)

// oldLinesChunk is how many records are read from the archive at a time.
const oldLinesChunk = 64

// oldLines is where lines of the log are that have left the store, and the right
// edge of the log's tree where their first block begins: of what lies before it
// the store has kept every hash that the edge needs.
type oldLines struct {
	in   Segment
	edge audit.Frontier
}

// locateLines finds where the record from is in the archive; nil for a log that
// ends before it.
func locateLines(r Reader, from uint64) (*oldLines, error) {
	size, err := r.TreeSize()
	if err != nil || from >= size {
		return nil, err
	}
	in, err := segmentOf(r, RecordSegments, recordKey(from))
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("record %d is neither in the store nor in the archive", from)
	}
	if err != nil {
		return nil, err
	}
	edge, err := audit.FrontierAt(from-from%recordBlock, r.Hashes())
	return &oldLines{in: in, edge: edge}, err
}

// readOldLines makes up to limit lines from one file of the archive, by the hashes
// that were stored when the records were written, as linesOf does.
func (s *Service) readOldLines(ctx context.Context, old *oldLines, from uint64, limit int) ([][]byte, error) {
	var lines [][]byte
	tree := old.edge
	for size := 0; len(lines) < limit && size < auditPart && tree.Size() < old.in.end(); {
		before := int(max(from, tree.Size()) - tree.Size())
		items, err := s.archivedRecords(ctx, old.in, tree.Size(), before+min(limit-len(lines), oldLinesChunk))
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			leaf, hash, err := DecodeRecord(item.Value)
			if err != nil {
				return nil, fmt.Errorf("archive file %s, record %d: %w", old.in.Name, tree.Size(), err)
			}
			index := tree.Size()
			if tree.AddHash(nil, hash); index < from {
				continue
			}
			line := audit.Line(leaf, tree.Root())
			lines, size = append(lines, line), size+len(line)
		}
	}
	return lines, nil
}

// archivedRecords returns up to limit records from an index on, at least one, from
// one file of the archive.
func (s *Service) archivedRecords(ctx context.Context, in Segment, from uint64, limit int) ([]Item, error) {
	if s.live().retention.Archive == nil {
		return nil, fmt.Errorf("record %d: %w", from, errNoArchive)
	}
	items, err := s.live().retention.Archive.Read(ctx, in, recordKey(from), limit)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		if !slices.Equal(item.Key, recordKey(from+uint64(i))) {
			items = items[:i]
			break
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("archive file %s does not have record %d", in.Name, from)
	}
	return items, nil
}
