package storetest_test

import (
	"slices"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// A watched store tells what became of it and can be brought back, and a copy of it
// goes its own way.
func TestWatch(t *testing.T) {
	original := storetest.NewMemory()
	fleet := func(s enroll.Store, id identity.FleetID, name string) {
		t.Helper()
		err := s.Update(t.Context(), func(tx enroll.Tx) error {
			event := enroll.Event{Kind: enroll.FleetCreated, FleetID: id, Device: "TH20-SN1"}
			if err := tx.PutFleet(identity.Fleet{ID: id, Parent: identity.RootFleetID, Name: name}); err != nil {
				return err
			}
			if err := tx.DeleteDocument(enroll.RoleDocument, name); err != nil {
				return err
			}
			return tx.Append(event)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := original.Update(t.Context(), func(tx enroll.Tx) error { return tx.PutDocument(enroll.RoleDocument, "b", nil) })
	if err != nil {
		t.Fatal(err)
	}
	fleet(original, "1", "a")
	store := storetest.Copy(original)
	watched := storetest.Watch(store)
	for range 2 {
		fleet(store, "1", "b")
		fleet(store, "2", "c")
		rows, records := watched.Changes()
		if want := []string{"document {role b}", "fleet 1", "fleet 2"}; !slices.Equal(rows, want) || len(records) != 2 {
			t.Errorf("changed %q, with %d records; want %q and 2", rows, len(records), want)
		}
		watched.Undo()
		if rows, records := watched.Changes(); len(rows)+len(records) > 0 {
			t.Errorf("changed %q, with %d records, though all was undone", rows, len(records))
		}
		for name, s := range map[string]enroll.Store{"the copy": store, "its original": original} {
			err := s.View(t.Context(), func(r enroll.Reader) error {
				found, err := r.Fleet("1")
				if err != nil || found.Name != "a" {
					t.Errorf("%s has the fleet %+v, %v", name, found, err)
				}
				story, err := r.Records(enroll.RecordFilter{Device: "TH20-SN1"})
				if err != nil || len(story.Items) != 1 {
					t.Errorf("%s tells a story of %d records, %v; want 1", name, len(story.Items), err)
				}
				_, err = r.Document(enroll.RoleDocument, "b")
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// What is written again as it was has not changed.
	fleet(store, "1", "a")
	if rows, _ := watched.Changes(); len(rows) != 0 {
		t.Errorf("changed %q, to what it was", rows)
	}
}
