package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (r *reader) Issuers() ([]enroll.IssuerRecord, error) {
	var list []enroll.IssuerRecord
	for id, data := range r.ascend(issuers, nil, nil) {
		row, err := decodeRow[issuerRow](issuers, id, data)
		if err != nil {
			return nil, err
		}
		list = append(list, enroll.IssuerRecord{ID: string(id), DER: row.DER, ActivatedAt: row.ActivatedAt.time()})
	}
	return list, nil
}

func (r *reader) Children(parent identity.FleetID, name string, page enroll.Page) (enroll.List[identity.Fleet], error) {
	at, err := position(childrenByName, page.After)
	if err != nil {
		return enroll.List[identity.Fleet]{}, err
	}
	walk := r.keysAfter(children, joined(string(parent), ""), at)
	if name != "" {
		key := joined(string(parent), name)
		walk = r.ascend(children, key, append(bytes.Clone(key), 0))
	}
	return collect(childrenByName, page, renamed(walk, func(_, id []byte) identity.FleetID { return identity.FleetID(id) }),
		found(r.committed().Fleet))
}

func (r *reader) Orders(f enroll.OrderFilter) (enroll.List[enroll.Order], error) {
	kind := ordersByID
	if f.Fleets != nil {
		kind = ordersByFleet
	}
	at, err := position(kind, f.After)
	if err != nil {
		return enroll.List[enroll.Order]{}, err
	}
	var walk iter.Seq2[[]byte, enroll.OrderID]
	if kind == ordersByFleet {
		walk = renamed(r.inFleets(fleetOrders, f.Fleets, at), func(key, _ []byte) enroll.OrderID {
			return enroll.OrderID(key[bytes.IndexByte(key, separator)+1:])
		})
	} else {
		walk = renamed(r.keysAfter(orders, nil, at), func(key, _ []byte) enroll.OrderID { return enroll.OrderID(key) })
	}
	order := found(r.committed().Order)
	return collect(kind, f.Page, walk, func(id enroll.OrderID) (enroll.Order, bool, error) {
		o, ok, err := order(id)
		return o, ok && (f.Model == "" || o.Model == f.Model), err
	})
}

// Certificates walks a device's lineage backwards, or the tree of certificates,
// which is sorted by expiry, between two times.
func (r *reader) Certificates(f enroll.CertificateFilter) (enroll.List[enroll.Certificate], error) {
	kind := certificatesByExpiry
	if f.Device != "" {
		kind = certificatesByDevice
	}
	at, err := position(kind, f.After)
	if err != nil {
		return enroll.List[enroll.Certificate]{}, err
	}
	var walk iter.Seq2[[]byte, ca.Serial]
	if kind == certificatesByDevice {
		walk = r.lineage(f.Device, at)
	} else {
		walk = r.byExpiry(certificates, f.ExpiringAfter, f.ExpiringBefore, at)
	}
	certificate := found(r.committed().Certificate)
	return collect(kind, f.Page, walk, func(serial ca.Serial) (enroll.Certificate, bool, error) {
		if !f.ExpiringBefore.IsZero() && !serial.NotAfter().Before(f.ExpiringBefore) || serial.NotAfter().Before(f.ExpiringAfter) {
			return enroll.Certificate{}, false, nil
		}
		return certificate(serial)
	})
}

func (r *reader) Shards(page enroll.Page) (enroll.List[enroll.Shard], error) {
	at, err := position(shardsByKey, page.After)
	if err != nil {
		return enroll.List[enroll.Shard]{}, err
	}
	walk := renamed(r.keysAfter(shards, nil, at), func(key, _ []byte) enroll.ShardKey {
		issuer, shard, _ := bytes.Cut(key, []byte{separator})
		return enroll.ShardKey{Issuer: string(issuer), Shard: ca.ShardID(shard)}
	})
	return collect(shardsByKey, page, walk, found(r.committed().Shard))
}

// lineage walks the serial numbers of a device's certificates, newest first; its
// positions are their numbers.
func (r *reader) lineage(id identity.DeviceID, at []byte) iter.Seq2[[]byte, ca.Serial] {
	return func(yield func([]byte, ca.Serial) bool) {
		prefix := deviceKey(id, lineageKey)
		end := after(prefix)
		if at != nil {
			end = append(bytes.Clone(prefix), at...)
		}
		c := r.bucket(devices).Cursor()
		step := c.Prev
		if k, _ := c.Seek(end); k == nil { // the device is the last of the tree
			step = c.Last
		}
		for k, v := step(); bytes.HasPrefix(k, prefix); k, v = c.Prev() {
			if !yield(k[len(prefix):], toSerial(v)) {
				return
			}
		}
	}
}

// byExpiry walks a tree's serial numbers from the first that ends at from to the last
// that ends before to; a zero to is no bound.
func (r *reader) byExpiry(t tree, from, to time.Time, at []byte) iter.Seq2[[]byte, ca.Serial] {
	first := ca.FirstSerialAt(from)
	start := first[:]
	if at != nil && bytes.Compare(at, start) >= 0 {
		start = append(bytes.Clone(at), 0)
	}
	var end []byte
	if !to.IsZero() {
		last := ca.FirstSerialAt(to.Add(time.Millisecond)) // to may stand between two milliseconds
		end = last[:]
	}
	return renamed(r.ascend(t, start, end), func(key, _ []byte) ca.Serial { return toSerial(key) })
}

// inFleets walks the keys that begin with the id of one of the fleets. A fleet
// that has none counts as looked at too: nil stands for its key.
func (r *reader) inFleets(t tree, ids []identity.FleetID, at []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(at, key []byte) bool) {
		sorted := slices.Sorted(maps.Keys(set(ids)))
		last, _, _ := bytes.Cut(at, []byte{separator})
		first, _ := slices.BinarySearch(sorted, identity.FleetID(last))
		for _, id := range sorted[first:] {
			prefix := joined(string(id), "")
			empty := true
			for key := range r.keysAfter(t, prefix, at) {
				empty = false
				if !yield(key, key) {
					return
				}
			}
			if empty && !yield(prefix, nil) {
				return
			}
		}
	}
}

// found makes a lookup pick an item. The zero key is no candidate, and no item;
// any other stands in an index, so what it names is there.
func found[K comparable, T any](lookup func(K) (T, error)) func(K) (T, bool, error) {
	return func(key K) (item T, ok bool, err error) {
		var none K
		if key == none {
			return item, false, nil
		}
		item, err = lookup(key)
		if errors.Is(err, enroll.ErrNotFound) {
			return item, false, fmt.Errorf("an index of the store names %v, which is not there; restore the store from a backup", key)
		}
		return item, err == nil, err
	}
}

// renamed turns the keys and values of a walk into candidates at their keys.
func renamed[C any](walk iter.Seq2[[]byte, []byte], candidate func(key, value []byte) C) iter.Seq2[[]byte, C] {
	return func(yield func([]byte, C) bool) {
		for key, value := range walk {
			if !yield(key, candidate(key, value)) {
				return
			}
		}
	}
}

func set[K comparable](keys []K) map[K]bool {
	s := make(map[K]bool, len(keys))
	for _, key := range keys {
		s[key] = true
	}
	return s
}
