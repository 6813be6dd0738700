package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// testLists asks the store and the oracle for lists with random filters.
func testLists(t *testing.T, h Harness) {
	oracle, w := NewMemory(), newWorld(2)
	for range 250 {
		x := w.draw()
		_, err := do(h.Store, x)
		if _, wantErr := do(oracle, x); !sameKind(err, wantErr) {
			t.Fatalf("%s: got error %v, want %v", x.id, err, wantErr)
		}
	}
	for range 200 {
		compareLists(t, w, h.Store, oracle)
	}
}

func compareLists(t *testing.T, w *world, s, oracle enroll.Store) {
	t.Helper()
	limit := 1 + w.IntN(20)
	devices, orders := w.deviceFilter(), enroll.OrderFilter{}
	if w.IntN(2) == 0 {
		orders.Fleets = w.fleetIDs()
	}
	if w.IntN(2) == 0 {
		orders.Model = w.model()
	}
	var certificates enroll.CertificateFilter
	switch w.IntN(3) {
	case 0:
		certificates.Device = w.deviceID()
	case 1:
		certificates.ExpiringAfter = serialAt(w.IntN(50), 0).NotAfter().Add(pick[time.Duration](w, 0, 1, -1))
		certificates.ExpiringBefore = serialAt(w.IntN(50), 0).NotAfter().Add(pick[time.Duration](w, 0, 1, -1))
	}
	story, parent, name := w.deviceID(), w.fleetID(), pick(w, "f1", "f2-renamed", "line-1", "line-2", "none")
	kind, prefix := w.documentKind(), w.documentPrefix()
	type lists struct {
		Documents    []enroll.Document
		Devices      []enroll.Device
		Orders       []enroll.Order
		Certificates []enroll.Certificate
		Story        []enroll.Record
		Named        []identity.Fleet
	}
	read := func(s enroll.Store) lists {
		var l lists
		view(t, s, func(r enroll.Reader) error {
			l = lists{
				Documents:    all(t, limit, documentsOf(r, kind, prefix)),
				Devices:      allDevices(t, r, devices, limit),
				Orders:       allOrders(t, r, orders, limit),
				Certificates: allCertificates(t, r, certificates, limit),
				Story:        allRecords(t, r, enroll.RecordFilter{Device: story}, limit),
				Named:        all(t, limit, func(p enroll.Page) (enroll.List[identity.Fleet], error) { return r.Children(parent, name, p) }),
			}
			return nil
		})
		return l
	}
	equal(t, fmt.Sprintf("devices %+v, orders %+v, certificates %+v", devices, orders, certificates), read(s), read(oracle))
}

// lister asks for one part of a list of some kind and returns how many items it
// has and its Next.
type lister func(r enroll.Reader, p enroll.Page) (int, string, error)

func counted[T any](l enroll.List[T], err error) (int, string, error) {
	return len(l.Items), l.Next, err
}

func listers() map[string]lister {
	return map[string]lister{
		"children": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Children(rootFleet, "", p))
		},
		"orders": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Orders(enroll.OrderFilter{Page: p}))
		},
		"devices": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Devices(enroll.DeviceFilter{Page: p}))
		},
		"a device's certificates": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Certificates(enroll.CertificateFilter{Device: "TH20-SN00000", Page: p}))
		},
		"certificates": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Certificates(enroll.CertificateFilter{Page: p}))
		},
		"documents": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Documents("", "", p))
		},
		"documents of a kind": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Documents(enroll.RoleDocument, "", p))
		},
		"documents of another kind": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Documents(enroll.GrantDocument, "", p))
		},
		"documents of a kind with a prefix": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Documents(enroll.RoleDocument, "f", p))
		},
		"people": func(r enroll.Reader, p enroll.Page) (int, string, error) { return counted(r.People(p)) },
		"keys":   func(r enroll.Reader, p enroll.Page) (int, string, error) { return counted(r.Keys(p)) },
		"segments": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Segments(enroll.RecordSegments, p))
		},
		"shards": func(r enroll.Reader, p enroll.Page) (int, string, error) { return counted(r.Shards(p)) },
		"records": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Records(enroll.RecordFilter{Page: p}))
		},
		"a story": func(r enroll.Reader, p enroll.Page) (int, string, error) {
			return counted(r.Records(enroll.RecordFilter{Device: "TH20-SN00000", Page: p}))
		},
	}
}

