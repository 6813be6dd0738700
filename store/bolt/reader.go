package bolt

import (
	"bytes"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// reader is enroll.Reader on one snapshot; within an Update pending holds the
// transaction's own writes, which lookups see and lists do not.
type reader struct {
	*snapshot
	pending *pending // nil in a View
}

var _ enroll.Reader = (*reader)(nil)

// committed reads what was there before the transaction's own writes.
func (r *reader) committed() *reader { return &reader{snapshot: r.snapshot} }

// get returns the value of a key, or nil. It belongs to the transaction.
func (r *reader) get(t tree, key []byte) []byte {
	if r.pending != nil {
		if value, found := r.pending.get(t, key); found {
			return value
		}
	}
	return r.bucket(t).Get(key)
}

// load reads and decodes a row, or returns enroll.ErrNotFound.
func load[R any](r *reader, t tree, key []byte) (R, error) {
	data := r.get(t, key)
	if data == nil {
		var none R
		return none, enroll.ErrNotFound
	}
	return decodeRow[R](t, key, data)
}

func (r *reader) Installation() (enroll.Installation, error) {
	row, err := load[installationRow](r, installation, []byte("installation"))
	if err != nil {
		return enroll.Installation{}, err
	}
	return enroll.Installation{PseudonymKey: row.PseudonymKey, BreakGlass: row.BreakGlass, BreakGlassSet: row.BreakGlassSet.time()}, nil
}

func (r *reader) Person(pseudonym string) (enroll.Person, error) {
	row, err := load[personRow](r, people, []byte(pseudonym))
	if err != nil {
		return enroll.Person{}, err
	}
	return enroll.Person{Pseudonym: pseudonym, ID: row.ID, Name: row.Name, FirstSeen: row.FirstSeen.time()}, nil
}

func (r *reader) Fleet(id identity.FleetID) (identity.Fleet, error) {
	row, err := load[fleetRow](r, fleets, []byte(id))
	if err != nil {
		return identity.Fleet{}, err
	}
	return row.fleet(id), nil
}

func (r *reader) Order(id enroll.OrderID) (enroll.Order, error) {
	row, err := load[orderRow](r, orders, []byte(id))
	if err != nil {
		return enroll.Order{}, err
	}
	o := row.order(id)
	o.Enrolled = int(number(r.get(quotas, []byte(id))))
	if data := r.get(refusals, []byte(id)); data != nil {
		counts, err := decodeRow[refusalsRow](refusals, []byte(id), data)
		if err != nil {
			return enroll.Order{}, err
		}
		o.Refused = make(map[enroll.Code]int, len(counts.Counts))
		for code, n := range counts.Counts {
			o.Refused[enroll.Code(code)] = n
		}
	}
	return o, nil
}

func (r *reader) Device(id identity.DeviceID) (enroll.Device, error) {
	row, err := load[deviceRow](r, devices, deviceKey(id, deviceRowKey))
	if err != nil {
		return enroll.Device{}, err
	}
	return row.device(id), nil
}

func (r *reader) Certificate(serial ca.Serial) (enroll.Certificate, error) {
	row, err := load[certificateRow](r, certificates, serial[:])
	if err != nil {
		return enroll.Certificate{}, err
	}
	return row.certificate(serial), nil
}

func (r *reader) Key(hash ca.KeyHash) (enroll.KeyUse, error) {
	row, err := load[keyRow](r, keys, hash[:])
	if err != nil {
		return enroll.KeyUse{}, err
	}
	return enroll.KeyUse{Device: identity.DeviceID(row.Device), Compromised: row.Compromised}, nil
}

func (r *reader) Shard(key enroll.ShardKey) (enroll.Shard, error) {
	row, err := load[shardRow](r, shards, shardKey(key))
	if err != nil {
		return enroll.Shard{}, err
	}
	return row.shard(key), nil
}

func (r *reader) CRL(key enroll.ShardKey) ([]byte, error) {
	der := r.get(crls, shardKey(key))
	if der == nil {
		return nil, enroll.ErrNotFound
	}
	return bytes.Clone(der), nil
}

// CRLEntries merges the shard's own writes into what the tree holds: both are
// sorted by serial number.
func (r *reader) CRLEntries(key enroll.ShardKey) (der []byte, n int, err error) {
	from := entryKey(key, nil)
	to := after(from)
	var own []write
	if r.pending != nil {
		own = r.pending.within(crlEntries, from, to)
	}
	take := func(entry []byte) {
		if entry != nil {
			der = append(der, entry...)
			n++
		}
	}
	for k, v := range r.ascend(crlEntries, from, to) {
		for len(own) > 0 && bytes.Compare(own[0].key, k) < 0 {
			take(own[0].value)
			own = own[1:]
		}
		if len(own) > 0 && bytes.Equal(own[0].key, k) {
			v, own = own[0].value, own[1:]
		}
		take(v)
	}
	for _, w := range own {
		take(w.value)
	}
	return der, n, nil
}
