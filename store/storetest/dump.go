package storetest

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// dump is all that can be listed of a store, and what hangs on it.
type dump struct {
	Installation enroll.Installation
	People       []enroll.Person
	Issuers      []enroll.IssuerRecord
	Fleets       []identity.Fleet
	Documents    []enroll.Document
	Orders       []enroll.Order
	Devices      []enroll.Device
	Certificates []enroll.Certificate
	Keys         []enroll.KnownKey
	Shards       []enroll.Shard
	CRLs         map[enroll.ShardKey]string // and the entries behind it
	Segments     []enroll.Segment
	Records      []enroll.Record
	Stories      map[identity.DeviceID][]enroll.Record
	Lineages     map[identity.DeviceID][]enroll.Certificate
	Size         uint64
	Root         tlog.Hash
}

// emptyRoot is the root of the empty log (RFC 6962, section 2.1).
func emptyRoot() tlog.Hash { return sha256.Sum256(nil) }

// dumpOf reads everything in one View, in small parts, sorted by id where the
// contract names no order.
func dumpOf(t *testing.T, s enroll.Store) dump {
	t.Helper()
	var d dump
	view(t, s, func(r enroll.Reader) error {
		d = dump{}
		var err error
		if d.Installation, err = r.Installation(); err != nil && !errors.Is(err, enroll.ErrNotFound) {
			return err
		}
		d.People, d.Keys = all(t, 29, r.People), all(t, 5, r.Keys)
		for _, kind := range segmentKinds() {
			d.Segments = append(d.Segments, all(t, 3, segmentsOf(r, kind))...)
		}
		if d.Issuers, err = r.Issuers(); err != nil {
			return err
		}
		d.Fleets = branch(t, r, identity.RootFleetID)
		d.Documents = all(t, 3, documentsOf(r, "", ""))
		d.Orders = allOrders(t, r, enroll.OrderFilter{}, 3)
		d.Devices = allDevices(t, r, enroll.DeviceFilter{}, 7)
		d.Shards = all(t, 2, r.Shards)
		for _, shard := range d.Shards {
			crl, err := r.CRL(shard.ShardKey)
			if err != nil && !errors.Is(err, enroll.ErrNotFound) {
				return err
			}
			der, _, err := r.CRLEntries(shard.ShardKey)
			if err != nil {
				return err
			}
			keep(&d.CRLs, shard.ShardKey, string(crl)+"|"+string(der))
		}
		d.readOfDevices(t, r)
		return d.readLog(t, r)
	})
	return d
}

func (d *dump) readOfDevices(t *testing.T, r enroll.Reader) {
	t.Helper()
	d.Certificates = allCertificates(t, r, enroll.CertificateFilter{}, 5)
	for _, device := range d.Devices {
		if lineage := allCertificates(t, r, enroll.CertificateFilter{Device: device.ID}, 2); lineage != nil {
			keep(&d.Lineages, device.ID, lineage)
		}
		if story := allRecords(t, r, enroll.RecordFilter{Device: device.ID}, 17); story != nil {
			keep(&d.Stories, device.ID, story)
		}
	}
}

func (d *dump) readLog(t *testing.T, r enroll.Reader) error {
	t.Helper()
	d.Records = allRecords(t, r, enroll.RecordFilter{}, 97)
	var err error
	if d.Size, err = r.TreeSize(); err != nil {
		return err
	}
	d.Root, err = tlog.TreeHash(int64(d.Size), r.Hashes())
	return err
}

func keep[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// branch returns a fleet, if it is there, and all below it.
func branch(t *testing.T, r enroll.Reader, id identity.FleetID) []identity.Fleet {
	t.Helper()
	var list []identity.Fleet
	if f, err := r.Fleet(id); err == nil {
		list = append(list, f)
	}
	for _, child := range all(t, 2, func(p enroll.Page) (enroll.List[identity.Fleet], error) { return r.Children(id, "", p) }) {
		list = append(list, branch(t, r, child.ID)...)
	}
	return list
}

func allOrders(t *testing.T, r enroll.Reader, f enroll.OrderFilter, limit int) []enroll.Order {
	t.Helper()
	list := all(t, limit, func(p enroll.Page) (enroll.List[enroll.Order], error) { f.Page = p; return r.Orders(f) })
	slices.SortFunc(list, func(a, b enroll.Order) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

func allDevices(t *testing.T, r enroll.Reader, f enroll.DeviceFilter, limit int) []enroll.Device {
	t.Helper()
	list := all(t, limit, func(p enroll.Page) (enroll.List[enroll.Device], error) { f.Page = p; return r.Devices(f) })
	slices.SortFunc(list, func(a, b enroll.Device) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

func allCertificates(t *testing.T, r enroll.Reader, f enroll.CertificateFilter, limit int) []enroll.Certificate {
	t.Helper()
	return all(t, limit, func(p enroll.Page) (enroll.List[enroll.Certificate], error) { f.Page = p; return r.Certificates(f) })
}

func allRecords(t *testing.T, r enroll.Reader, f enroll.RecordFilter, limit int) []enroll.Record {
	t.Helper()
	return all(t, limit, func(p enroll.Page) (enroll.List[enroll.Record], error) { f.Page = p; return r.Records(f) })
}
