package transfer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

func epoch() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 535_897_000, time.UTC) }

// world fills a store with some of everything, by chance.
type world struct {
	*rand.Rand
	devices int
	records int  // events of each device
	root    bool // the root fleet has a row, which the service writes none of
}

func (w world) moment() time.Time {
	return epoch().Add(time.Duration(w.IntN(1_000_000_000)) * time.Microsecond)
}

func (w world) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.Uint32())
	}
	return b
}

func (w world) serial() ca.Serial {
	s := ca.FirstSerialAt(epoch().Add(time.Duration(w.IntN(5_000)) * time.Hour))
	copy(s[7:], w.bytes(13))
	return s
}

func (w world) shardKey() enroll.ShardKey {
	return enroll.ShardKey{Issuer: fmt.Sprintf("issuer-%d", w.IntN(2)), Shard: ca.ShardID(fmt.Sprintf("86400-1-0-%d", w.IntN(3)))}
}

func (w world) device(n int) enroll.Device {
	id := identity.DeviceID(fmt.Sprintf("TH20-SN%06d", n))
	d := enroll.Device{Device: identity.Device{
		ID: id, Fleet: w.fleet(), Order: "order-1", State: identity.States()[w.IntN(len(identity.States()))], Version: w.Uint64N(9) + 1,
		CreatedAt: w.moment(), ChangedAt: w.moment(),
	}}
	if w.IntN(2) == 0 {
		d.Owner, d.OwnerGroup = "p-owner", "group:x#owners"
		d.Ticket = &enroll.Ticket{Order: "order-1", Hash: [32]byte(w.bytes(32)), DrawnAt: w.moment(), DrawnBy: "p-operator"}
		d.KeyProtection = policy.SecureElement
	}
	if w.IntN(4) == 0 {
		d.Reenrol = &enroll.Reenrol{Until: w.moment(), AllowedAt: w.moment(), AllowedBy: "p-operator"}
		d.ForkedAt = w.moment()
	}
	return d
}

func (w world) fleet() identity.FleetID {
	return []identity.FleetID{identity.RootFleetID, "fleet-a", "fleet-b", "fleet-c"}[w.IntN(4)]
}

