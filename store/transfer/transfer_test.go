package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
	"github.com/touchmark/touchmark/store/transfer"
)

func newWorld(seed uint64) world {
	return world{Rand: rand.New(rand.NewPCG(seed, 1)), devices: 120, records: 3}
}

func memory(t *testing.T) enroll.Store {
	t.Helper()
	s := storetest.NewMemory()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// mustCopy copies and returns the report.
func mustCopy(t *testing.T, c transfer.Config) transfer.Report {
	t.Helper()
	report, err := transfer.Copy(t.Context(), c)
	if err != nil {
		t.Fatalf("Copy: %v %v", err, report.Differences)
	}
	return report
}

// stories are what a store derives from what is written: each device's records and
// lineage.
func stories(t *testing.T, s enroll.Store, devices int) map[identity.DeviceID][]any {
	t.Helper()
	found := map[identity.DeviceID][]any{}
	err := s.View(t.Context(), func(r enroll.Reader) error {
		for n := range devices {
			id := identity.DeviceID(fmt.Sprintf("TH20-SN%06d", n))
			records, err := r.Records(enroll.RecordFilter{Device: id})
			if err != nil {
				return err
			}
			lineage, err := r.Certificates(enroll.CertificateFilter{Device: id})
			if err != nil {
				return err
			}
			found[id] = []any{append([]enroll.Record{}, records.Items...), append([]enroll.Certificate{}, lineage.Items...)}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCopy(t *testing.T) {
	from, to, w := memory(t), memory(t), newWorld(1)
	w.root = true
	w.fill(t, from)
	var copied, compared int
	report := mustCopy(t, transfer.Config{From: from, To: to, Batch: 7, Progress: func(stage transfer.Stage, rows int) {
		if stage == transfer.StageCopy {
			copied += rows
		} else {
			compared += rows
		}
	}})
	want := map[string]int{"people": 5, "issuers": 2, "fleets": 4, "documents": 24, "orders": 5, "certificates": 120, "devices": 120, "keys": 120, "records": 360, "segments of certificates": 1}
	for _, count := range report.Tables {
		if n, fixed := want[count.What]; fixed && (count.Source != n || count.Target != n || count.What != "records" && count.Written != n) {
			t.Errorf("%+v, want %d", count, n)
		}
	}
	if report.Log.Size != 360 || report.Log.Written != 360 || copied < 730 || compared < 730 {
		t.Errorf("log %+v, %d copied, %d compared", report.Log, copied, compared)
	}
	if got, want := stories(t, to, w.devices), stories(t, from, w.devices); !reflect.DeepEqual(got, want) {
		t.Error("the devices' stories differ")
	}
	again := mustCopy(t, transfer.Config{From: from, To: to})
	for _, count := range again.Tables {
		if count.Written != 0 || count.Removed != 0 {
			t.Errorf("copied again: %+v", count)
		}
	}
}

func TestCopyOfAnEmptyStoreIsRefused(t *testing.T) {
	_, err := transfer.Copy(t.Context(), transfer.Config{From: memory(t), To: memory(t)})
	if !errors.Is(err, transfer.ErrSource) {
		t.Errorf("got %v", err)
	}
}

// A copy of last week takes what happened since.
func TestCopyIsBroughtUpToDate(t *testing.T) {
	from, to, w := memory(t), memory(t), newWorld(2)
	w.fill(t, from)
	mustCopy(t, transfer.Config{From: from, To: to})
	gone := ca.KeyHash{}
	update(t, from, func(tx enroll.Tx) error {
		keys, err := tx.Keys(enroll.Page{Limit: 1})
		if err != nil {
			return err
		}
		gone = keys.Items[0].Hash
		d, err := tx.Device("TH20-SN000007")
		d.State, d.Version = identity.Retired, 99
		return errors.Join(
			tx.PutDocument(enroll.RoleDocument, "role-0", []byte("changed")), tx.PutDocument(enroll.RoleDocument, "role-x", nil),
			tx.DeleteDocument(enroll.GrantDocument, "3"),
			err, tx.PutDevice(d), tx.DeleteCertificate(d.Newest.Serial), tx.DeleteKey(gone), tx.CountRefusal("order-1", enroll.BadCSR, 2),
			tx.DeleteShard(enroll.ShardKey{Issuer: "issuer-0", Shard: "86400-1-0-0"}),
			tx.Append(enroll.Event{Time: epoch(), Kind: enroll.DeviceRetired, Device: d.ID}),
		)
	})
	report := mustCopy(t, transfer.Config{From: from, To: to})
	changed := map[string][2]int{}
	for _, count := range report.Tables {
		if count.Written+count.Removed > 0 {
			changed[count.What] = [2]int{count.Written, count.Removed}
		}
	}
	want := map[string][2]int{"documents": {2, 1}, "devices": {1, 0}, "certificates": {0, 1}, "keys": {0, 1}, "orders": {1, 0}, "shards": {0, 1}}
	if !reflect.DeepEqual(changed, want) || report.Log.Written != 1 {
		t.Errorf("changed %v and %d records, want %v and 1", changed, report.Log.Written, want)
	}
}

// dying fails every Update after so many, either before it was made or after.
type dying struct {
	enroll.Store
	left atomic.Int64
	kept bool // the last one is kept, and reported lost
}

var errDied = errors.New("killed")

func (d *dying) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	left := d.left.Add(-1)
	if left < 0 && !d.kept || left < -1 {
		return errDied
	}
	if err := d.Store.Update(ctx, fn); err != nil {
		return err
	}
	if left < 0 {
		return errDied
	}
	return nil
}

func TestCopyKilledAfterEveryUpdate(t *testing.T) {
	for _, test := range []struct {
		name     string
		kept     bool
		archived bool
	}{{"lost", false, false}, {"kept but reported lost", true, false}, {"with an archive", true, true}} {
		t.Run(test.name, func(t *testing.T) {
			from, w, files := memory(t), newWorld(3), archive{}
			w.devices, w.records = 60, 10
			w.fill(t, from)
			if test.archived {
				files.retire(t, from, 0, 512)
			}
			want := mustCopy(t, transfer.Config{From: from, To: memory(t), Archive: files})
			for _, each := range []int64{1, 2, 3, 5, 8, 20} {
				to := memory(t)
				rounds := 0
				for done := false; !done; rounds++ {
					mortal := &dying{Store: to, kept: test.kept}
					mortal.left.Store(each)
					report, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: mortal, Archive: files, Batch: 25})
					done = err == nil
					switch {
					case rounds > 200:
						t.Fatalf("killed after every %d Updates it does not come to an end", each)
					case done && report.Log.Root != want.Log.Root:
						t.Fatal("another root")
					case !done && !errors.Is(err, errDied):
						t.Fatalf("round %d: %v", rounds, err)
					}
				}
				if _, err := transfer.Compare(t.Context(), transfer.Config{From: from, To: to}); err != nil {
					t.Fatalf("killed after every %d Updates: %v", each, err)
				}
			}
		})
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T, from, to enroll.Store)
	}{
		{"another installation", func(t *testing.T, _, to enroll.Store) { newWorld(99).fill(t, to) }},
		{"no installation, but people", func(t *testing.T, _, to enroll.Store) {
			update(t, to, func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "p", FirstSeen: epoch()}) })
		}},
		{"no installation, but fleets", func(t *testing.T, _, to enroll.Store) {
			update(t, to, func(tx enroll.Tx) error {
				return tx.PutFleet(identity.Fleet{ID: "fleet-a", Parent: identity.RootFleetID, Name: "berlin"})
			})
		}},
		{"no installation, but documents", func(t *testing.T, _, to enroll.Store) {
			update(t, to, func(tx enroll.Tx) error { return tx.PutDocument(enroll.RoleDocument, "role", nil) })
		}},
		{"no installation, but events", func(t *testing.T, _, to enroll.Store) {
			update(t, to, func(tx enroll.Tx) error { return tx.Append(enroll.Event{Time: epoch(), Kind: enroll.BreakGlassUsed}) })
		}},
		{"a copy that was used", func(t *testing.T, from, to enroll.Store) {
			mustCopy(t, transfer.Config{From: from, To: to})
			update(t, to, func(tx enroll.Tx) error { return tx.Append(enroll.Event{Time: epoch(), Kind: enroll.BreakGlassUsed}) })
		}},
		{"a copy that went another way", func(t *testing.T, from, to enroll.Store) {
			mustCopy(t, transfer.Config{From: from, To: to})
			for i, s := range []enroll.Store{from, to} {
				update(t, s, func(tx enroll.Tx) error {
					return tx.Append(enroll.Event{Time: epoch(), Kind: enroll.BreakGlassUsed, Count: i})
				})
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, to := memory(t), memory(t)
			newWorld(4).fill(t, from)
			test.make(t, from, to)
			watched := &dying{Store: to}
			_, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: watched})
			if !errors.Is(err, transfer.ErrTarget) {
				t.Errorf("got %v, want ErrTarget", err)
			}
			if watched.left.Load() != 0 {
				t.Error("something was written")
			}
		})
	}
}