// putMany writes n of everything that is listed.
func putMany(t *testing.T, s enroll.Store, n int) {
	t.Helper()
	update(t, s, func(tx enroll.Tx) error {
		var errs []error
		for i := range n {
			c, o, shard := fullCertificate(), fullOrder(), fullShard()
			c.Device, c.Number, c.Serial = serialDevice(0), uint64(i)+1, serialAt(1, i)
			o.ID = enroll.OrderID(fmt.Sprintf("order-%05d", i))
			shard.Issuer = fmt.Sprintf("issuer-%05d", i)
			name := fmt.Sprintf("f%05d", i)
			errs = append(errs, tx.PutFleet(identity.Fleet{ID: identity.FleetID(name), Parent: rootFleet, Name: name}), tx.PutOrder(o),
				tx.PutDevice(deviceAt(serialDevice(i))), tx.PutCertificate(c), tx.PutShard(shard), tx.Append(eventAt(serialDevice(0), i)),
				tx.PutPerson(enroll.Person{Pseudonym: name}), tx.PutKey(keyAt(i), enroll.KeyUse{Device: serialDevice(i)}), tx.PutSegment(recordSegment(i)),
				tx.PutDocument(enroll.RoleDocument, name, []byte(name)), tx.PutDocument(enroll.GrantDocument, name, nil))
		}
		return errors.Join(errs...)
	})
}

func testCursors(t *testing.T, h Harness) {
	putMany(t, h.Store, 3)
	view(t, h.Store, func(r enroll.Reader) error {
		nexts := map[string]string{}
		for name, list := range listers() {
			n, next, err := list(r, enroll.Page{Limit: 1})
			if n != 1 || next == "" || err != nil {
				t.Fatalf("%s: got %d items, next %q, error %v, want 1 and a next", name, n, next, err)
			}
			nexts[name] = next
		}
		for name, list := range listers() {
			for other, next := range nexts {
				if _, _, err := list(r, enroll.Page{After: next}); (err == nil) != (name == other) || err != nil && !errors.Is(err, enroll.ErrCursor) {
					t.Errorf("%s after the cursor of %s: got error %v", name, other, err)
				}
			}
			for _, bad := range []string{"x", "!", "\x00", "AAAA", nexts[name] + "A", "A" + nexts[name], strings.Repeat("A", 100_000)} {
				if _, _, err := list(r, enroll.Page{After: bad}); !errors.Is(err, enroll.ErrCursor) {
					t.Errorf("%s after %.20q: got error %v, want ErrCursor", name, bad, err)
				}
			}
		}
		return nil
	})
}

func testLimits(t *testing.T, h Harness) {
	putMany(t, h.Store, enroll.MaxPage+1)
	view(t, h.Store, func(r enroll.Reader) error {
		for name, list := range listers() {
			for limit, want := range map[int]int{-1: enroll.DefaultPage, 0: enroll.DefaultPage, 1: 1, enroll.MaxPage: enroll.MaxPage, 1 << 40: enroll.MaxPage} {
				if n, next, err := list(r, enroll.Page{Limit: limit}); n != want || next == "" || err != nil {
					t.Errorf("%s, limit %d: got %d items, next %q, error %v, want %d", name, limit, n, next, err, want)
				}
			}
		}
		return nil
	})
}

// testPagingWhileWriting lists devices part by part, each in its own View, while
// others come and change: those that were there all the time are listed once.
func testPagingWhileWriting(t *testing.T, h Harness) {
	const there = 200
	update(t, h.Store, func(tx enroll.Tx) error {
		var errs []error
		for i := range there {
			errs = append(errs, tx.PutDevice(deviceAt(serialDevice(2*i))))
		}
		return errors.Join(errs...)
	})
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() {
		for i := range there {
			err := h.Store.Update(context.Background(), func(tx enroll.Tx) error {
				changed := deviceAt(serialDevice(2 * i))
				changed.State = identity.Active
				return errors.Join(tx.PutDevice(deviceAt(serialDevice(2*i+1))), tx.PutDevice(changed))
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	for _, f := range []enroll.DeviceFilter{{}, {Fleets: []identity.FleetID{rootFleet}}, {Query: "SN"}, {Model: "TH20"}} {
		seen := map[identity.DeviceID]int{}
		for _, d := range all(t, 7, func(p enroll.Page) (list enroll.List[enroll.Device], err error) {
			f.Page = p
			err = h.Store.View(context.Background(), func(r enroll.Reader) error {
				list, err = r.Devices(f)
				return err
			})
			return list, err
		}) {
			seen[d.ID]++
		}
		for i := range 2 * there {
			if n := seen[serialDevice(i)]; n > 1 || i%2 == 0 && n != 1 {
				t.Fatalf("%+v: the device %s was listed %d times", f, serialDevice(i), n)
			}
		}
	}
}
