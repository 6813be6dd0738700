package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/postgres"
)

// nodes opens a database several times.
func nodes(t *testing.T, n int, url string) []*postgres.Store {
	t.Helper()
	opened := make([]*postgres.Store, n)
	var wait sync.WaitGroup
	for i := range opened {
		wait.Go(func() { // all at once, also on an empty database
			s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
			if err != nil {
				t.Error(err)
				return
			}
			opened[i] = s
		})
	}
	wait.Wait()
	t.Cleanup(func() {
		for _, s := range opened {
			if s != nil {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return opened
}

// update runs an Update that must succeed.
func update(t *testing.T, s enroll.Store, fn func(enroll.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view runs a View that must succeed.
func view(t *testing.T, s enroll.Store, fn func(enroll.Reader) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// device returns the n-th device.
func device(n int) enroll.Device {
	return enroll.Device{Device: identity.Device{ID: deviceID(n), Fleet: "root", State: identity.Active, Version: 1}}
}

// eventOf returns an event of a device; n tells it from others.
func eventOf(id identity.DeviceID, n int) enroll.Event {
	return enroll.Event{Kind: enroll.DeviceEnrolled, Device: id, Count: n}
}

func order(quantity int) enroll.Order {
	return enroll.Order{ID: "order-1", Fleet: "root", Model: "TH20", Quantity: quantity}
}

// race has goroutines on all nodes do something, and returns how many succeeded;
// all others must have failed with lost.
func race(t *testing.T, on []*postgres.Store, n int, lost error, fn func(i int, tx enroll.Tx) error) int {
	t.Helper()
	var won atomic.Int64
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			err := on[i%len(on)].Update(context.Background(), func(tx enroll.Tx) error { return fn(i, tx) })
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, lost):
				t.Errorf("racer %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	return int(won.Load())
}

var errLost = errors.New("somebody else was first")

// TestNodesShareAQuota enrols under one order from several nodes, more than it
// takes, while its quantity changes: it is used up, and never exceeded.
func TestNodesShareAQuota(t *testing.T) {
	t.Parallel()
	on := nodes(t, 3, database(t))
	enrolled := 0
	for round, quantity := range []int{1, 7, 100, 60, 130} {
		update(t, on[round%3], func(tx enroll.Tx) error { return tx.PutOrder(order(quantity)) })
		won := race(t, on, 60, enroll.ErrQuota, func(i int, tx enroll.Tx) error {
			return errors.Join(tx.TakeQuota("order-1"), tx.PutDevice(device(1000*round+i)))
		})
		want := max(min(60, quantity-enrolled), 0)
		if enrolled += won; won != want {
			t.Errorf("of a quantity of %d, %d were enrolled after %d, want %d", quantity, won, enrolled-won, want)
		}
		for i, s := range on {
			view(t, s, func(r enroll.Reader) error {
				o, err := r.Order("order-1")
				if o.Enrolled != enrolled {
					t.Errorf("node %d counts %d, want %d", i, o.Enrolled, enrolled)
				}
				return err
			})
		}
	}
}

// TestAQuotaOutlivesItsHolders has a node leave, one way or the other, that was
// granted a part of a quota: others use it.
func TestAQuotaOutlivesItsHolders(t *testing.T) {
	t.Parallel()
	url := database(t)
	on := nodes(t, 2, url)
	take := func(tx enroll.Tx) error { return tx.TakeQuota("order-1") }
	update(t, on[0], func(tx enroll.Tx) error { return tx.PutOrder(order(10)) })
	update(t, on[0], take)
	if _, err := connect(t, url).Exec(t.Context(), "DELETE FROM nodes WHERE slot > 0"); err != nil { // as after a minute of silence
		t.Fatal(err)
	}
	if won := race(t, on[1:], 12, enroll.ErrQuota, func(_ int, tx enroll.Tx) error { return take(tx) }); won != 9 {
		t.Errorf("%d were enrolled, want the other 9", won)
	}
	if err := on[0].Update(t.Context(), take); !errors.Is(err, enroll.ErrQuota) {
		t.Errorf("the node that had gone: error %v, want ErrQuota", err)
	}
}

// connect connects to a database without a store.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestNodesRaceForRows has one winner for a ticket and for a key, and every change
// of a row that all nodes change.
func TestNodesRaceForRows(t *testing.T) {
	t.Parallel()
	on := nodes(t, 3, database(t))
	update(t, on[0], func(tx enroll.Tx) error {
		d := device(1)
		d.Ticket = &enroll.Ticket{Order: "order-1"}
		return errors.Join(tx.PutDevice(d), tx.PutDevice(device(2)), tx.PutOrder(order(1)))
	})
	for name, fn := range map[string]func(int, enroll.Tx) error{
		"ticket": func(i int, tx enroll.Tx) error {
			d, err := tx.Device(deviceID(1))
			if err != nil || d.Ticket.UsedBy != nil {
				return errors.Join(err, errLost)
			}
			d.Ticket.UsedBy = &ca.KeyHash{byte(i)}
			return errors.Join(tx.PutDevice(d), tx.Append(eventOf(d.ID, i)))
		},
		"key": func(i int, tx enroll.Tx) error {
			if _, err := tx.Key(ca.KeyHash{1}); !errors.Is(err, enroll.ErrNotFound) {
				return errors.Join(err, errLost)
			}
			return tx.PutKey(ca.KeyHash{1}, enroll.KeyUse{Device: deviceID(i)})
		},
		// Each looks for what the other one makes: in no order could both be there.
		"write skew": func(i int, tx enroll.Tx) error {
			for n := range 30 {
				if _, err := tx.Device(deviceID(100 + n)); !errors.Is(err, enroll.ErrNotFound) {
					return errors.Join(err, errLost)
				}
			}
			return tx.PutDevice(device(100 + i))
		},
	} {
		if won := race(t, on, 30, errLost, fn); won != 1 {
			t.Errorf("%s: %d winners, want 1", name, won)
		}
	}
	race(t, on, 60, nil, func(i int, tx enroll.Tx) error {
		d, err := tx.Device(deviceID(2))
		d.Version++
		return errors.Join(err, tx.PutDevice(d), tx.Append(eventOf(d.ID, i)), tx.CountRefusal("order-1", enroll.OrderFull, 1))
	})
	view(t, on[1], func(r enroll.Reader) error {
		d, err1 := r.Device(deviceID(2))
		o, err2 := r.Order("order-1")
		if d.Version != 61 || o.Refused[enroll.OrderFull] != 60 {
			t.Errorf("version %d, refusals %v, want 61 and 60", d.Version, o.Refused)
		}
		return errors.Join(err1, err2)
	})
	verifyLog(t, on[2], 61)
}

// verifyLog waits for the sequencer and proves that the log has n records, each
// once and in order per device.
func verifyLog(t *testing.T, s *postgres.Store, n int) {
	t.Helper()
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	view(t, s, func(r enroll.Reader) error {
		var export bytes.Buffer
		var tree audit.Frontier
		for page := (enroll.Page{Limit: enroll.MaxPage}); ; {
			part, err := r.Records(enroll.RecordFilter{Page: page})
			if err != nil {
				return err
			}
			for _, record := range part.Items {
				if record.Index != tree.Size() {
					return fmt.Errorf("record %d stands at place %d", record.Index, tree.Size())
				}
				tree.Add(nil, record.Data)
				export.Write(append(audit.Line(record.Data, tree.Root()), '\n'))
			}
			if page.After = part.Next; page.After == "" {
				break
			}
		}
		size, err := r.TreeSize()
		if err != nil {
			return err
		}
		if size != uint64(n) || tree.Size() != size {
			t.Errorf("the log has %d records and says %d, want %d", tree.Size(), size, n)
		}
		frontier, err := audit.FrontierAt(size, r.Hashes())
		if err != nil {
			return err
		}
		_, err = audit.Verify(&export, audit.Checkpoint{Size: size, Root: frontier.Root()})
		return err
	})
}

// TestStoriesAreInOrder changes devices by turns on several nodes: their records
// come in the order in which it happened, whoever numbers them.
func TestStoriesAreInOrder(t *testing.T) {
	t.Parallel()
	on := nodes(t, 3, database(t))
	const devices, changes = 6, 30
	var wait sync.WaitGroup
	for n := range devices {
		wait.Go(func() {
			for i := range changes {
				err := on[(n+i)%3].Update(context.Background(), func(tx enroll.Tx) error {
					d, err := tx.Device(deviceID(n))
					if i > 0 && err != nil {
						return err
					}
					d.Device = device(n).Device
					d.Version = uint64(i)
					return errors.Join(tx.PutDevice(d), tx.Append(eventOf(d.ID, i+1)))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	verifyLog(t, on[0], devices*changes)
	view(t, on[0], func(r enroll.Reader) error {
		for n := range devices {
			story, err := r.Records(enroll.RecordFilter{Device: deviceID(n)})
			if err != nil {
				return err
			}
			for i, record := range story.Items {
				if !bytes.Contains(record.Data, fmt.Appendf(nil, `"count":%d}`, i+1)) {
					return fmt.Errorf("record %d of %s is %s", i, deviceID(n), record.Data)
				}
			}
		}
		return nil
	})
}

// TestReferenceIsNotStale reads on one node what another one has just changed, in
// Views and in Updates, after it was remembered.
func TestReferenceIsNotStale(t *testing.T) {
	t.Parallel()
	on := nodes(t, 2, database(t))
	for i := range 20 {
		update(t, on[i%2], func(tx enroll.Tx) error {
			return errors.Join(
				tx.PutOrder(order(i+1)), tx.PutDevice(device(i)),
				tx.PutFleet(identity.Fleet{ID: "f", Parent: "root", Name: fmt.Sprint("f", i)}),
				tx.PutShard(enroll.Shard{ShardKey: shard, Changes: uint64(i)}),
			)
		})
		for n, s := range on {
			check := func(r enroll.Reader) error {
				o, err1 := r.Order("order-1")
				f, err2 := r.Fleet("f")
				sh, err3 := r.Shard(shard)
				if err := errors.Join(err1, err2, err3); err != nil {
					return err
				}
				if o.Quantity != i+1 || f.Name != fmt.Sprint("f", i) || sh.Changes != uint64(i) {
					t.Errorf("node %d reads a quantity of %d, the fleet %s and %d changes, want those of %d", n, o.Quantity, f.Name, sh.Changes, i)
				}
				return nil
			}
			view(t, s, check)
			update(t, s, func(tx enroll.Tx) error { return errors.Join(check(tx), tx.PutDevice(device(i))) })
		}
	}
}
