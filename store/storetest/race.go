package storetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// racers is how many goroutines race for one thing.
const racers = 32

var errLost = errors.New("somebody else was first")

// race runs fn in Updates of many goroutines at once and returns how many of
// them succeeded. Every other one must have failed with one of the errors.
func race(t *testing.T, s enroll.Store, n int, fn func(i int, tx enroll.Tx) error, expected ...error) int {
	t.Helper()
	var won atomic.Int64
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-start
			err := s.Update(context.Background(), func(tx enroll.Tx) error { return fn(i, tx) })
			if err == nil {
				won.Add(1)
				return
			}
			for _, e := range expected {
				if errors.Is(err, e) {
					return
				}
			}
			t.Errorf("racer %d: %v", i, err)
		})
	}
	close(start)
	wait.Wait()
	return int(won.Load())
}

func testRacingTicket(t *testing.T, h Harness) {
	update(t, h.Store, func(tx enroll.Tx) error {
		d := deviceAt("TH20-SN1")
		d.Ticket = &enroll.Ticket{Order: "order-1", DrawnAt: epoch()}
		return tx.PutDevice(d)
	})
	won := race(t, h.Store, racers, func(i int, tx enroll.Tx) error {
		d, err := tx.Device("TH20-SN1")
		if err != nil {
			return err
		}
		if d.Ticket.UsedBy != nil {
			return errLost
		}
		key := keyAt(i)
		d.Ticket.UsedBy = &key
		d.Version++
		return errors.Join(tx.PutDevice(d), tx.Append(eventAt("TH20-SN1", i)))
	}, errLost)
	equal(t, "winners", won, 1)
	view(t, h.Store, func(r enroll.Reader) error {
		d, err := r.Device("TH20-SN1")
		equal(t, "version", d.Version, uint64(2))
		equal(t, "story", len(allRecords(t, r, enroll.RecordFilter{Device: "TH20-SN1"}, 10)), 1)
		return err
	})
}

func testRacingQuota(t *testing.T, h Harness) {
	order := fullOrder()
	order.Quantity = 10
	update(t, h.Store, func(tx enroll.Tx) error { return tx.PutOrder(order) })
	won := race(t, h.Store, racers, func(i int, tx enroll.Tx) error {
		return errors.Join(tx.TakeQuota("order-1"), tx.PutDevice(deviceAt(serialDevice(i))))
	}, enroll.ErrQuota)
	equal(t, "winners", won, 10)
	view(t, h.Store, func(r enroll.Reader) error {
		o, err := r.Order("order-1")
		equal(t, "enrolled", o.Enrolled, 10)
		equal(t, "devices", len(allDevices(t, r, enroll.DeviceFilter{}, 100)), 10)
		return err
	})
}

func testRacingKey(t *testing.T, h Harness) {
	won := race(t, h.Store, racers, func(i int, tx enroll.Tx) error {
		if _, err := tx.Key(keyAt(1)); !errors.Is(err, enroll.ErrNotFound) {
			return errors.Join(err, errLost)
		}
		return tx.PutKey(keyAt(1), enroll.KeyUse{Device: serialDevice(i)})
	}, errLost)
	equal(t, "winners", won, 1)
}

// testRacingChanges has many transactions change one row, while every third of
// them fails or panics after its writes.
func testRacingChanges(t *testing.T, h Harness) {
	update(t, h.Store, func(tx enroll.Tx) error { return tx.PutDevice(deviceAt("TH20-SN1")) })
	won := race(t, h.Store, 3*racers, func(i int, tx enroll.Tx) error {
		d, err := tx.Device("TH20-SN1")
		if err != nil {
			return err
		}
		d.Version++
		if err := errors.Join(tx.PutDevice(d), tx.Append(eventAt("TH20-SN1", i))); err != nil {
			return err
		}
		if i%3 == 0 {
			return errLost
		}
		return nil
	}, errLost)
	equal(t, "winners", won, 2*racers)
	view(t, h.Store, func(r enroll.Reader) error {
		d, err := r.Device("TH20-SN1")
		equal(t, "version", d.Version, uint64(1+2*racers))
		equal(t, "story", len(allRecords(t, r, enroll.RecordFilter{Device: "TH20-SN1"}, 10)), 2*racers)
		return err
	})
}

// testSnapshot changes two rows together and looks at both, in views, as often
// as it can: they never differ, and never go back.
func testSnapshot(t *testing.T, h Harness) {
	const changes = 50
	ids := []identity.DeviceID{"TH20-SN1", "TH20-SN2"}
	change := func(version uint64) func(enroll.Tx) error {
		return func(tx enroll.Tx) error {
			var errs []error
			for _, id := range ids {
				d := deviceAt(id)
				d.Version = version
				errs = append(errs, tx.PutDevice(d), tx.Append(eventAt(id, int(version))))
			}
			return errors.Join(errs...)
		}
	}
	update(t, h.Store, change(1))
	_, later := h.Store.(settler)
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wait.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := h.Store.View(context.Background(), func(r enroll.Reader) error { return snapshotHolds(r, ids, &last, later) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for version := uint64(2); version <= changes; version++ {
		update(t, h.Store, change(version))
		view(t, h.Store, func(r enroll.Reader) error { // what returned before is seen
			d, err := r.Device(ids[0])
			equal(t, "version", d.Version, version)
			return err
		})
	}
	close(stop)
	wait.Wait()
}

func snapshotHolds(r enroll.Reader, ids []identity.DeviceID, last *uint64, later bool) error {
	a, err1 := r.Device(ids[0])
	runtime.Gosched() // gives a writer its chance to come between
	b, err2 := r.Device(ids[1])
	size, err3 := r.TreeSize()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if a.Version != b.Version || size != 2*a.Version && !later || size > 2*a.Version || a.Version < *last {
		return errors.New("a view saw a transaction in part, or one undone")
	}
	*last = a.Version
	return nil
}
