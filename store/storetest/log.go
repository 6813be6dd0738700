package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/tlog"
)

// testLog appends from many goroutines, takes checkpoints meanwhile, and then
// proves that each of them is of the same log.
func testLog(t *testing.T, h Harness) {
	const each = 40
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			for i := range each {
				err := h.Store.Update(context.Background(), func(tx enroll.Tx) error {
					var errs []error
					for n := range i % 4 {
						errs = append(errs, tx.Append(eventAt(serialDevice(g), n)))
					}
					return errors.Join(errs...)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var checkpoints []audit.Checkpoint
	for range 50 {
		checkpoints = append(checkpoints, checkpointOf(t, h.Store))
	}
	wait.Wait()
	checkpoints = append(checkpoints, checkpointOf(t, h.Store))
	equal(t, "size of the log", checkpoints[len(checkpoints)-1].Size, uint64(8*each/4*(0+1+2+3)))
	verifyLog(t, h.Store, checkpoints...)
	view(t, h.Store, func(r enroll.Reader) error {
		for g := range 8 {
			story := allRecords(t, r, enroll.RecordFilter{Device: serialDevice(g)}, 7)
			equal(t, "length of a story", len(story), each/4*(0+1+2+3))
			for i, record := range story {
				if i > 0 && story[i-1].Index >= record.Index {
					t.Fatalf("the story of %s is not in order", serialDevice(g))
				}
			}
		}
		return nil
	})
}

// checkpointOf returns the log's size and root in one snapshot.
func checkpointOf(t *testing.T, s enroll.Store) audit.Checkpoint {
	t.Helper()
	var cp audit.Checkpoint
	view(t, s, func(r enroll.Reader) error {
		size, err := r.TreeSize()
		if err != nil {
			return err
		}
		f, err := audit.FrontierAt(size, r.Hashes())
		cp = audit.Checkpoint{Size: size, Root: f.Root()}
		return err
	})
	return cp
}

// verifyLog exports the log and re-proves it against each checkpoint.
func verifyLog(t *testing.T, s enroll.Store, checkpoints ...audit.Checkpoint) {
	t.Helper()
	var export bytes.Buffer
	view(t, s, func(r enroll.Reader) error {
		export.Reset()
		var tree audit.Frontier
		whole := allRecords(t, r, enroll.RecordFilter{}, 13)
		for _, from := range []int{min(1, len(whole)), len(whole) / 2, len(whole) - 1, len(whole)} {
			part := allRecords(t, r, enroll.RecordFilter{From: uint64(max(from, 0))}, 13)
			equal(t, fmt.Sprintf("records from %d on", from), len(part), len(whole)-max(from, 0))
		}
		for i, record := range whole {
			if record.Index != uint64(i) {
				return fmt.Errorf("record %d stands at place %d", record.Index, i)
			}
			tree.Add(nil, record.Data)
			export.Write(append(audit.Line(record.Data, tree.Root()), '\n'))
		}
		size, err := r.TreeSize()
		if err != nil {
			return err
		}
		root, err := tlog.TreeHash(int64(size), r.Hashes())
		equal(t, "root of the records and of the tree", tree.Root(), root)
		return err
	})
	for _, cp := range checkpoints {
		if _, err := audit.Verify(bytes.NewReader(export.Bytes()), cp); err != nil {
			t.Fatalf("the log against its checkpoint of %d records: %v", cp.Size, err)
		}
	}
}
