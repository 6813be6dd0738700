package bolt_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
)

// gate holds the first commit until it is opened, and counts them.
type gate struct {
	opened  chan struct{}
	commits int // of the committer's goroutine
	fail    error
}

func (g *gate) around(commit func() error) error {
	<-g.opened
	g.commits++
	if g.fail != nil && g.commits > 1 {
		return g.fail
	}
	return commit()
}

// gathered opens a store, holds its first commit up, starts the calls one after
// another, so that they gather, and returns how each ended: an error, what it
// panicked with, or "gone" where its goroutine ended.
func gathered(t *testing.T, g *gate, calls ...func(s *bolt.Store) error) []any {
	t.Helper()
	g.opened = make(chan struct{})
	s, err := bolt.Open(t.Context(), bolt.Config{Path: filepath.Join(t.TempDir(), "store.db"), AroundCommit: g.around})
	if err != nil {
		t.Fatal(err)
	}
	ended := make([]any, len(calls)+1)
	start := func(i int, call func(*bolt.Store) error) {
		go func() {
			ended[i] = "gone"
			defer func() {
				if p := recover(); p != nil {
					ended[i] = p
				}
			}()
			ended[i] = call(s)
		}()
		synctest.Wait()
	}
	start(0, put("first"))
	for i, call := range calls {
		start(i+1, call)
	}
	close(g.opened)
	synctest.Wait()
	if ended[0] != nil {
		t.Fatalf("the first: %v", ended[0])
	}
	for _, person := range []string{"ok-1", "ok-2", "ok-3"} {
		err := s.View(t.Context(), func(r enroll.Reader) error { _, err := r.Person(person); return err })
		if (err == nil) == (g.fail != nil) {
			t.Errorf("%s afterwards: %v", person, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return ended[1:]
}

// put is a call that writes a person, and may then do worse.
func put(id string, then ...func() error) func(*bolt.Store) error {
	return func(s *bolt.Store) error {
		return s.Update(context.Background(), func(tx enroll.Tx) error {
			if err := tx.PutPerson(enroll.Person{Pseudonym: id}); err != nil {
				return err
			}
			for _, f := range then {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

var errOwn = errors.New("its own")

func TestNeighboursShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		left, cancel := context.WithCancel(context.Background())
		ended := gathered(t, g,
			put("ok-1"),
			put("fails", func() error { return errOwn }),
			put("panics", func() error { panic("help") }),
			func(s *bolt.Store) error { return s.Update(left, func(enroll.Tx) error { panic("it ran") }) },
			func(*bolt.Store) error { cancel(); return nil },
			put("ok-2"),
			func(s *bolt.Store) error { // sees what the transactions before it wrote, and not what failed
				return s.Update(context.Background(), func(tx enroll.Tx) error {
					_, err1 := tx.Person("ok-2")
					_, err2 := tx.Person("fails")
					_, err3 := tx.Person("panics")
					if err1 != nil || !errors.Is(err2, enroll.ErrNotFound) || !errors.Is(err3, enroll.ErrNotFound) {
						return errors.Join(errOwn, err1, err2, err3)
					}
					return tx.PutPerson(enroll.Person{Pseudonym: "ok-3"})
				})
			},
		)
		for i, want := range []any{nil, errOwn, "help", context.Canceled, nil, nil, nil} {
			if ended[i] != want {
				t.Errorf("call %d ended with %v, want %v", i, ended[i], want)
			}
		}
		if g.commits != 2 {
			t.Errorf("%d commits, want the first and one for all others", g.commits)
		}
	})
}

// TestNeighboursLeaveIndexesWhole moves a device from fleet to fleet, in
// transactions that read it or not, and of which one fails.
func TestNeighboursLeaveIndexesWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		move := func(fleet identity.FleetID, look bool, result error) func(*bolt.Store) error {
			return func(s *bolt.Store) error {
				return s.Update(context.Background(), func(tx enroll.Tx) error {
					if _, err := tx.Device("TH20-SN1"); look && err != nil {
						return err
					}
					d := enroll.Device{}
					d.ID, d.Fleet = "TH20-SN1", fleet
					return errors.Join(tx.PutDevice(d), result)
				})
			}
		}
		gathered(t, &gate{}, put("ok-1"), put("ok-2"), put("ok-3"),
			move("a", false, nil), move("b", true, errOwn), move("c", false, nil), move("d", true, nil), move("e", false, errOwn),
			func(s *bolt.Store) error {
				if err := put("last")(s); err != nil { // the batch is done after it
					return err
				}
				return s.View(context.Background(), func(r enroll.Reader) error {
					for fleet, want := range map[identity.FleetID]int{"a": 0, "b": 0, "c": 0, "d": 1, "e": 0} {
						list, err := r.Devices(enroll.DeviceFilter{Fleets: []identity.FleetID{fleet}})
						if err != nil || len(list.Items) != want {
							t.Errorf("fleet %s has %d devices, want %d, error %v", fleet, len(list.Items), want, err)
						}
					}
					return nil
				})
			})
	})
}

// TestGoexit has a transaction end its goroutine, as a test's FailNow does: the
// store and the others go on.
func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exits := put("exits", func() error { exit(); return nil })
		ended := gathered(t, &gate{}, put("ok-1"), exits, put("ok-2"), exits, put("ok-3"))
		for i, want := range []any{nil, "gone", nil, "gone", nil} {
			if ended[i] != want {
				t.Errorf("call %d ended with %v, want %v", i, ended[i], want)
			}
		}
	})
}

