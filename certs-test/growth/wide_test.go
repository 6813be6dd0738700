package growth_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// TestWideFleet writes fleets of very different size straight into the store, adds
// some devices that are real, and compares how many pages are touched, and how much
// CPU is used, by what people and devices do.
func TestWideFleet(t *testing.T) {
	eachKeeper(t, func(t *testing.T, k keeper) {
		var small, large []cost
		t.Run("narrow", func(t *testing.T) { small = measure(t, k, 0, *narrow) })
		t.Run("wide", func(t *testing.T) { large = measure(t, k, *narrow, *wide) })
		if len(small) != len(large) || len(small) == 0 {
			t.Fatal("not everything was measured")
		}
		for i, s := range small {
			l := large[i]
			atMost(t, true, s.what+", pages", l.pages, s.pages, pagesLimit())
			atMost(t, *full, s.what+", CPU µs", l.cpu, s.cpu, 1.5)
		}
	})
}

// pagesLimit is how many times as many pages may be touched. In a small tree a page
// holds more of what an operation looks for; a scan would be seen all the same.
func pagesLimit() float64 {
	if *full {
		return 1.5
	}
	return 2
}

// cost is what one operation takes.
type cost struct {
	what       string
	pages, cpu float64
}

// times is how often each operation is measured, each time with another of as many
// real devices.
const times = 50

// measure brings the store from one number of devices to another, and measures
// with real devices among them.
func measure(t *testing.T, k keeper, from, to int) []cost {
	ctx := t.Context()
	s := newSite(t)
	kept := open(t, k.url())
	check(t, s.serve(ctx, kept))
	var orders []enroll.OrderInfo
	for i := range 10 {
		made, err := s.CreateOrder(ctx, identity.NewBreakGlass(), enroll.NewOrder{
			Fleet: fmt.Sprintf("/size-%d/line-%d", to, i), Model: "TH20", Quantity: enroll.MaxQuantity,
		})
		check(t, err)
		orders = append(orders, made)
	}
	check(t, s.write(ctx, kept, orders, from, to))
	enrolled := newDevices(t, 0, times)
	for i := range enrolled {
		enrolled[i].serial = fmt.Sprintf("%s-of-%d", number((to/times)*i), to)
	}
	check(t, s.enrol(ctx, orders[0].ID, enrolled))
	check(t, kept.Close())
	size, err := k.size(ctx) // which tidies up
	check(t, err)
	t.Logf("%d devices take %d bytes each", to, size/int64(to))

	admin := identity.NewBreakGlass()
	var costs []cost
	again := func(what string, operate func(i int) error) {
		var used time.Duration
		pages, err := k.touched(ctx, times, func(kept enroll.Store) error { return s.serve(ctx, kept) }, func(i int) error {
			before := processorTime()
			defer func() { used += processorTime() - before }()
			if err := operate(i); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
		check(t, err)
		costs = append(costs, cost{what, float64(pages) / times, float64(used.Microseconds()) / times})
	}
	list := func(q enroll.DeviceQuery) func(int) error {
		return func(int) error {
			found, err := s.Devices(ctx, admin, q)
			if err == nil && len(found.Items) == 0 {
				return fmt.Errorf("nothing is found by %+v", q)
			}
			return err
		}
	}
	page := enroll.Page{Limit: 100}
	again("list a branch", list(enroll.DeviceQuery{Fleet: fmt.Sprintf("/size-%d", to), Page: page}))
	again("list a fleet", list(enroll.DeviceQuery{Fleet: fmt.Sprintf("/size-%d/line-3", to), Page: page}))
	again("list what expires", list(enroll.DeviceQuery{ExpiringBefore: s.clock().Add(time.Hour), Page: page}))
	again("search", func(i int) error { return list(enroll.DeviceQuery{Query: enrolled[i].serial, Page: page})(i) })
	again("show", func(i int) error {
		_, err := s.Device(ctx, admin, "TH20-"+enrolled[i].serial)
		return err
	})
	again("renew", func(i int) error { return s.renew(ctx, enrolled[i:i+1]) })
	again("hold", func(i int) error {
		_, err := s.Act(ctx, admin, "TH20-"+enrolled[i].serial, identity.Hold, "", "")
		return err
	})
	again("list what is held", list(enroll.DeviceQuery{State: string(identity.Held), Page: page}))
	again("revoke", func(i int) error {
		_, err := s.Act(ctx, admin, "TH20-"+enrolled[i].serial, identity.Revoke, "superseded", "")
		return err
	})
	return costs
}

// number writes the i-th device's number so that it sorts.
func number(i int) string { return fmt.Sprintf("%08d", i) }

// write writes devices as they are after their first enrolment, without a path
// that they went.
func (s *site) write(ctx context.Context, kept enroll.Store, orders []enroll.OrderInfo, from, to int) error {
	const part = 1_000
	der := make([]byte, 750)
	for begin := from; begin < to; begin += part {
		err := kept.Update(ctx, func(tx enroll.Tx) error {
			for i := begin; i < min(begin+part, to); i++ {
				if err := s.writeOne(tx, orders[i%len(orders)], i, der); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *site) writeOne(tx enroll.Tx, order enroll.OrderInfo, i int, der []byte) error {
	created := s.clock().Add(time.Duration(i) * time.Millisecond)
	serial := ca.FirstSerialAt(created.Add(30 * time.Minute))
	binary.BigEndian.PutUint64(serial[12:], uint64(i))
	var key ca.KeyHash
	binary.BigEndian.PutUint64(key[:], uint64(i)*0x9e37_79b9_7f4a_7c15) // as if it were a hash
	live := enroll.LiveCertificate{Serial: serial, Key: key, Status: enroll.StatusGood}
	d := enroll.Device{
		Device: identity.Device{
			ID: identity.DeviceID("TH20-" + number(i)), Fleet: order.Fleet, Order: string(order.ID), State: identity.Active, Version: 1,
			CreatedAt: created, ChangedAt: created,
		},
		Issued: 1, Newest: &live, Live: []enroll.LiveCertificate{live},
		Enrolment: &enroll.Enrolment{Order: order.ID, Key: key, Serial: serial},
	}
	c := enroll.Certificate{
		Serial: serial, DER: der, Issuer: s.issuer.ID(), Profile: enroll.DefaultProfile, Device: d.ID, Number: 1, Key: key,
		NotBefore: created, Status: enroll.StatusGood,
	}
	event := enroll.Event{Time: created, Kind: enroll.DeviceEnrolled, Device: d.ID, Order: order.ID, Certificate: &serial}
	for _, write := range []func() error{
		func() error { return tx.PutDevice(d) },
		func() error { return tx.PutCertificate(c) },
		func() error { return tx.PutKey(key, enroll.KeyUse{Device: d.ID}) },
		func() error { return tx.Append(event) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}
