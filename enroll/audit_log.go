package enroll

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// AuditLines returns a part of the audit log, oldest first, each record as one
// line of an export: the record's own bytes with the log's root after it. A part
// that comes from the archive may hold fewer than asked for.
func (s *Service) AuditLines(ctx context.Context, p identity.Principal, page Page) (List[[]byte], error) {
	if err := s.Authorize(ctx, p, identity.AuditRead); err != nil {
		return List[[]byte]{}, err
	}
	from, err := parseLogCursor(page.After)
	if err != nil {
		return List[[]byte]{}, cursorFault(err)
	}
	var lines [][]byte
	var more bool
	var old *oldLines
	err = s.store.View(ctx, func(r Reader) (err error) {
		lines, more, err = readLines(r, from, pageLimit(page))
		if err == nil && len(lines) == 0 {
			old, err = locateLines(r, from)
		}
		return err
	})
	if err == nil && old != nil {
		lines, err = s.readOldLines(ctx, old, from, pageLimit(page))
		more = true // the log's last block is in the store
	}
	if err != nil {
		return List[[]byte]{}, err
	}
	list := List[[]byte]{Items: lines}
	if more {
		list.Next = logCursor + strconv.FormatUint(from+uint64(len(lines)), 10)
	}
	return list, nil
}

// logCursor begins the cursors of the log's parts; the index of the next record
// follows.
const logCursor = "log."

func parseLogCursor(text string) (from uint64, err error) {
	if text == "" {
		return 0, nil
	}
	digits, ours := strings.CutPrefix(text, logCursor)
	from, err = strconv.ParseUint(digits, 10, 63)
	if !ours || err != nil || strconv.FormatUint(from, 10) != digits {
		return 0, ErrCursor
	}
	return from, nil
}

// Bounds of a part of the log: it ends soon after auditPart bytes, and is read a
// few records at a time.
const (
	auditPart  = 1 << 20
	auditChunk = 10
)

// readLines reads a part of the log from the store, and says whether more of it
// follows. There are no lines where the record from is not in the store.
func readLines(r Reader, from uint64, wanted int) (lines [][]byte, more bool, err error) {
	for size := 0; wanted > 0 && size < auditPart; {
		found, err := r.Records(RecordFilter{From: from, Page: Page{Limit: min(wanted, auditChunk)}})
		if err != nil {
			return nil, false, err
		}
		if len(found.Items) > 0 && found.Items[0].Index != from {
			return lines, true, nil
		}
		part, err := linesOf(r, found.Items)
		if err != nil {
			return nil, false, err
		}
		for _, line := range part {
			size += len(line)
		}
		lines, more = append(lines, part...), found.Next != ""
		wanted -= len(part)
		from += uint64(len(part))
		if !more {
			break
		}
	}
	return lines, more, nil
}

// linesOf makes the lines of records that follow each other. The roots are those
// of the hashes that were stored when the records were written, so that a record
// that was changed since does not fit its line.
func linesOf(r Reader, records []Record) ([][]byte, error) {
	if len(records) == 0 {
		return nil, nil
	}
	tree := r.Hashes()
	indexes := make([]int64, len(records))
	for i, record := range records {
		indexes[i] = tlog.StoredHashIndex(0, int64(record.Index))
	}
	leaves, err := tree.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	frontier, err := audit.FrontierAt(records[0].Index, tree)
	if err != nil {
		return nil, err
	}
	lines := make([][]byte, len(records))
	for i, record := range records {
		frontier.AddHash(nil, leaves[i])
		lines[i] = audit.Line(record.Data, frontier.Root())
	}
	return lines, nil
}

// Checkpoint returns the signed checkpoint of the log as the request found it:
// kept elsewhere, it proves later that nothing before it was changed. An event
// that the request itself gave rise to, such as the use of the break-glass token,
// comes after it, so that a checkpoint covers no more than an export taken just
// before.
func (s *Service) Checkpoint(ctx context.Context, p identity.Principal) ([]byte, error) {
	if err := s.Authorize(ctx, p, identity.AuditRead); err != nil {
		return nil, err
	}
	var size uint64
	var root tlog.Hash
	err := s.store.View(ctx, func(r Reader) (err error) {
		if size, err = r.TreeSize(); err != nil {
			return err
		}
		if size, err = before(r, size, RequestID(ctx)); err != nil {
			return err
		}
		root, err = tlog.TreeHash(int64(size), r.Hashes())
		return err
	})
	if err != nil {
		return nil, err
	}
	keys := s.live().logKeys
	signers := make([]note.Signer, len(keys))
	for i, key := range keys {
		signers[i] = key
	}
	return audit.SignCheckpoint(keys[0].Name(), size, root, signers...)
}

// before returns the size of the log without a last record that came of the
// request itself.
func before(r Reader, size uint64, request string) (uint64, error) {
	if size == 0 || request == "" {
		return size, nil
	}
	last, err := r.Records(RecordFilter{From: size - 1, Page: Page{Limit: 1}})
	if err != nil || len(last.Items) == 0 {
		return size, err
	}
	var event Event
	if err := json.Unmarshal(last.Items[0].Data, &event); err != nil {
		return size, fmt.Errorf("record %d: %w", size-1, err)
	}
	if event.Request == request {
		size--
	}
	return size, nil
}
