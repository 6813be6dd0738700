package enroll

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// AuditLines returns a part of the audit log, oldest first, each record as one
// line of an export: the record's own bytes with the log's root after it.
func (s *Service) AuditLines(ctx context.Context, p identity.Principal, page Page) (List[[]byte], error) {
	if !p.May(identity.AuditRead, identity.RootFleet) {
		return List[[]byte]{}, s.deny(ctx, p, identity.AuditRead)
	}
	var list List[[]byte]
	err := s.store.View(ctx, func(r Reader) (err error) {
		list, err = readLines(r, page)
		return err
	})
	return list, cursorFault(err)
}

// Bounds of a part of the log: it ends soon after auditPart bytes, and is read a
// few records at a time.
const (
	auditPart  = 1 << 20
	auditChunk = 10
)

// readLines reads a part of the log.
func readLines(r Reader, page Page) (list List[[]byte], err error) {
	wanted, size := page.Limit, 0
	if wanted < 1 || wanted > MaxPage {
		wanted = DefaultPage
	}
	for wanted > 0 && size < auditPart {
		found, err := r.Records(RecordFilter{Page: Page{After: page.After, Limit: min(wanted, auditChunk)}})
		if err != nil {
			return list, err
		}
		lines, err := linesOf(r, found.Items)
		if err != nil {
			return list, err
		}
		for _, line := range lines {
			size += len(line)
		}
		list.Items, list.Next = append(list.Items, lines...), found.Next
		wanted -= len(lines)
		if page.After = found.Next; page.After == "" {
			break
		}
	}
	return list, nil
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
	if !p.May(identity.AuditRead, identity.RootFleet) {
		return nil, s.deny(ctx, p, identity.AuditRead)
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
	return audit.SignCheckpoint(s.logSigner.Name(), size, root, s.logSigner)
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
