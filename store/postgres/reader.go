package postgres

import (
	"bytes"
	"slices"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// source is where a transaction reads.
type source interface {
	// rows returns what is under keys, in their order: nil for nothing. It belongs
	// to everybody and is not changed.
	rows(keys ...key) ([]any, error)
	// ask makes a query about what was committed before the transaction.
	ask(query) error
}

// reader is enroll.Reader.
type reader struct{ source }

var _ enroll.Reader = reader{}

// one returns what is under a key, or enroll.ErrNotFound.
func one[T any](r reader, k key) (T, error) {
	var none T
	values, err := r.rows(k)
	if err != nil {
		return none, err
	}
	value, ok := values[0].(T)
	if !ok {
		return none, enroll.ErrNotFound
	}
	return value, nil
}

func (r reader) Installation() (enroll.Installation, error) {
	i, err := one[enroll.Installation](r, key{installation, ""})
	i.PseudonymKey, i.BreakGlass = clone(i.PseudonymKey), clone(i.BreakGlass)
	return i, err
}

func (r reader) Person(pseudonym string) (enroll.Person, error) {
	return one[enroll.Person](r, key{people, pseudonym})
}

func (r reader) Fleet(id identity.FleetID) (identity.Fleet, error) {
	return one[identity.Fleet](r, key{fleets, string(id)})
}

// Order puts an order and its counts together.
func (r reader) Order(id enroll.OrderID) (enroll.Order, error) {
	values, err := r.rows(key{orders, string(id)}, key{quotas, string(id)}, key{refusals, string(id)}, key{refused, string(id)})
	if err != nil {
		return enroll.Order{}, err
	}
	o, ok := values[0].(enroll.Order)
	if !ok {
		return enroll.Order{}, enroll.ErrNotFound
	}
	o.Stations = clone(o.Stations)
	shares, _ := values[1].(quota)
	o.Enrolled = shares.taken()
	for _, counts := range values[2:] {
		counts, _ := counts.(map[enroll.Code]int)
		for code, n := range counts {
			if o.Refused == nil {
				o.Refused = make(map[enroll.Code]int, len(counts))
			}
			o.Refused[code] += n
		}
	}
	return o, nil
}

func (r reader) Device(id identity.DeviceID) (enroll.Device, error) {
	d, err := one[enroll.Device](r, key{devices, string(id)})
	return cloneDevice(d), err
}

func (r reader) Certificate(serial ca.Serial) (enroll.Certificate, error) {
	c, err := one[enroll.Certificate](r, serialKey(serial))
	c.DER = clone(c.DER)
	return c, err
}

func (r reader) Key(hash ca.KeyHash) (enroll.KeyUse, error) {
	return one[enroll.KeyUse](r, key{keys, string(hash[:])})
}

func (r reader) Shard(k enroll.ShardKey) (enroll.Shard, error) {
	return one[enroll.Shard](r, shardKey(shards, k))
}

func (r reader) CRL(k enroll.ShardKey) ([]byte, error) {
	der, err := one[[]byte](r, shardKey(crls, k))
	return bytes.Clone(der), err
}

// CRLEntries merges what is written over what is found.
func (r reader) CRLEntries(k enroll.ShardKey) (der []byte, n int, err error) {
	values, err := r.rows(shardKey(crlEntries, k), shardKey(crlWrites, k))
	if err != nil {
		return nil, 0, err
	}
	list, _ := values[0].([]entry)
	if writes, ok := values[1].(*entryWrites); ok {
		list = writes.over(list)
	}
	for _, e := range list {
		der = append(der, e.der...)
	}
	return der, len(list), nil
}

// over returns what entries become, by serial number.
func (w *entryWrites) over(list []entry) (merged []entry) {
	for _, e := range list {
		if w.kept(e) {
			merged = append(merged, e)
		}
	}
	for serial, der := range w.puts {
		if der != nil {
			merged = append(merged, entry{serial, der})
		}
	}
	slices.SortFunc(merged, func(a, b entry) int { return a.serial.Compare(b.serial) })
	return merged
}
