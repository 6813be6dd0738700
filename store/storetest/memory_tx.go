package storetest

import (
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// memoryTx is one transaction on a memory.
type memoryTx struct {
	state
	events []memoryEvent
}

type memoryEvent struct {
	device identity.DeviceID
	json   []byte
	leaf   []byte // of a record of another log; nil for a new event
}

func (tx *memoryTx) Installation() (enroll.Installation, error) { return tx.installation.get("") }

func (tx *memoryTx) Person(pseudonym string) (enroll.Person, error)    { return tx.people.get(pseudonym) }
func (tx *memoryTx) Fleet(id identity.FleetID) (identity.Fleet, error) { return tx.fleets.get(id) }
func (tx *memoryTx) Device(id identity.DeviceID) (enroll.Device, error) {
	return tx.devices.get(id)
}

func (tx *memoryTx) Certificate(s ca.Serial) (enroll.Certificate, error) {
	return tx.certificates.get(s)
}
func (tx *memoryTx) Key(hash ca.KeyHash) (enroll.KeyUse, error)      { return tx.keys.get(hash) }
func (tx *memoryTx) Shard(key enroll.ShardKey) (enroll.Shard, error) { return tx.shards.get(key) }
func (tx *memoryTx) CRL(key enroll.ShardKey) ([]byte, error)         { return tx.crls.get(key) }

func (tx *memoryTx) Order(id enroll.OrderID) (enroll.Order, error) {
	o, err := tx.orders.get(id)
	if err == nil {
		o.Enrolled, _ = tx.quotas.find(id)
		o.Refused, _ = tx.refusals.find(id)
	}
	return o, err
}

func (tx *memoryTx) CRLEntries(key enroll.ShardKey) (der []byte, n int, err error) {
	for _, serial := range tx.serials(key) {
		entry, _ := tx.entries.find(entryKey{key, serial})
		der = append(der, entry...)
		n++
	}
	return der, n, nil
}

// serials returns the serial numbers that a shard has entries of, sorted.
func (tx *memoryTx) serials(key enroll.ShardKey) []ca.Serial {
	var list []ca.Serial
	for _, k := range tx.entries.all() {
		if k.shard == key {
			list = append(list, k.serial)
		}
	}
	slices.SortFunc(list, ca.Serial.Compare)
	return list
}

func (tx *memoryTx) PutInstallation(i enroll.Installation) error {
	tx.installation.put("", i)
	return nil
}

func (tx *memoryTx) PutPerson(p enroll.Person) error {
	tx.people.put(p.Pseudonym, p)
	return nil
}

func (tx *memoryTx) PutIssuer(i enroll.IssuerRecord) error {
	tx.issuers.put(i.ID, i)
	return nil
}

func (tx *memoryTx) PutFleet(f identity.Fleet) error {
	for _, id := range tx.fleets.all() {
		if other, _ := tx.fleets.find(id); f.Parent != "" && id != f.ID && other.Parent == f.Parent && other.Name == f.Name {
			return fmt.Errorf("fleet %s cannot be called %q: its neighbour %s is", f.ID, f.Name, id)
		}
	}
	tx.fleets.put(f.ID, f)
	return nil
}

func (tx *memoryTx) DeleteFleet(id identity.FleetID) error {
	tx.fleets.delete(id)
	return nil
}

func (tx *memoryTx) PutOrder(o enroll.Order) error {
	tx.orders.put(o.ID, o)
	return nil
}

func (tx *memoryTx) TakeQuota(id enroll.OrderID) error {
	o, err := tx.Order(id)
	if err != nil {
		return err
	}
	if o.Enrolled >= o.Quantity {
		return enroll.ErrQuota
	}
	tx.quotas.put(id, o.Enrolled+1)
	return nil
}

func (tx *memoryTx) CountRefusal(id enroll.OrderID, code enroll.Code, n int) error {
	if n < 1 {
		return fmt.Errorf("%d refusals cannot be counted", n)
	}
	o, err := tx.Order(id)
	if err != nil {
		return err
	}
	if o.Refused == nil {
		o.Refused = map[enroll.Code]int{}
	}
	o.Refused[code] += n
	tx.refusals.put(id, o.Refused)
	return nil
}

func (tx *memoryTx) PutDevice(d enroll.Device) error {
	if _, err := identity.ParseDeviceID(string(d.ID)); err != nil {
		return err
	}
	tx.devices.put(d.ID, d)
	return nil
}

func (tx *memoryTx) PutCertificate(c enroll.Certificate) error {
	tx.certificates.put(c.Serial, c)
	return nil
}

func (tx *memoryTx) PutKey(hash ca.KeyHash, use enroll.KeyUse) error {
	tx.keys.put(hash, use)
	return nil
}

func (tx *memoryTx) PutShard(s enroll.Shard) error {
	tx.shards.put(s.ShardKey, s)
	return nil
}

func (tx *memoryTx) DeleteShard(key enroll.ShardKey) error {
	tx.shards.delete(key)
	tx.crls.delete(key)
	for _, serial := range tx.serials(key) {
		tx.entries.delete(entryKey{key, serial})
	}
	return nil
}

func (tx *memoryTx) PutCRL(key enroll.ShardKey, der []byte) error {
	tx.crls.put(key, der)
	return nil
}

func (tx *memoryTx) PutCRLEntry(key enroll.ShardKey, serial ca.Serial, der []byte) error {
	tx.entries.put(entryKey{key, serial}, der)
	return nil
}

func (tx *memoryTx) DeleteCRLEntry(key enroll.ShardKey, serial ca.Serial) error {
	tx.entries.delete(entryKey{key, serial})
	return nil
}

func (tx *memoryTx) DeleteCRLEntries(key enroll.ShardKey, before ca.Serial) error {
	for _, serial := range tx.serials(key) {
		if serial.Compare(before) < 0 {
			tx.entries.delete(entryKey{key, serial})
		}
	}
	return nil
}

func (tx *memoryTx) Append(e enroll.Event) error {
	data, err := e.JSON()
	if err != nil {
		return err
	}
	tx.events = append(tx.events, memoryEvent{device: e.Device, json: data})
	return nil
}

// sequence numbers events and folds them into the tree.
func (m *memory) sequence(events []memoryEvent) error {
	s := &m.state
	for _, e := range events {
		index := uint64(len(s.records))
		leaf := e.leaf
		if leaf == nil {
			leaf = audit.Leaf(index, e.json)
		}
		hashes, err := tlog.StoredHashes(int64(index), leaf, tlog.HashReaderFunc(s.readHashes))
		if err != nil {
			return err
		}
		s.records, s.hashes = append(s.records, leaf), append(s.hashes, hashes...)
		if e.device != "" {
			s.stories[e.device] = append(s.stories[e.device], index)
		}
	}
	return nil
}

func (s *state) readHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, i := range indexes {
		if i < 0 || i >= int64(len(s.hashes)) {
			return nil, fmt.Errorf("hash %d is not in the log's tree", i)
		}
		hashes = append(hashes, s.hashes[i])
	}
	return hashes, nil
}
