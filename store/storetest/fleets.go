package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// fleetAt is a fleet that lies below another.
func fleetAt(id, parent identity.FleetID, name string) identity.Fleet {
	return identity.Fleet{ID: id, Parent: parent, Name: name}
}

func putFleets(tx enroll.Tx, fleets ...identity.Fleet) error {
	var errs []error
	for _, f := range fleets {
		errs = append(errs, tx.PutFleet(f))
	}
	return errors.Join(errs...)
}

// hasTree fails the test unless the tree below the root is as it is written: a
// fleet is its name, "=" and its id, and what lies below it stands in brackets. Each
// fleet is looked for in all ways.
func hasTree(t *testing.T, s enroll.Store, want string) {
	t.Helper()
	view(t, s, func(r enroll.Reader) error {
		equal(t, "the tree", treeBelow(t, r, rootFleet), want)
		return nil
	})
}

func treeBelow(t *testing.T, r enroll.Reader, parent identity.FleetID) string {
	t.Helper()
	var below []string
	for _, f := range all(t, 2, func(p enroll.Page) (enroll.List[identity.Fleet], error) { return r.Children(parent, "", p) }) {
		one, err := r.Fleet(f.ID)
		equal(t, "fleet", []any{one, err}, []any{f, error(nil)})
		named, err := r.Children(parent, f.Name, enroll.Page{})
		equal(t, "fleet by name", []any{named, err}, []any{enroll.List[identity.Fleet]{Items: []identity.Fleet{f}}, error(nil)})
		text := f.Name + "=" + string(f.ID)
		if inside := treeBelow(t, r, f.ID); inside != "" {
			text += " [" + inside + "]"
		}
		below = append(below, text)
	}
	return strings.Join(below, " ")
}

func testMovedFleets(t *testing.T, h Harness) {
	s := h.Store
	update(t, s, func(tx enroll.Tx) error {
		return putFleets(tx, fleetAt("a", rootFleet, "berlin"), fleetAt("b", rootFleet, "oslo"), fleetAt("a1", "a", "line-1"), fleetAt("a2", "a", "line-2"))
	})
	hasTree(t, s, "berlin=a [line-1=a1 line-2=a2] oslo=b")
	update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("a", rootFleet, "bonn")) })
	hasTree(t, s, "bonn=a [line-1=a1 line-2=a2] oslo=b")
	update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("a1", "b", "line-1")) })
	hasTree(t, s, "bonn=a [line-2=a2] oslo=b [line-1=a1]")
	update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("a", "b", "bonn")) }) // with what is below it
	hasTree(t, s, "oslo=b [bonn=a [line-2=a2] line-1=a1]")
	update(t, s, func(tx enroll.Tx) error { // what lies below rises above it
		return putFleets(tx, fleetAt("a", rootFleet, "bonn"), fleetAt("b", "a", "oslo"))
	})
	hasTree(t, s, "bonn=a [line-2=a2 oslo=b [line-1=a1]]")
	for _, back := range []bool{false, true, false} {
		update(t, s, func(tx enroll.Tx) error {
			if back {
				return putFleets(tx, fleetAt("a1", "a", "x"), fleetAt("a1", rootFleet, "x"), fleetAt("a1", "b", "line-1"))
			}
			return putFleets(tx, fleetAt("a1", "a", "line-1"))
		})
		update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("b", "a", "oslo")) }) // where it is already
		want := "bonn=a [line-1=a1 line-2=a2 oslo=b]"
		if back {
			want = "bonn=a [line-2=a2 oslo=b [line-1=a1]]"
		}
		hasTree(t, s, want)
	}
}

