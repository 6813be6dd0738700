package storetest

import (
	"errors"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func testDeletedFleets(t *testing.T, h Harness) {
	s := h.Store
	update(t, s, func(tx enroll.Tx) error {
		return putFleets(tx, fleetAt("a", rootFleet, "x"), fleetAt("b", rootFleet, "y"), fleetAt("a1", "a", "x"), fleetAt("a2", "a", "y"))
	})
	update(t, s, func(tx enroll.Tx) error { return errors.Join(tx.DeleteFleet("a1"), tx.DeleteFleet("never was")) })
	hasTree(t, s, "x=a [y=a2] y=b")
	hasNoFleet(t, s, "a1")
	update(t, s, func(tx enroll.Tx) error { // what was deleted is seen to be so, and its name is free at once
		if err := tx.DeleteFleet("b"); err != nil {
			return err
		}
		if _, err := tx.Fleet("b"); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("a fleet that was deleted: %v", err)
		}
		return putFleets(tx, fleetAt("c", rootFleet, "y"))
	})
	hasTree(t, s, "x=a [y=a2] y=c")
	hasNoFleet(t, s, "b")
	update(t, s, func(tx enroll.Tx) error { // made and deleted, deleted and made
		return errors.Join(putFleets(tx, fleetAt("d", "c", "z")), tx.DeleteFleet("d"), tx.DeleteFleet("a2"), putFleets(tx, fleetAt("a2", "c", "w")))
	})
	hasTree(t, s, "x=a y=c [w=a2]")
	err := s.Update(t.Context(), func(tx enroll.Tx) error { return errors.Join(tx.DeleteFleet("a2"), errDrawn) })
	if !errors.Is(err, errDrawn) {
		t.Fatal(err)
	}
	hasTree(t, s, "x=a y=c [w=a2]")
	update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("e", "a", "x")) }) // where one was long ago
	hasTree(t, s, "x=a [x=e] y=c [w=a2]")
}

func hasNoFleet(t *testing.T, s enroll.Store, id identity.FleetID) {
	t.Helper()
	view(t, s, func(r enroll.Reader) error {
		if f, err := r.Fleet(id); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("got %v and %v, want no fleet %s", f, err, id)
		}
		return nil
	})
}
