package enroll_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A part of a list looks at a bounded number of records; one that finds nothing says
// where to go on.
func TestAuditPartsAreShort(t *testing.T) {
	r := newArchivedRig(t)
	for range 21 {
		r.fill(1_000)
	}
	r.order(1)
	parts, found := 0, 0
	for q := (enroll.AuditQuery{Kinds: []string{"order.created"}, Page: enroll.Page{Limit: 10}}); ; parts++ {
		list, err := r.Audit(t.Context(), r.admin, q)
		check(t, err)
		found += len(list.Items)
		if q.After = list.Next; q.After == "" {
			break
		}
	}
	if parts != 2 || found != 1 {
		t.Errorf("found %d in %d parts before the last", found, parts)
	}
}

// countedArchive counts what is read from it.
type countedArchive struct {
	enroll.Archive
	items int
}

func (a *countedArchive) Read(ctx context.Context, s enroll.Segment, from []byte, limit int) ([]enroll.Item, error) {
	items, err := a.Archive.Read(ctx, s, from, limit)
	a.items += len(items)
	return items, err
}

// Records are found by time and by everything else in the archive too, with clocks
// of nodes minutes apart, and without reading what lies before.
func TestAuditInTheArchive(t *testing.T) {
	read := &countedArchive{}
	r := newArchivedRig(t, func(c *enroll.Config) {
		c.Retention.Records = 20 * day
		read.Archive, c.Retention.Archive = c.Retention.Archive, read
	})
	begin := r.clock.Now()
	var times []time.Time // of the records that follow
	first := len(r.log())
	check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
		times = nil
		for i := range 3000 {
			at := begin.Add(time.Duration(i) * time.Hour / 4)
			if i%5 == 0 {
				at = at.Add(9 * time.Minute) // a node whose clock is ahead
			}
			times = append(times, at)
			event := enroll.Event{Time: at, Kind: enroll.DeviceHeld, Actor: fmt.Sprint("node-", i%3), Device: identity.DeviceID(fmt.Sprint("TH20-SN", i%7))}
			if err := tx.Append(event); err != nil {
				return err
			}
		}
		return nil
	}))
	r.clock.advance(40 * day)
	r.archiveSmall()
	_, _, hot := r.hot()
	if hot >= 3000 || hot < 512 {
		t.Fatalf("%d records are in the store", hot)
	}
	for name, q := range map[string]enroll.AuditQuery{
		"all of the archive":     {Until: begin.Add(5 * day)},
		"in the archive":         {From: begin.Add(3*day + 7*time.Minute), Until: begin.Add(4 * day)},
		"from within, to within": {From: times[1000], Until: times[1001]},
		"into the store":         {From: begin.Add(2 * day), Until: begin.Add(29 * day)},
		"in the store":           {From: begin.Add(28 * day)},
		"a device":               {From: begin.Add(10 * day), Device: "TH20-SN3"},
		"a device from the last": {From: begin.Add(29 * day), Device: "TH20-SN3"},
		"a node":                 {From: begin.Add(10 * day), Until: begin.Add(11 * day), Principal: "node-1"},
	} {
		t.Run(name, func(t *testing.T) {
			var want []uint64
			for i, at := range times {
				if at.Before(q.From) || !q.Until.IsZero() && !at.Before(q.Until) ||
					q.Device != "" && q.Device != fmt.Sprint("TH20-SN", i%7) || q.Principal != "" && q.Principal != fmt.Sprint("node-", i%3) {
					continue
				}
				want = append(want, uint64(first+i))
			}
			q.Kinds, q.Limit = []string{"device.held"}, 100
			read.items = 0
			if got, _ := r.records(r.admin, q); !slices.Equal(got, want) {
				t.Errorf("got %d records %v, want %d", len(got), got, len(want))
			}
			if most := 4*len(want) + 600; q.Device == "" && q.Principal == "" && read.items > most {
				t.Errorf("%d records were read from the archive for %d", read.items, len(want))
			}
		})
	}
}

// A fleet that moves takes its records along: they are found where it lies now, by
// those who may read there now.
func TestAuditAfterAMove(t *testing.T) {
	r := newRig(t)
	busy(r)
	before := r.want(func(e enroll.Event) bool { return e.Fleet == "/berlin/line-3" })
	auditor := someone("anna")
	_, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: auditor.ID(), Role: "auditor", Fleet: "/ulm"})
	check(t, err)
	check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
		ulm, err := tx.Children(identity.RootFleetID, "ulm", enroll.Page{Limit: 1})
		if err != nil {
			return err
		}
		berlin, err := tx.Children(identity.RootFleetID, "berlin", enroll.Page{Limit: 1})
		if err != nil {
			return err
		}
		line, err := tx.Children(berlin.Items[0].ID, "line-3", enroll.Page{Limit: 1})
		if err != nil {
			return err
		}
		moved := line.Items[0]
		moved.Parent = ulm.Items[0].ID
		return errors.Join(tx.PutFleet(moved), tx.PutDocument(enroll.RevisionDocument, "authority", []byte("moved")))
	}))
	for _, p := range []identity.Principal{r.admin, auditor} {
		got, _ := r.records(p, enroll.AuditQuery{Fleet: "/ulm/line-3"})
		if !slices.Equal(got, before) {
			t.Errorf("%s: found %v where it lies now, want %v", p.Name, got, before)
		}
	}
	if got, events := r.records(r.admin, enroll.AuditQuery{Fleet: "/berlin"}); len(got) != 1 { // its own creation
		t.Errorf("found %+v where it was", events)
	}
}
