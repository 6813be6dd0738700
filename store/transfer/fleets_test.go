package transfer_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/transfer"
)

// Fleets that were moved and renamed since the copy was made take each other's
// places, however often the copy is killed meanwhile.
func TestMovedFleetsAreBroughtUpToDate(t *testing.T) {
	fleet := func(id, parent identity.FleetID, name string) identity.Fleet {
		return identity.Fleet{ID: id, Parent: parent, Name: name}
	}
	const root = identity.RootFleetID
	put := func(fleets ...identity.Fleet) func(enroll.Tx) error {
		return func(tx enroll.Tx) error {
			var errs []error
			for _, f := range fleets {
				if f.Parent == "" {
					errs = append(errs, tx.DeleteFleet(f.ID))
					continue
				}
				errs = append(errs, tx.PutFleet(f))
			}
			return errors.Join(errs...)
		}
	}
	for _, test := range []struct {
		name  string
		moves []identity.Fleet // one after another; without a parent it is deleted
	}{
		{"renamed", []identity.Fleet{fleet("a", root, "zz")}},
		{"two change names", []identity.Fleet{fleet("a", root, "free"), fleet("b", root, "x"), fleet("a", root, "y")}},
		{"three change names", []identity.Fleet{fleet("a", root, "free"), fleet("b", root, "x"), fleet("c", root, "y"), fleet("a", root, "z")}},
		{"below its neighbour", []identity.Fleet{fleet("c", "a", "line-1x"), fleet("b", "c", "y")}},
		{"parent and child change places", []identity.Fleet{fleet("a1", root, "free"), fleet("a", "a1", "line-1"), fleet("a1", root, "x")}},
		{"two change levels", []identity.Fleet{fleet("b", root, "free"), fleet("a1", root, "y"), fleet("b", "a", "line-1")}},
		{"the lowest are gone", []identity.Fleet{fleet("a1", "", ""), fleet("a2", "", "")}},
		{"a branch is gone", []identity.Fleet{fleet("a2", "b", "y"), fleet("a1", "", ""), fleet("a", "", "")}},
		{"one is gone, and another takes the place", []identity.Fleet{fleet("c", "", ""), fleet("b", root, "z"), fleet("new", root, "y")}},
		{"a new one takes the place", []identity.Fleet{fleet("a", "b", "x"), fleet("new", root, "x")}},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, kept %t", test.name, kept), func(t *testing.T) {
				from, to := memory(t), memory(t)
				update(t, from, put(fleet("a", root, "x"), fleet("b", root, "y"), fleet("c", root, "z"), fleet("a1", "a", "line-1"), fleet("a2", "a", "line-2")))
				update(t, from, func(tx enroll.Tx) error {
					return tx.PutInstallation(enroll.Installation{PseudonymKey: make([]byte, 32)})
				})
				mustCopy(t, transfer.Config{From: from, To: to})
				update(t, from, put(test.moves...))
				for round := 0; ; round++ {
					mortal := &dying{Store: to, kept: kept}
					mortal.left.Store(2)
					_, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: mortal, Batch: 1 + round%3})
					if err == nil {
						break
					}
					if !errors.Is(err, errDied) || round > 20 {
						t.Fatal(err)
					}
				}
				if _, err := transfer.Compare(t.Context(), transfer.Config{From: from, To: to}); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
