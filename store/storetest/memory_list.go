package storetest

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// part sorts the items of a list by key, cuts a page out of them and clones what
// is on it. kind keeps the cursors of lists apart.
func part[T any](kind string, page enroll.Page, items []T, clone func(T) T, key func(T) string) (enroll.List[T], error) {
	digits, ours := strings.CutPrefix(page.After, kind+".")
	from, err := hex.DecodeString(digits)
	if page.After != "" && (!ours || err != nil || len(from) == 0) {
		return enroll.List[T]{}, enroll.ErrCursor
	}
	limit := page.Limit
	if limit < 1 {
		limit = enroll.DefaultPage
	}
	limit = min(limit, enroll.MaxPage)
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if page.After != "" {
		items = slices.DeleteFunc(items, func(item T) bool { return key(item) <= string(from) })
	}
	next := ""
	if len(items) > limit {
		items = items[:limit]
		next = kind + "." + hex.EncodeToString([]byte(key(items[limit-1])))
	}
	for i := range items {
		items[i] = clone(items[i])
	}
	return enroll.List[T]{Items: items, Next: next}, nil
}

// filter returns the committed rows that match; they are not the caller's yet.
func filter[K comparable, V any](t table[K, V], match func(*V) bool) []V {
	var list []V
	for _, row := range t.rows {
		if match(&row) {
			list = append(list, row)
		}
	}
	return list
}

func (tx *memoryTx) Issuers() ([]enroll.IssuerRecord, error) {
	var list []enroll.IssuerRecord
	for _, id := range slices.Sorted(maps.Keys(tx.issuers.rows)) {
		list = append(list, cloneIssuer(tx.issuers.rows[id]))
	}
	return list, nil
}

func (tx *memoryTx) Children(parent identity.FleetID, name string, page enroll.Page) (enroll.List[identity.Fleet], error) {
	return part("children", page, filter(tx.fleets, func(f *identity.Fleet) bool {
		return f.Parent == parent && f.Parent != "" && (name == "" || f.Name == name)
	}), same, func(f identity.Fleet) string { return f.Name })
}

func (tx *memoryTx) Orders(f enroll.OrderFilter) (enroll.List[enroll.Order], error) {
	list := filter(tx.orders, func(o *enroll.Order) bool {
		return (f.Fleets == nil || slices.Contains(f.Fleets, o.Fleet)) && (f.Model == "" || f.Model == o.Model)
	})
	for i := range list {
		list[i].Enrolled = tx.quotas.rows[list[i].ID]
		list[i].Refused = tx.refusals.rows[list[i].ID]
	}
	return part("orders", f.Page, list, cloneCountedOrder, func(o enroll.Order) string { return string(o.ID) })
}

func (tx *memoryTx) Devices(f enroll.DeviceFilter) (enroll.List[enroll.Device], error) {
	return part("devices", f.Page, filter(tx.devices, func(d *enroll.Device) bool {
		return (f.Fleets == nil || slices.Contains(f.Fleets, d.Fleet)) &&
			(f.Model == "" || f.Model == d.ID.Model()) &&
			(f.State == "" || f.State == d.State) &&
			(f.ExpiringBefore.IsZero() || d.Newest != nil && d.Newest.NotAfter().Before(f.ExpiringBefore)) &&
			(strings.HasPrefix(string(d.ID), f.Query) || strings.HasPrefix(string(d.ID.SerialNumber()), f.Query))
	}), cloneDevice, func(d enroll.Device) string { return string(d.ID) })
}

func (tx *memoryTx) Certificates(f enroll.CertificateFilter) (enroll.List[enroll.Certificate], error) {
	list := filter(tx.certificates, func(c *enroll.Certificate) bool {
		end := c.Serial.NotAfter()
		return (f.Device == "" || f.Device == c.Device) && !end.Before(f.ExpiringAfter) &&
			(f.ExpiringBefore.IsZero() || end.Before(f.ExpiringBefore))
	})
	if f.Device != "" {
		return part("lineage", f.Page, list, cloneCertificate, func(c enroll.Certificate) string { return fmt.Sprintf("%020d", math.MaxUint64-c.Number) })
	}
	return part("expiry", f.Page, list, cloneCertificate, func(c enroll.Certificate) string { return string(c.Serial[:]) })
}

func (tx *memoryTx) Shards(page enroll.Page) (enroll.List[enroll.Shard], error) {
	return part("shards", page, slices.Collect(maps.Values(tx.shards.rows)), cloneShard, func(s enroll.Shard) string { return s.Issuer + "\x00" + string(s.Shard) })
}

func (tx *memoryTx) Records(f enroll.RecordFilter) (enroll.List[enroll.Record], error) {
	var list []enroll.Record
	record := func(index uint64) enroll.Record { return enroll.Record{Index: index, Data: tx.records[index]} }
	kind := "records"
	if f.Device == "" {
		for index := range tx.records {
			list = append(list, record(uint64(index)))
		}
	} else {
		kind = "story"
		for _, index := range tx.stories[f.Device] {
			list = append(list, record(index))
		}
	}
	dropped := max(f.From, tx.dropped.rows[""])
	list = slices.DeleteFunc(list, func(r enroll.Record) bool { return r.Index < dropped })
	clone := func(r enroll.Record) enroll.Record { return enroll.Record{Index: r.Index, Data: slices.Clone(r.Data)} }
	return part(kind, f.Page, list, clone, func(r enroll.Record) string { return fmt.Sprintf("%020d", r.Index) })
}

func (tx *memoryTx) TreeSize() (uint64, error) { return uint64(len(tx.records)), nil }

func (tx *memoryTx) Hashes() tlog.HashReader { return tlog.HashReaderFunc(tx.readHashes) }
