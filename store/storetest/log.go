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

// verifyLog exports the log and re-proves it against each checkpoint that is not
// older than its records. Where some were dropped, the tree begins with what it
// has of them.
func verifyLog(t *testing.T, s enroll.Store, checkpoints ...audit.Checkpoint) {
	t.Helper()
	var export bytes.Buffer
	complete := false
	view(t, s, func(r enroll.Reader) error {
		export.Reset()
		size, err := r.TreeSize()
		if err != nil {
			return err
		}
		whole := allRecords(t, r, enroll.RecordFilter{}, 97)
		dropped := int(size) - len(whole)
		for _, from := range []int{min(1, len(whole)), len(whole) / 2, len(whole) - 1, len(whole)} {
			part := allRecords(t, r, enroll.RecordFilter{From: uint64(dropped + max(from, 0))}, 97)
			equal(t, fmt.Sprintf("records from %d on", dropped+from), len(part), len(whole)-max(from, 0))
		}
		tree, err := audit.FrontierAt(uint64(dropped), r.Hashes())
		if err != nil {
			return err
		}
		for i, record := range whole {
			if record.Index != uint64(dropped+i) {
				return fmt.Errorf("record %d stands at place %d", record.Index, dropped+i)
			}
			tree.Add(nil, record.Data)
			export.Write(append(audit.Line(record.Data, tree.Root()), '\n'))
			for _, cp := range checkpoints {
				if cp.Size == tree.Size() {
					equal(t, "root of the records and of the checkpoint", tree.Root(), cp.Root)
				}
			}
		}
		complete = dropped == 0
		root, err := tlog.TreeHash(int64(size), r.Hashes())
		equal(t, "root of the records and of the tree", tree.Root(), root)
		return err
	})
	if !complete {
		return // an export begins with the first record there ever was
	}
	for _, cp := range checkpoints {
		if _, err := audit.Verify(bytes.NewReader(export.Bytes()), cp); err != nil {
			t.Fatalf("the log against its checkpoint of %d records: %v", cp.Size, err)
		}
	}
}
