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
	err := s.store.View(ctx, func(r Reader) error {
		found, err := r.Records(RecordFilter{Page: page})
		if err != nil || len(found.Items) == 0 {
			return err
		}
		list = List[[]byte]{Next: found.Next}
		frontier, err := audit.FrontierAt(found.Items[0].Index, r.Hashes())
		if err != nil {
			return err
		}
		for _, record := range found.Items {
			frontier.Add(nil, record.Data)
			list.Items = append(list.Items, audit.Line(record.Data, frontier.Root()))
		}
		return nil
	})
	return list, cursorFault(err)
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