func testFreedNames(t *testing.T, h Harness) {
	s := h.Store
	update(t, s, func(tx enroll.Tx) error {
		return putFleets(tx, fleetAt("a", rootFleet, "x"), fleetAt("b", rootFleet, "y"), fleetAt("c", rootFleet, "z"))
	})
	refused := func(when string, f identity.Fleet, first ...identity.Fleet) {
		t.Helper()
		for _, heeded := range []bool{true, false} {
			var put error
			err := s.Update(context.Background(), func(tx enroll.Tx) error {
				if err := putFleets(tx, first...); err != nil {
					return err
				}
				put = tx.PutFleet(f)
				if heeded {
					return put
				}
				return putFleets(tx, first...) // a refusal changes nothing
			})
			if put == nil || (err != nil) != heeded {
				t.Fatalf("%s: got %v and %v, want a refusal", when, put, err)
			}
		}
	}
	refused("a new fleet of a name that is taken", fleetAt("d", rootFleet, "x"))
	refused("a fleet that moves to a name that is taken", fleetAt("b", rootFleet, "x"))
	hasTree(t, s, "x=a y=b z=c")
	refused("a name that was taken just now", fleetAt("c", "b", "x"), fleetAt("a", "b", "x"))
	hasTree(t, s, "y=b [x=a] z=c")
	update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("d", rootFleet, "x")) }) // later
	hasTree(t, s, "x=d y=b [x=a] z=c")
	update(t, s, func(tx enroll.Tx) error { // at once, by one that is there and by a new one
		return putFleets(tx, fleetAt("d", "b", "w"), fleetAt("c", rootFleet, "x"), fleetAt("e", rootFleet, "z"))
	})
	hasTree(t, s, "x=c y=b [w=d x=a] z=e")
	for _, want := range []string{"x=a y=b [w=d x=c] z=e", "x=c y=b [w=d x=a] z=e"} { // two that change places, and back
		update(t, s, func(tx enroll.Tx) error {
			var err error
			found := map[identity.FleetID]identity.Fleet{}
			for _, id := range []identity.FleetID{"a", "c"} {
				f, lookup := tx.Fleet(id)
				found[id], err = f, errors.Join(err, lookup)
			}
			was, other := found["a"], found["c"]
			return errors.Join(err, putFleets(tx, fleetAt("a", rootFleet, "between"), fleetAt("c", was.Parent, was.Name), fleetAt("a", other.Parent, other.Name)))
		})
		hasTree(t, s, want)
	}
	update(t, s, func(tx enroll.Tx) error { return putFleets(tx, fleetAt("c", "b", "c"), fleetAt("c", rootFleet, "x")) }) // and back at once
	hasTree(t, s, "x=c y=b [w=d x=a] z=e")
}

// testMoveTouchesNothing moves a fleet with devices and orders in it.
func testMoveTouchesNothing(t *testing.T, h Harness) {
	s := h.Store
	update(t, s, func(tx enroll.Tx) error {
		errs := []error{putFleets(tx, fleetAt("a", rootFleet, "berlin"), fleetAt("a1", "a", "line-1"), fleetAt("b", rootFleet, "oslo"))}
		for i := range 6 {
			d, o := deviceAt(serialDevice(i)), fullOrder()
			o.ID = enroll.OrderID(fmt.Sprintf("order-%d", i))
			d.Fleet = []identity.FleetID{"a", "a1", "b"}[i%3]
			o.Fleet = d.Fleet
			errs = append(errs, tx.PutDevice(d), tx.PutOrder(o))
		}
		return errors.Join(errs...)
	})
	type inFleet struct {
		Devices []enroll.Device
		Orders  []enroll.Order
	}
	read := func() map[identity.FleetID]inFleet {
		found := map[identity.FleetID]inFleet{}
		view(t, s, func(r enroll.Reader) error {
			for _, id := range []identity.FleetID{"a", "a1", "b"} {
				one := []identity.FleetID{id}
				found[id] = inFleet{allDevices(t, r, enroll.DeviceFilter{Fleets: one}, 1), allOrders(t, r, enroll.OrderFilter{Fleets: one}, 1)}
				if len(found[id].Devices) != 2 || len(found[id].Orders) != 2 {
					t.Fatalf("%s: %d devices and %d orders, want 2 of each", id, len(found[id].Devices), len(found[id].Orders))
				}
			}
			return nil
		})
		return found
	}
	before := read()
	update(t, s, func(tx enroll.Tx) error {
		return putFleets(tx, fleetAt("a", "b", "moved"), fleetAt("b", rootFleet, "bergen"))
	})
	hasTree(t, s, "bergen=b [moved=a [line-1=a1]]")
	equal(t, "what is in the fleets", read(), before)
}
