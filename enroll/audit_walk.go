package enroll

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

const (
	// auditSlack is how far the clocks of nodes may be apart: a record may stand so
	// much behind one that is told to be younger.
	auditSlack = 10 * time.Minute
	// auditLooked bounds how many records are looked at for one part of a list.
	auditLooked = 10_000
	// auditStep is how many are looked at in one transaction.
	auditStep = 500
)

// recordCursor begins the cursors of lists of records; the index of the next one
// follows.
const recordCursor = "records."

// walkAudit makes one part of a list of records.
func (s *Service) walkAudit(ctx context.Context, p identity.Principal, f *auditFilter, page Page) (list List[[]byte], err error) {
	next, err := s.beginAudit(ctx, f, page.After)
	if err != nil {
		return list, err
	}
	limit := pageLimit(page)
	for looked, size := 0, 0; looked < auditLooked; {
		records, end, err := s.recordsFrom(ctx, f.device, next)
		if err != nil {
			return list, err
		}
		picked, late, err := s.selectRecords(ctx, p, f, records)
		if err != nil {
			return list, err
		}
		for i, record := range records {
			if len(list.Items) == limit || size >= auditPart {
				list.Next = recordCursor + strconv.FormatUint(record.Index, 10)
				return list, nil
			}
			if picked[i] {
				list.Items = append(list.Items, record.Data)
				size += len(record.Data)
			}
		}
		if end == 0 || late {
			return list, nil
		}
		looked, next = looked+len(records), end
	}
	list.Next = recordCursor + strconv.FormatUint(next, 10)
	return list, nil
}

// beginAudit returns where a part of a list of records begins.
func (s *Service) beginAudit(ctx context.Context, f *auditFilter, after string) (uint64, error) {
	if after != "" {
		digits, ours := strings.CutPrefix(after, recordCursor)
		index, err := strconv.ParseUint(digits, 10, 63)
		if !ours || err != nil || strconv.FormatUint(index, 10) != digits {
			return 0, ErrCursor
		}
		return index, nil
	}
	from := f.from
	if f.created.After(from) { // nothing was told of the device before
		from = f.created
	}
	if from.IsZero() {
		return 0, nil
	}
	return s.firstRecordAt(ctx, from)
}

// recordsFrom returns some of the records from an index on, of the store or of the
// archive, and the index of what follows them; 0 for nothing. Of a device those in
// the store are found by its story.
func (s *Service) recordsFrom(ctx context.Context, device identity.DeviceID, from uint64) (records []Record, next uint64, err error) {
	var in *Segment
	err = s.store.View(ctx, func(r Reader) (err error) {
		records, next, in = nil, 0, nil
		size, err := r.TreeSize()
		if err != nil || from >= size {
			return err
		}
		hot, err := r.Records(RecordFilter{From: from, Page: Page{Limit: 1}})
		if err != nil {
			return err
		}
		if len(hot.Items) == 0 || hot.Items[0].Index != from {
			segment, err := segmentOf(r, RecordSegments, recordKey(from))
			if err != nil {
				return fmt.Errorf("record %d is neither in the store nor in the archive: %w", from, err)
			}
			in = &segment
			return nil
		}
		found, err := r.Records(RecordFilter{Device: device, From: from, Page: Page{Limit: auditStep}})
		if records = found.Items; len(records) > 0 && found.Next != "" {
			next = records[len(records)-1].Index + 1
		}
		return err
	})
	if err != nil || in == nil {
		return records, next, err
	}
	records, err = s.archivedPart(ctx, *in, from, recordBlock)
	return records, from + uint64(len(records)), err
}

// archivedPart returns up to limit records from an index on, at least one, of one
// file of the archive.
func (s *Service) archivedPart(ctx context.Context, in Segment, from uint64, limit int) ([]Record, error) {
	items, err := s.archivedRecords(ctx, in, from, limit)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(items))
	for i, item := range items {
		leaf, _, err := DecodeRecord(item.Value)
		if err != nil {
			return nil, fmt.Errorf("archive file %s, record %d: %w", in.Name, from+uint64(i), err)
		}
		records[i] = Record{Index: from + uint64(i), Data: leaf}
	}
	return records, nil
}

// firstRecordAt returns an index before which no record is of a time or later, as
// near to the first that is as the disorder of the log allows. It reads one record
// for each doubling of the log's length.
func (s *Service) firstRecordAt(ctx context.Context, from time.Time) (uint64, error) {
	early := from.Add(-auditSlack)
	var low, high uint64
	err := s.store.View(ctx, func(r Reader) (err error) {
		high, err = r.TreeSize()
		return err
	})
	for err == nil && low < high {
		middle := low + (high-low)/2
		var at time.Time
		if at, err = s.recordTime(ctx, middle); at.Before(early) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, err
}

// recordTime returns when the record at an index was written.
func (s *Service) recordTime(ctx context.Context, index uint64) (time.Time, error) {
	var found List[Record]
	var in Segment
	err := s.store.View(ctx, func(r Reader) (err error) {
		found, err = r.Records(RecordFilter{From: index, Page: Page{Limit: 1}})
		if err == nil && (len(found.Items) == 0 || found.Items[0].Index != index) {
			found.Items = nil
			in, err = segmentOf(r, RecordSegments, recordKey(index))
		}
		return err
	})
	if err == nil && len(found.Items) == 0 {
		found.Items, err = s.archivedPart(ctx, in, index, 1)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("record %d: %w", index, err)
	}
	head, err := headOf(found.Items[0])
	return head.Time, err
}

// tooLate reports whether what follows a record in the log is all past the time that
// is asked for.
func (f *auditFilter) tooLate(head *recordHead) bool {
	return !f.to.IsZero() && !head.Time.Before(f.to.Add(auditSlack))
}
