package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/postgres"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
	"github.com/touchmark/touchmark/store/storetest"
)

// TestAnUnknownOutcomeIsLearned loses commits, or only their answers, under load:
// nobody is told, and everything is there once.
func TestAnUnknownOutcomeIsLearned(t *testing.T) {
	t.Parallel()
	for _, beside := range []bool{false, true} {
		t.Run(fmt.Sprintf("beside others %t", beside), func(t *testing.T) {
			url := database(t)
			p := newProxy(t, server.Address())
			s := open(t, postgres.Config{URL: server.Through(p.address(), url)})
			if beside {
				open(t, postgres.Config{URL: url})
			}
			const writers, each = 8, 12
			update(t, s, func(tx enroll.Tx) error { return tx.PutOrder(order(writers * each)) })
			stop := make(chan struct{})
			var faults, wait sync.WaitGroup
			faults.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					case <-time.After(10 * time.Millisecond):
						p.fail(storetest.Faults()[i%2])
					}
				}
			})
			var ran atomic.Int64
			for g := range writers {
				wait.Go(func() {
					for i := range each {
						err := s.Update(context.Background(), func(tx enroll.Tx) error {
							ran.Add(1)
							d := device(100*g + i)
							return errors.Join(tx.TakeQuota("order-1"), tx.PutDevice(d), tx.Append(eventOf(d.ID, i)))
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wait.Wait()
			close(stop)
			faults.Wait()
			verifyLog(t, s, writers*each)
			view(t, s, func(r enroll.Reader) error {
				o, err := r.Order("order-1")
				if o.Enrolled != writers*each {
					t.Errorf("%d are enrolled, want %d", o.Enrolled, writers*each)
				}
				list, err2 := r.Devices(enroll.DeviceFilter{Page: enroll.Page{Limit: enroll.MaxPage}})
				if len(list.Items) != writers*each {
					t.Errorf("%d devices, want %d", len(list.Items), writers*each)
				}
				return errors.Join(err, err2)
			})
		})
	}
}

// TestAnOutageIsSatOut stops the server in the middle of things, politely and not.
func TestAnOutageIsSatOut(t *testing.T) {
	t.Parallel()
	own, err := postgrestest.Start(postgrestest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	}()
	url, err := own.Database()
	if err != nil {
		t.Fatal(err)
	}
	on := nodes(t, 2, url)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	var written atomic.Int64
	for g := range 6 {
		wait.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := deviceID(1000*g + i)
				err := on[g%2].Update(context.Background(), func(tx enroll.Tx) error {
					d := device(1000*g + i)
					return errors.Join(tx.PutDevice(d), tx.Append(eventOf(id, i)))
				})
				if err != nil {
					t.Errorf("Update: %v", err)
					return
				}
				written.Add(1)
				err = on[(g+1)%2].View(context.Background(), func(r enroll.Reader) error { _, err := r.Device(id); return err })
				if err != nil && !errors.Is(err, enroll.ErrStoreUnavailable) { // a snapshot cannot go on on another server
					t.Errorf("View: %v", err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { wait.Wait(); close(over) }()
	for _, atOnce := range []bool{false, true} {
		reach(t, &written, written.Load()+40, over)
		if err := errors.Join(own.Stop(atOnce), own.Resume()); err != nil {
			t.Fatal(err)
		}
	}
	reach(t, &written, written.Load()+40, over)
	close(stop)
	<-over
	verifyLog(t, on[0], int(written.Load()))
	for _, s := range on {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// reach waits until a count is reached by those who count until over.
func reach(t *testing.T, count *atomic.Int64, n int64, over <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for count.Load() < n {
		select {
		case <-over:
			t.Fatalf("all have ended at a count of %d, want %d", count.Load(), n)
		case <-tick.C:
		}
	}
}

// TestNoDatabase waits for a database that does not come: for as long as Patience
// allows, or the context.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := newProxy(t, server.Address())
	c := postgres.Config{URL: server.Through(p.address(), url), Patience: 300 * time.Millisecond}
	s := open(t, c)
	update(t, s, func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "p"}) })
	p.refuse(true)
	p.cut()
	put := func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "q"}) }
	if err := s.Update(t.Context(), put); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("Update: error %v, want ErrStoreUnavailable", err)
	}
	if err := s.View(t.Context(), func(r enroll.Reader) error { _, err := r.Person("p"); return err }); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("View: error %v, want ErrStoreUnavailable", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.Open(t.Context(), c); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("Open: error %v, want ErrStoreUnavailable", err)
	}
	if _, err := postgres.Open(ended, c); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: error %v, want the context's", err)
	}
	p.refuse(false)
	update(t, s, put)
	select {
	case <-s.Failed():
		t.Error("the store failed for good")
	default:
	}
}