// TestFailureEndsAll fails the commit of a batch: nobody in it may believe
// anything, not even its own error, for that may rest on what others wrote.
func TestFailureEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{fail: errors.New("no space left on device")}
		ended := gathered(t, g, put("ok-1"), put("fails", func() error { return errOwn }), put("panics", func() error { panic("help") }),
			func(s *bolt.Store) error {
				first := put("ok-2")(s)
				<-s.Failed()
				return errors.Join(first, put("ok-3")(s))
			})
		for i, got := range ended {
			if err, _ := got.(error); !errors.Is(err, enroll.ErrStoreUnavailable) || !errors.Is(err, g.fail) {
				t.Errorf("call %d ended with %v", i, got)
			}
		}
	})
}

func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{opened: make(chan struct{})}
		s, err := bolt.Open(t.Context(), bolt.Config{Path: filepath.Join(t.TempDir(), "store.db"), AroundCommit: g.around})
		if err != nil {
			t.Fatal(err)
		}
		calls := []func() error{
			func() error { return put("is committed")(s) },
			func() error { return put("waits")(s) },
			s.Close,
			func() error { return put("is late")(s) },
		}
		ended := make([]chan error, len(calls))
		for i, call := range calls {
			ended[i] = make(chan error, 1)
			go func() { ended[i] <- call() }()
			synctest.Wait()
		}
		if len(ended[0])+len(ended[1])+len(ended[2]) > 0 {
			t.Error("something ended before the commit did")
		}
		if err := <-ended[3]; !errors.Is(err, enroll.ErrStoreUnavailable) {
			t.Errorf("after Close: error %v", err)
		}
		close(g.opened)
		if err := errors.Join(<-ended[0], <-ended[1], <-ended[2]); err != nil {
			t.Error(err)
		}
	})
}

func TestReadingOnlyCostsNoCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		look := func(s *bolt.Store) error {
			return s.Update(context.Background(), func(tx enroll.Tx) error { _, err := tx.Person("first"); return err })
		}
		ended := gathered(t, g, put("ok-1"), put("ok-2"), put("ok-3"), func(s *bolt.Store) error {
			return errors.Join(look(s), look(s), look(s))
		})
		if ended[3] != nil || g.commits != 2 {
			t.Errorf("got %v and %d commits, want none and 2", ended[3], g.commits)
		}
	})
}
