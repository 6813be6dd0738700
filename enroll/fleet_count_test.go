package enroll_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// fleets bounds the fleets of a branch.
func fleets(n int) rigOption { return func(c *enroll.Config) { c.BranchFleets = n } }

// branchSize counts the fleets below a path, and itself, one by one.
func (r *rig) branchSize(path string) int {
	r.tb.Helper()
	below, err := r.Fleets(r.tb.Context(), r.admin, path, enroll.Page{Limit: enroll.MaxPage})
	check(r.tb, err)
	n := 1
	for _, f := range below.Items {
		n += r.branchSize(string(f.Path))
	}
	return n
}

func TestABranchHasNoMoreFleetsThanItMay(t *testing.T) {
	r := newRig(t, fleets(4))
	create := func(path string) error {
		_, err := r.CreateFleet(t.Context(), r.admin, path)
		return err
	}
	wantCode(t, create("/a/1/2/3/4"), enroll.Conflict)
	check(t, create("/a/1/2"))
	wantCode(t, create("/a/1/2/3/4"), enroll.Conflict)
	check(t, create("/a/x"))
	check(t, create("/a/1/2")) // is there
	wantCode(t, create("/a/y"), enroll.Conflict)
	_, err := r.CreateOrder(t.Context(), r.admin, enroll.NewOrder{Fleet: "/a/y", Model: "TH20", Quantity: 1})
	wantCode(t, err, enroll.Conflict)
	check(t, create("/b/1")) // elsewhere there is room

	move := func(path, to string) error {
		_, err := r.EditFleet(t.Context(), r.admin, path, enroll.FleetEdit{Parent: to})
		return err
	}
	wantCode(t, move("/b", "/a/1"), enroll.Conflict)
	wantCode(t, move("/a", "/b"), enroll.Conflict)
	wantCode(t, move("/b/1", "/a"), enroll.Conflict)
	check(t, move("/a/x", "/a/1")) // within one branch nothing changes
	check(t, move("/a/1/x", "/b"))
	check(t, create("/a/y"))
	wantCode(t, create("/a/z"), enroll.Conflict)
	check(t, move("/a/1/2", "/")) // a branch of its own
	check(t, create("/2/a/b/c"))
	wantCode(t, create("/2/d"), enroll.Conflict)
	wantCode(t, move("/b", "/a"), enroll.Conflict) // 3 and 3
}

func TestADeletedFleetMakesRoom(t *testing.T) {
	r := newRig(t, fleets(3))
	r.fleet("/a/1")
	r.fleet("/a/2")
	for range 3 {
		_, err := r.CreateFleet(t.Context(), r.admin, "/a/3")
		wantCode(t, err, enroll.Conflict)
		check(t, r.DeleteFleet(t.Context(), r.admin, "/a/1"))
		r.fleet("/a/1")
	}
	for _, path := range []string{"/a/1", "/a/2", "/a"} {
		check(t, r.DeleteFleet(t.Context(), r.admin, path))
	}
	r.fleet("/a/1/2")
}

// However many are made at once, one by one, in a row and by orders, and however much
// moves meanwhile, there are never more.
func TestRaceForFleets(t *testing.T) {
	const most = 10
	r := newRig(t, fleets(most))
	r.fleet("/a")
	r.fleet("/b/moves/1/2")
	ends := race(t, racers, func(i int) error {
		ctx, path := context.WithoutCancel(t.Context()), fmt.Sprintf("/a/%d", i)
		switch i % 4 {
		case 0:
			_, err := r.CreateOrder(ctx, r.admin, enroll.NewOrder{Fleet: path, Model: "TH20", Quantity: 1})
			return err
		case 1:
			_, err := r.CreateFleet(ctx, r.admin, path+"/1/2")
			return err
		case 2:
			_, err := r.EditFleet(ctx, r.admin, "/b/moves", enroll.FleetEdit{Parent: "/a"})
			return err
		default:
			_, err := r.CreateFleet(ctx, r.admin, path)
			return err
		}
	})
	if ends[enroll.Conflict] == 0 {
		t.Errorf("ends %v", ends)
	}
	for i := 0; i < most; i++ { // one by one until it is full: the count is what there is
		if _, err := r.CreateFleet(t.Context(), r.admin, fmt.Sprintf("/a/more-%d", i)); err != nil {
			wantCode(t, err, enroll.Conflict)
		}
	}
	if n := r.branchSize("/a"); n != most {
		t.Errorf("there are %d fleets, want %d", n, most)
	}
}

// Branches from before fleets were counted are counted when it matters, and one that
// has too many can be listed again once enough of it is deleted.
func TestFleetsFromBeforeTheyWereCounted(t *testing.T) {
	r := newRig(t, fleets(3))
	put := func(path string) {
		check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
			return tx.PutFleet(identity.Fleet{ID: identity.FleetID("old-" + path), Parent: "old-a", Name: path})
		}))
	}
	check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
		return tx.PutFleet(identity.Fleet{ID: "old-a", Parent: identity.RootFleetID, Name: "a"})
	}))
	for _, path := range []string{"1", "2", "3"} {
		put(path)
	}
	_, err := r.CreateFleet(t.Context(), r.admin, "/a/4")
	wantCode(t, err, enroll.Conflict)
	check(t, r.DeleteFleet(t.Context(), r.admin, "/a/1"))
	check(t, r.DeleteFleet(t.Context(), r.admin, "/a/2"))
	r.fleet("/a/4")
	_, err = r.CreateFleet(t.Context(), r.admin, "/a/5")
	wantCode(t, err, enroll.Conflict)
	if n := r.branchSize("/a"); n != 3 {
		t.Errorf("there are %d fleets", n)
	}
}