// TestAPausedSequencerIsFencedOff stops a node in the middle of numbering, until
// another one has taken over: when it wakes it harms nothing.
func TestAPausedSequencerIsFencedOff(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := newProxy(t, server.Address())
	sleeper := open(t, postgres.Config{URL: server.Through(p.address(), url)})
	other := open(t, postgres.Config{URL: url})
	put := func(n int) func(enroll.Tx) error {
		return func(tx enroll.Tx) error {
			return errors.Join(tx.PutDevice(device(n)), tx.Append(eventOf(deviceID(n), n)))
		}
	}
	update(t, sleeper, put(0))
	conn := connect(t, url)
	_, err := conn.Exec(t.Context(), `INSERT INTO leases (task, holder, fence, expires_at) SELECT 'number', node, 7, now() + interval '1 hour' FROM nodes WHERE slot = 1
		ON CONFLICT (task) DO UPDATE SET (holder, fence, expires_at) = (excluded.holder, excluded.fence, excluded.expires_at)`)
	if err != nil {
		t.Fatal(err)
	}
	held, release := p.holdUp()
	defer release()
	update(t, other, put(1))
	<-held
	update(t, other, put(2))
	verifyLog(t, other, 3) // once the server has ended the sleeper's transaction and its turn is over
	release()
	update(t, sleeper, put(3))
	update(t, other, put(4))
	verifyLog(t, sleeper, 5)
	var fence int
	if err := conn.QueryRow(t.Context(), "SELECT fence FROM leases WHERE task = 'number'").Scan(&fence); err != nil || fence < 8 {
		t.Errorf("the fence stands at %d, want it above 7; error %v", fence, err)
	}
}

// TestSchemas refuses what a newer program has made of the database.
func TestSchemas(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, postgres.Config{URL: url})
	conn := connect(t, url)
	run := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run("INSERT INTO schema_versions (version_id, is_applied) VALUES (99, true)")
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: url}); err == nil || !strings.Contains(err.Error(), "newer Touchmark (schema 99") {
		t.Errorf("Open: error %v, want one that speaks of a newer Touchmark", err)
	}
	update(t, s, func(tx enroll.Tx) error { return tx.PutDevice(device(1)) }) // a running node goes on
	run("UPDATE nodes SET schema = 99")
	err := s.Update(t.Context(), func(tx enroll.Tx) error { return tx.PutDevice(device(2)) })
	if !errors.Is(err, enroll.ErrStoreUnavailable) || !strings.Contains(err.Error(), "schema 99") {
		t.Fatalf("Update: error %v, want ErrStoreUnavailable and the schema", err)
	}
	<-s.Failed()
	err = s.Update(t.Context(), func(tx enroll.Tx) error { return tx.PutDevice(device(2)) })
	if !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("Update after the failure: error %v, want ErrStoreUnavailable", err)
	}
}