// fill writes the world.
func (w world) fill(t testing.TB, s enroll.Store) {
	t.Helper()
	key := w.bytes(32)
	steps := []func(tx enroll.Tx) error{
		func(tx enroll.Tx) error {
			return tx.PutInstallation(enroll.Installation{PseudonymKey: key, BreakGlass: make([]byte, 32), BreakGlassSet: epoch()})
		},
		func(tx enroll.Tx) error {
			if !w.root {
				return nil
			}
			return tx.PutFleet(identity.Fleet{ID: identity.RootFleetID})
		},
		func(tx enroll.Tx) error {
			return errors.Join(
				tx.PutFleet(identity.Fleet{ID: "fleet-a", Parent: identity.RootFleetID, Name: "zürich"}),
				tx.PutFleet(identity.Fleet{ID: "fleet-b", Parent: identity.RootFleetID, Name: "berlin"}),
				tx.PutFleet(identity.Fleet{ID: "fleet-c", Parent: "fleet-a", Name: "line-3"}),
			)
		},
	}
	for n := range 5 {
		person := enroll.Person{Pseudonym: fmt.Sprintf("p-%d", n), ID: fmt.Sprintf("oidc:x#%d", n), Name: "Ada", FirstSeen: w.moment()}
		issuer := enroll.IssuerRecord{ID: fmt.Sprintf("issuer-%d", n%2), DER: w.bytes(40), ActivatedAt: w.moment()}
		order := enroll.Order{
			ID: enroll.OrderID(fmt.Sprintf("order-%d", n)), Fleet: w.fleet(), Model: "TH20", Quantity: 1 + w.IntN(9), Profile: "default",
			Opens: w.moment(), CreatedAt: w.moment(), Version: 1, Stations: []string{"device:ST-1"}, Owner: "p-owner", OwnerGroup: "group:x#owners",
		}
		refused := 1 + w.IntN(5)
		steps = append(steps, func(tx enroll.Tx) error {
			err := errors.Join(tx.PutPerson(person), tx.PutIssuer(issuer), tx.PutOrder(order), tx.PutEnrolled(order.ID, n))
			if n%2 == 0 {
				err = errors.Join(err, tx.CountRefusal(order.ID, enroll.OrderFull, refused), tx.CountRefusal(order.ID, enroll.BadCSR, 1))
			}
			return err
		})
	}
	for n := range 12 {
		data := w.bytes(n * n * 1000)
		steps = append(steps, func(tx enroll.Tx) error {
			return errors.Join(tx.PutDocument(enroll.RoleDocument, fmt.Sprintf("role-%d", n), data), tx.PutDocument(enroll.GrantDocument, fmt.Sprintf("%d", n), nil))
		})
	}
	for n := range w.devices {
		steps = append(steps, w.issuance(n))
	}
	steps = append(steps, func(tx enroll.Tx) error {
		return tx.PutSegment(enroll.Segment{
			Kind: enroll.CertificateSegments, First: make([]byte, 20), Last: bytes.Repeat([]byte{1}, 20), Items: 7, Name: "certificates-1", Digest: [32]byte{1},
		})
	})
	for part := range slices.Chunk(steps, 200) {
		update(t, s, func(tx enroll.Tx) error {
			for _, step := range part {
				if err := step(tx); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// issuance writes a device with its certificate and all that comes of it.
func (w world) issuance(n int) func(enroll.Tx) error {
	d, shard, at := w.device(n), w.shardKey(), w.moment()
	c := enroll.Certificate{
		Serial: w.serial(), DER: w.bytes(100), Issuer: shard.Issuer, Shard: shard.Shard, Profile: "default", Device: d.ID,
		Number: 1, Key: ca.KeyHash(w.bytes(32)), NotBefore: at, Status: enroll.StatusGood,
	}
	live := enroll.LiveCertificate{Serial: c.Serial, Key: c.Key, Status: c.Status}
	d.Newest, d.Live, d.Issued = &live, []enroll.LiveCertificate{live}, 1
	d.Enrolment = &enroll.Enrolment{Order: "order-1", Key: c.Key, Serial: c.Serial}
	revoked := w.IntN(5) == 0
	if revoked {
		c.Status, c.Reason, c.RevokedAt = enroll.StatusRevoked, ca.KeyCompromise, at
	}
	crl := w.bytes(50)
	return func(tx enroll.Tx) error {
		err := errors.Join(
			tx.PutDevice(d), tx.PutCertificate(c), tx.PutKey(c.Key, enroll.KeyUse{Device: d.ID, Compromised: revoked}),
			tx.PutShard(enroll.Shard{ShardKey: shard, Changes: uint64(n), Number: 2, ThisUpdate: at, NextUpdate: at.Add(time.Hour), Issued: 3}),
		)
		if revoked {
			err = errors.Join(err, tx.PutCRL(shard, crl), tx.PutCRLEntry(shard, c.Serial, ca.EncodeCRLEntry(c.Serial, at, c.Reason)))
		}
		for i := range w.records {
			err = errors.Join(err, tx.Append(enroll.Event{Time: at, Kind: enroll.CertificateIssued, Device: d.ID, Comment: "<é> & so on", Count: i}))
		}
		return err
	}
}

func update(t testing.TB, s enroll.Store, fn func(tx enroll.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// archive is enroll.Archive in memory.
type archive map[string][]enroll.Item

func (a archive) Put(_ context.Context, kind enroll.SegmentKind, items []enroll.Item) (enroll.Segment, error) {
	s := enroll.Segment{
		Kind: kind, First: items[0].Key, Last: items[len(items)-1].Key, Items: uint64(len(items)), Name: fmt.Sprintf("%s-%d", kind, len(a)),
	}
	a[s.Name] = items
	return s, nil
}

func (a archive) Get(ctx context.Context, s enroll.Segment, key []byte) ([]byte, error) {
	items, err := a.Read(ctx, s, key, 1)
	if err == nil && (len(items) == 0 || !bytes.Equal(items[0].Key, key)) {
		err = enroll.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return items[0].Value, nil
}

func (a archive) Read(_ context.Context, s enroll.Segment, from []byte, limit int) ([]enroll.Item, error) {
	items, found := a[s.Name]
	if !found {
		return nil, fmt.Errorf("no file %s", s.Name)
	}
	at, _ := slices.BinarySearchFunc(items, from, func(i enroll.Item, key []byte) int { return bytes.Compare(i.Key, key) })
	return items[at:min(at+limit, len(items))], nil
}

// archivedRecord is a record as enroll.Service archives it.
func archivedRecord(index uint64, leaf []byte) enroll.Item {
	value := fmt.Appendf(nil, `{"hash":"%s","record":%s}`, tlog.RecordHash(leaf), leaf)
	return enroll.Item{Key: binary.BigEndian.AppendUint64(nil, index), Value: value}
}

// retire moves the first records of a store's log into the archive, in two files.
func (a archive) retire(t *testing.T, s enroll.Store, from, before uint64) {
	t.Helper()
	var items []enroll.Item
	err := s.View(t.Context(), func(r enroll.Reader) error {
		items = nil
		for index := from; index < before; {
			list, err := r.Records(enroll.RecordFilter{From: index, Page: enroll.Page{Limit: int(min(before-index, 1000))}})
			if err != nil {
				return err
			}
			for _, r := range list.Items {
				items = append(items, archivedRecord(r.Index, r.Data))
			}
			index += uint64(len(list.Items))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]enroll.Item{items[:256], items[256:]} {
		if len(part) == 0 {
			continue
		}
		segment, err := a.Put(t.Context(), enroll.RecordSegments, part)
		if err != nil {
			t.Fatal(err)
		}
		update(t, s, func(tx enroll.Tx) error { return tx.PutSegment(segment) })
	}
	update(t, s, func(tx enroll.Tx) error { return tx.DropRecords(before) })
}
