package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// tail is how far the log of the tests goes beyond its last full block.
const tail = 40

// appendEvents appends the events from the first to before the last to both
// stores, about a few devices in turn.
func appendEvents(t *testing.T, first, last int, stores ...enroll.Store) {
	t.Helper()
	for _, s := range stores {
		for from := first; from < last; from += 100 {
			update(t, s, func(tx enroll.Tx) error {
				var errs []error
				for i := from; i < min(from+100, last); i++ {
					errs = append(errs, tx.Append(eventAt(serialDevice(i%3), i)))
				}
				return errors.Join(errs...)
			})
			if err := settle(s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkDropped compares a store whose records below first were dropped with an
// oracle whose were not.
func checkDropped(t *testing.T, s, oracle enroll.Store, first uint64) {
	t.Helper()
	equal(t, "size and root", checkpointOf(t, s), checkpointOf(t, oracle))
	filters := []enroll.RecordFilter{{}, {From: first}, {From: first + 7}, {From: first / 2}}
	for i := range 4 { // the last has no story
		filters = append(filters, enroll.RecordFilter{Device: serialDevice(i)}, enroll.RecordFilter{Device: serialDevice(i), From: first + 7})
	}
	for _, f := range filters {
		read := func(s enroll.Store, f enroll.RecordFilter) (list []enroll.Record) {
			view(t, s, func(r enroll.Reader) error { list = allRecords(t, r, f, 97); return nil })
			return list
		}
		got := read(s, f)
		f.From = max(f.From, first)
		equal(t, "records", got, read(oracle, f))
	}
	hashes := func(s enroll.Store) (list []tlog.Hash) {
		view(t, s, func(r enroll.Reader) error {
			size, err := r.TreeSize()
			if err != nil {
				return err
			}
			var indexes []int64
			for height := 8; size>>height > 0; height++ {
				for n := range int64(size >> height) {
					indexes = append(indexes, tlog.StoredHashIndex(height, n))
				}
			}
			list, err = r.Hashes().ReadHashes(indexes)
			return err
		})
		return list
	}
	equal(t, "hashes of height 8 and above", hashes(s), hashes(oracle))
}

func testDropRecords(t *testing.T, h Harness) {
	oracle := NewMemory()
	appendEvents(t, 0, 3*256+tail, h.Store, oracle)
	for _, before := range []uint64{1, 255, 257, 4 * 256, 1 << 40, 1<<64 - 256} {
		err := h.Store.Update(context.Background(), func(tx enroll.Tx) error {
			return errors.Join(tx.PutPerson(enroll.Person{Pseudonym: "p-1"}), tx.DropRecords(before))
		})
		if err == nil {
			t.Errorf("records below %d were dropped", before)
		}
	}
	checkDropped(t, h.Store, oracle, 0)
	broken := errors.New("broken")
	isError(t, "Update", h.Store.Update(context.Background(), func(tx enroll.Tx) error {
		return errors.Join(tx.DropRecords(256), broken)
	}), broken)
	checkDropped(t, h.Store, oracle, 0)
	for i, before := range []uint64{256, 256, 0, 3 * 256} {
		update(t, h.Store, func(tx enroll.Tx) error { return tx.DropRecords(before) })
		first := 3*256 + tail + 10*i
		appendEvents(t, first, first+10, h.Store, oracle)
		checkDropped(t, h.Store, oracle, []uint64{256, 256, 256, 3 * 256}[i])
	}
	view(t, h.Store, func(r enroll.Reader) error {
		_, err := r.Person("p-1")
		isError(t, "what was written beside a refused drop", err, enroll.ErrNotFound)
		return nil
	})
	verifyLog(t, h.Store, checkpointOf(t, oracle))
}

// testDropAllRecords leaves a log that has no record at all.
func testDropAllRecords(t *testing.T, h Harness) {
	oracle, s := NewMemory(), h.Store
	appendEvents(t, 0, 512, s, oracle)
	update(t, s, func(tx enroll.Tx) error { // beside an event, which stays
		return errors.Join(tx.Append(eventAt(serialDevice(512%3), 512)), tx.DropRecords(512))
	})
	appendEvents(t, 512, 513, oracle)
	checkDropped(t, s, oracle, 512)
	appendEvents(t, 513, 1024, s, oracle)
	update(t, s, func(tx enroll.Tx) error { return tx.DropRecords(1024) })
	checkDropped(t, s, oracle, 1024)
	if h.Reopen != nil {
		s = h.Reopen()
		checkDropped(t, s, oracle, 1024)
	}
	appendEvents(t, 1024, 1024+tail, s, oracle)
	checkDropped(t, s, oracle, 1024)
	verifyLog(t, s, checkpointOf(t, oracle))
}

// testAppendRecord copies a log, and refuses what would not be a copy.
func testAppendRecord(t *testing.T, h Harness) {
	oracle := NewMemory()
	appendEvents(t, 0, 300, oracle)
	update(t, oracle, func(tx enroll.Tx) error { return tx.Append(eventAt("", 300)) })
	var whole []enroll.Record
	view(t, oracle, func(r enroll.Reader) error { whole = allRecords(t, r, enroll.RecordFilter{}, 97); return nil })
	for len(whole) > 0 {
		part := whole[:min(len(whole), 99)]
		whole = whole[len(part):]
		update(t, h.Store, func(tx enroll.Tx) error {
			var errs []error
			for _, r := range part {
				errs = append(errs, tx.AppendRecord(r))
			}
			return errors.Join(errs...)
		})
	}
	checkDropped(t, h.Store, oracle, 0)
	next := func(index uint64, id identity.DeviceID) enroll.Record {
		r, err := recordAt(index, eventAt(id, 0))
		isError(t, "recordAt", err, nil)
		return r
	}
	for name, records := range map[string][]enroll.Record{
		"one that is there":    {next(300, "TH20-SN1")},
		"one left out":         {next(302, "TH20-SN1")},
		"one twice":            {next(301, "TH20-SN1"), next(301, "TH20-SN1")},
		"one left out, second": {next(301, "TH20-SN1"), next(303, "TH20-SN1")},
		"not JSON":             {{Index: 301, Data: []byte("text")}},
	} {
		err := h.Store.Update(context.Background(), func(tx enroll.Tx) error {
			errs := []error{tx.PutPerson(enroll.Person{Pseudonym: "p-1"})}
			for _, r := range records {
				errs = append(errs, tx.AppendRecord(r))
			}
			return errors.Join(errs...)
		})
		if err == nil {
			t.Errorf("%s: it was added", name)
		}
	}
	checkDropped(t, h.Store, oracle, 0)
	for _, s := range []enroll.Store{h.Store, oracle} {
		update(t, s, func(tx enroll.Tx) error { return tx.Append(eventAt("TH20-SN1", 301)) })
	}
	checkDropped(t, h.Store, oracle, 0)
	verifyLog(t, h.Store, checkpointOf(t, oracle))
}