// TestOneWhoFailsCostsTheOthersNothing mixes transactions that fail, panic, end
// their goroutine, or write what the database cannot hold, with others.
func TestOneWhoFailsCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Config{URL: database(t)})
	var wait sync.WaitGroup
	for i := range 60 {
		wait.Go(func() {
			ended := "went on"
			defer func() {
				if p := recover(); p != nil {
					ended = fmt.Sprint("panicked: ", p)
				} else if i%6 == 3 && ended != "exited" {
					t.Errorf("%d: %s", i, ended)
				}
				if i%6 == 2 && ended != "panicked: help" {
					t.Errorf("%d: %s", i, ended)
				}
			}()
			if i%6 == 3 {
				ended = "exited"
			}
			err := s.Update(context.Background(), func(tx enroll.Tx) error {
				if err := tx.PutDevice(device(i)); err != nil {
					return err
				}
				switch i % 6 {
				case 1:
					return errLost
				case 2:
					panic("help")
				case 3:
					runtime.Goexit()
				case 4:
					return tx.PutPerson(enroll.Person{Pseudonym: "p", Name: "a\x00b"})
				}
				return nil
			})
			ended = "went on"
			if wantError := i%6 == 1 || i%6 == 4; (err != nil) != wantError {
				t.Errorf("%d: error %v", i, err)
			}
		})
	}
	wait.Wait()
	view(t, s, func(r enroll.Reader) error {
		list, err := r.Devices(enroll.DeviceFilter{})
		if len(list.Items) != 20 {
			t.Errorf("%d devices, want the 20 of those who succeeded", len(list.Items))
		}
		return err
	})
}

// TestLongTransactions reads and writes thousands of devices in one transaction,
// as one that puts a manifest on record, in order and out of it.
func TestLongTransactions(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Config{URL: database(t)})
	open(t, postgres.Config{URL: database(t)})
	const many = 3000
	add := func(step int) func(enroll.Tx) error {
		return func(tx enroll.Tx) error {
			for i := range many {
				n := i * step % many
				d, err := tx.Device(deviceID(n))
				if errors.Is(err, enroll.ErrNotFound) {
					d, err = device(n), nil
				}
				d.Version++
				if err := errors.Join(err, tx.PutDevice(d)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	update(t, s, add(1))
	update(t, s, add(1))
	update(t, s, add(7))
	view(t, s, func(r enroll.Reader) error {
		for page := (enroll.Page{Limit: enroll.MaxPage}); ; {
			part, err := r.Devices(enroll.DeviceFilter{Page: page})
			if err != nil {
				return err
			}
			for _, d := range part.Items {
				if d.Version != 4 {
					return fmt.Errorf("device %s has the version %d, want 4", d.ID, d.Version)
				}
			}
			if page.After = part.Next; page.After == "" {
				return nil
			}
		}
	})
}

// TestPartsAreBounded looks for the one device in many that a filter selects: no
// part of the list looks at all of them, and the list still has it.
func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Config{URL: database(t)})
	const many = 12_000
	update(t, s, func(tx enroll.Tx) error {
		var errs []error
		for i := range many {
			d := device(i)
			if i == many-1 {
				d.State = identity.Expected
			}
			errs = append(errs, tx.PutDevice(d))
		}
		return errors.Join(errs...)
	})
	for _, f := range []enroll.DeviceFilter{
		{State: identity.Expected},
		{State: identity.Expected, Fleets: []identity.FleetID{"root", "none"}},
		{State: identity.Expected, Query: "SN"},
		{State: identity.Expected, Model: "TH20"},
	} {
		var parts []int
		for len(parts) < 5 {
			view(t, s, func(r enroll.Reader) error {
				part, err := r.Devices(f)
				parts, f.After = append(parts, len(part.Items)), part.Next
				return err
			})
			if f.After == "" {
				break
			}
		}
		if fmt.Sprint(parts) != "[0 1]" {
			t.Errorf("%+v: parts of %d, want one with nothing and one with the device", f, parts)
		}
	}
}
