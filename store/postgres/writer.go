package postgres

import (
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

var _ enroll.Tx = (*run)(nil)

// put keeps a write of a row whose texts can be stored.
func (r *run) put(k key, value any, texts ...string) error {
	for _, text := range append(texts, k.id) {
		if k.kind.textual() && !storable(text) {
			return fmt.Errorf("%.40q cannot be recorded: it is not UTF-8 or has a zero octet", text)
		}
	}
	r.own[k] = value
	return nil
}

// textual reports whether ids of the kind are one text.
func (k kind) textual() bool {
	switch k {
	case fleetNames, shards, documents, crls, crlEntries, crlWrites, keys, certificates, segments:
		return false
	default:
		return true
	}
}

// putReference keeps a write of a reference row.
func (r *run) putReference(k key, value any, texts ...string) error {
	r.mustBeAlone()
	return r.put(k, value, texts...)
}

// PutInstallation implements enroll.Tx.
func (r *run) PutInstallation(i enroll.Installation) error {
	i.PseudonymKey, i.BreakGlass, i.BreakGlassSet = clone(i.PseudonymKey), clone(i.BreakGlass), micros(i.BreakGlassSet)
	return r.putReference(key{installation, ""}, i)
}

// PutPerson implements enroll.Tx.
func (r *run) PutPerson(p enroll.Person) error {
	p.FirstSeen = micros(p.FirstSeen)
	return r.putReference(key{people, p.Pseudonym}, p, p.ID, p.Name)
}

// PutIssuer implements enroll.Tx.
func (r *run) PutIssuer(i enroll.IssuerRecord) error {
	i.DER, i.ActivatedAt = clone(i.DER), micros(i.ActivatedAt)
	return r.putReference(key{issuers, i.ID}, i)
}

// PutFleet keeps the index of names. Two fleets of one name below one parent are
// a fault of the caller, which has the transaction to look first.
func (r *run) PutFleet(f identity.Fleet) error {
	id, name := key{fleets, string(f.ID)}, key{fleetNames, joined(string(f.Parent), f.Name)}
	values, err := r.rows(id, name)
	if err != nil {
		return err
	}
	if taken, ok := values[1].(identity.Fleet); ok && f.Parent != "" && taken.ID != f.ID {
		return fmt.Errorf("fleet %s cannot be called %q: its neighbour %s is", f.ID, f.Name, taken.ID)
	}
	if err := r.putReference(id, f, string(f.Parent), f.Name); err != nil {
		return err
	}
	if was, ok := values[0].(identity.Fleet); ok && was.Parent != "" {
		r.own[key{fleetNames, joined(string(was.Parent), was.Name)}] = nil
	}
	if f.Parent != "" {
		r.own[name] = f
	}
	return nil
}

// DeleteFleet keeps the index of names.
func (r *run) DeleteFleet(f identity.FleetID) error {
	id := key{fleets, string(f)}
	values, err := r.rows(id)
	if err != nil {
		return err
	}
	was, ok := values[0].(identity.Fleet)
	if !ok {
		return nil
	}
	if err := r.putReference(id, nil); err != nil {
		return err
	}
	if was.Parent != "" {
		r.own[key{fleetNames, joined(string(was.Parent), was.Name)}] = nil
	}
	return nil
}

// PutOrder withdraws what was granted of the quota where the quantity changes.
func (r *run) PutOrder(o enroll.Order) error {
	if o.Quantity < 0 || o.Quantity > math.MaxInt32 {
		return fmt.Errorf("a quantity of %d cannot be recorded: 0 to %d", o.Quantity, math.MaxInt32)
	}
	id := key{orders, string(o.ID)}
	quotaID := key{quotas, string(o.ID)}
	values, err := r.rows(id, quotaID)
	if err != nil {
		return err
	}
	if was, ok := values[0].(enroll.Order); !ok || was.Quantity != o.Quantity {
		shares, _ := values[1].(quota)
		r.own[quotaID] = shares.withdrawn()
	}
	return r.putReference(id, cloneOrder(o), append([]string{string(o.Fleet), string(o.Model), o.Profile, o.Owner, o.OwnerGroup}, o.Stations...)...)
}

// TakeQuota implements enroll.Tx; quota.go says how it is exact.
func (r *run) TakeQuota(id enroll.OrderID) error {
	quotaID := key{quotas, string(id)}
	values, err := r.rows(key{orders, string(id)}, quotaID)
	if err != nil {
		return err
	}
	order, ok := values[0].(enroll.Order)
	if !ok {
		return enroll.ErrNotFound
	}
	shares, _ := values[1].(quota)
	slot := r.a.s.gate.slot
	taken, ok := shares.take(slot)
	if !ok {
		if !r.a.alone && !r.a.share[string(id)] {
			r.a.share[string(id)], r.a.unheld = true, true
			r.unwind()
		}
		if shares, err = shares.shareOut(slot, order.Quantity); err != nil {
			return err
		}
		taken, _ = shares.take(slot)
	}
	r.own[quotaID] = taken
	return nil
}

// CountRefusal adds to a count that is added to the order's row at the end.
func (r *run) CountRefusal(id enroll.OrderID, code enroll.Code, n int) error {
	if n < 1 {
		return fmt.Errorf("%d refusals of the order %s cannot be counted: at least 1", n, id)
	}
	if !storable(string(code)) {
		return fmt.Errorf("refusals of the order %s cannot be counted under %.40q", id, code)
	}
	added := key{refused, string(id)}
	values, err := r.rows(key{orders, string(id)}, added)
	if err != nil {
		return err
	}
	if values[0] == nil {
		return enroll.ErrNotFound
	}
	counts, _ := values[1].(map[enroll.Code]int)
	if counts = maps.Clone(counts); counts == nil {
		counts = map[enroll.Code]int{}
	}
	counts[code] += n
	r.own[added] = counts
	return nil
}

// PutDevice implements enroll.Tx.
func (r *run) PutDevice(d enroll.Device) error {
	if err := checkDeviceID(d.ID); err != nil {
		return err
	}
	texts := []string{string(d.Fleet), d.Order, string(d.State), d.Owner, d.OwnerGroup}
	if d.Reenrol != nil {
		texts = append(texts, d.Reenrol.AllowedBy)
	}
	return r.put(key{devices, string(d.ID)}, cloneDevice(d), texts...)
}

// PutCertificate implements enroll.Tx.
func (r *run) PutCertificate(c enroll.Certificate) error {
	if c.Device != "" {
		if err := checkDeviceID(c.Device); err != nil {
			return err
		}
	}
	if c.Number > math.MaxInt64 || c.Reason < 0 || c.Reason > math.MaxInt16 {
		return fmt.Errorf("certificate %s cannot be recorded: its number or reason is out of bounds", c.Serial)
	}
	for _, text := range []string{c.Issuer, string(c.Shard), c.Profile, string(c.Status)} {
		if !storable(text) {
			return fmt.Errorf("certificate %s cannot be recorded: %.40q is not UTF-8 or has a zero octet", c.Serial, text)
		}
	}
	return r.put(serialKey(c.Serial), cloneCertificate(c))
}

// PutKey implements enroll.Tx.
func (r *run) PutKey(hash ca.KeyHash, use enroll.KeyUse) error {
	if !storable(string(use.Device)) {
		return fmt.Errorf("a key of the device %.40q cannot be recorded", use.Device)
	}
	return r.put(key{keys, string(hash[:])}, use)
}

// PutShard implements enroll.Tx.
func (r *run) PutShard(s enroll.Shard) error {
	s.ThisUpdate, s.NextUpdate = micros(s.ThisUpdate), micros(s.NextUpdate)
	return errors.Join(checkShardKey(s.ShardKey), r.putReference(shardKey(shards, s.ShardKey), s))
}

// DeleteShard implements enroll.Tx.
func (r *run) DeleteShard(k enroll.ShardKey) error {
	return errors.Join(
		r.putReference(shardKey(shards, k), nil),
		r.putReference(shardKey(crls, k), nil),
		r.putReference(shardKey(crlWrites, k), &entryWrites{all: true}),
	)
}

// PutCRL implements enroll.Tx.
func (r *run) PutCRL(k enroll.ShardKey, der []byte) error {
	return errors.Join(checkShardKey(k), r.putReference(shardKey(crls, k), append([]byte{}, der...)))
}

// PutCRLEntry implements enroll.Tx.
func (r *run) PutCRLEntry(k enroll.ShardKey, serial ca.Serial, der []byte) error {
	return errors.Join(checkShardKey(k), r.writeEntries(k, func(w *entryWrites) { w.puts[serial] = append([]byte{}, der...) }))
}

// DeleteCRLEntry implements enroll.Tx.
func (r *run) DeleteCRLEntry(k enroll.ShardKey, serial ca.Serial) error {
	return r.writeEntries(k, func(w *entryWrites) { w.puts[serial] = nil })
}

// DeleteCRLEntries implements enroll.Tx.
func (r *run) DeleteCRLEntries(k enroll.ShardKey, before ca.Serial) error {
	return r.writeEntries(k, func(w *entryWrites) {
		if before.Compare(w.floor) > 0 {
			w.floor = before
		}
		maps.DeleteFunc(w.puts, func(serial ca.Serial, _ []byte) bool { return serial.Compare(before) < 0 })
	})
}

// writeEntries changes what becomes of a shard's entries.
func (r *run) writeEntries(k enroll.ShardKey, change func(*entryWrites)) error {
	id := shardKey(crlWrites, k)
	writes := &entryWrites{puts: map[ca.Serial][]byte{}}
	if value, _ := r.row(id); value != nil {
		was, _ := value.(*entryWrites)
		writes.all, writes.floor = was.all, was.floor
		maps.Copy(writes.puts, was.puts)
	}
	change(writes)
	return r.putReference(id, writes)
}

func checkDeviceID(id identity.DeviceID) error {
	_, err := identity.ParseDeviceID(string(id))
	return err
}

func checkShardKey(k enroll.ShardKey) error {
	for _, id := range []string{k.Issuer, string(k.Shard)} {
		if id == "" || !storable(id) {
			return fmt.Errorf("the CRL shard %.40q of the issuer %.40q cannot be recorded: its name is empty, not UTF-8 or has a zero octet", k.Shard, k.Issuer)
		}
	}
	return nil
}
