package enroll_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// moveStore notes what transactions write while noting is set. Then they may read
// and write only what is below: whatever else they touch, a device or an order, is a
// nil interface, and panics.
type moveStore struct {
	enroll.Store
	noting bool
	wrote  [][]string // by each transaction
}

func (s *moveStore) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	if !s.noting {
		return s.Store.Update(ctx, fn)
	}
	var wrote []string
	err := s.Store.Update(ctx, func(tx enroll.Tx) error {
		wrote = nil
		return fn(moveTx{of: tx, wrote: &wrote})
	})
	s.wrote = append(s.wrote, wrote)
	return err
}

func (s *moveStore) View(ctx context.Context, fn func(enroll.Reader) error) error {
	if !s.noting {
		return s.Store.View(ctx, fn)
	}
	return s.Store.View(ctx, func(r enroll.Reader) error { return fn(moveTx{of: r}) })
}

// moveTx writes in a transaction alone: in a View of is no enroll.Tx.
type moveTx struct {
	enroll.Tx // nil
	of        enroll.Reader
	wrote     *[]string
}

func (t moveTx) Fleet(id identity.FleetID) (identity.Fleet, error) { return t.of.Fleet(id) }
func (t moveTx) Person(pseudonym string) (enroll.Person, error)    { return t.of.Person(pseudonym) }

func (t moveTx) Children(parent identity.FleetID, name string, page enroll.Page) (enroll.List[identity.Fleet], error) {
	return t.of.Children(parent, name, page)
}

func (t moveTx) Document(kind enroll.DocumentKind, key string) ([]byte, error) {
	return t.of.Document(kind, key)
}

func (t moveTx) Documents(kind enroll.DocumentKind, prefix string, page enroll.Page) (enroll.List[enroll.Document], error) {
	return t.of.Documents(kind, prefix, page)
}

func (t moveTx) note(format string, of ...any) enroll.Tx {
	*t.wrote = append(*t.wrote, fmt.Sprintf(format, of...))
	return t.of.(enroll.Tx)
}

func (t moveTx) PutFleet(f identity.Fleet) error { return t.note("fleet %s", f.Name).PutFleet(f) }
func (t moveTx) Append(e enroll.Event) error     { return t.note("event %s", e.Kind).Append(e) }

func (t moveTx) DeleteDocument(kind enroll.DocumentKind, key string) error {
	return t.note("no document %s", kind).DeleteDocument(kind, key)
}

func (t moveTx) PutDocument(kind enroll.DocumentKind, key string, data []byte) error {
	return t.note("document %s", kind).PutDocument(kind, key, data)
}

// branchOf makes a rig whose /berlin has n devices on ten lines.
func branchOf(t *testing.T, n int) (*rig, *moveStore, enroll.Store) {
	t.Helper()
	kept := storetest.NewMemory()
	store := &moveStore{Store: kept}
	r := newRigOn(t, store, "", newIssuer(t, nil))
	var lines []enroll.OrderInfo
	for i := range 10 {
		lines = append(lines, r.order(n, func(o *enroll.NewOrder) { o.Fleet = fmt.Sprintf("/berlin/line-%d", i) }))
	}
	r.order(1, func(o *enroll.NewOrder) { o.Fleet = "/emea/hall-1" })
	for begin := 0; begin < n; begin += 1_000 {
		check(t, store.Update(t.Context(), func(tx enroll.Tx) error {
			for i := begin; i < min(begin+1_000, n); i++ {
				line := lines[i%len(lines)]
				if err := tx.PutDevice(enroll.Device{Device: identity.Device{
					ID: identity.NewDeviceID("TH20", identity.SerialNumber(serialOf(i))), Fleet: line.Fleet, Order: string(line.ID),
					State: identity.Active, Version: 1, CreatedAt: r.clock.Now(), ChangedAt: r.clock.Now(),
				}}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return r, store, kept
}

// Moving a branch is one transaction that writes how many fleets there are where it
// was and where it is, a fleet, an event and the turn of the revision, and looks at no device, whether there are a hundred of them or twenty
// thousand.
func TestMovingABranchIsOneSmallTransaction(t *testing.T) {
	want := []string{"no document fleet-count", "document fleet-count", "fleet berlin", "event fleet.moved", "document revision"}
	for _, n := range []int{100, 20_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r, store, kept := branchOf(t, n)
			watched := storetest.Watch(kept)
			store.noting = true
			was, err := r.Fleet(t.Context(), r.admin, "/berlin")
			check(t, err)
			emea, err := r.Fleet(t.Context(), r.admin, "/emea")
			check(t, err)
			moved, err := r.EditFleet(t.Context(), r.admin, "/berlin", enroll.FleetEdit{Parent: "/emea/hall-1"})
			check(t, err)
			store.noting = false
			if len(store.wrote) != 1 || !slices.Equal(store.wrote[0], want) {
				t.Errorf("wrote %q, want one transaction with %q", store.wrote, want)
			}
			rows, records := watched.Changes()
			changed := []string{"document {fleet-count " + string(was.ID) + "}", "document {fleet-count " + string(emea.ID) + "}", "document {revision authority}", "fleet " + string(moved.ID)}
			slices.Sort(changed)
			if !slices.Equal(rows, changed) || len(records) != 1 {
				t.Errorf("%q changed, with %d records; want %q with one", rows, len(records), changed)
			}
			last := r.device(identity.NewDeviceID("TH20", identity.SerialNumber(serialOf(n-1))))
			if last.FleetPath != "/emea/hall-1/berlin/line-9" || last.Version != 1 {
				t.Errorf("the last device is in %s at version %d", last.FleetPath, last.Version)
			}
		})
	}
}
