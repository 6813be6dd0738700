package bolt

import (
	"fmt"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// What a copy of another store needs beside the rest.

// PutEnrolled implements enroll.Tx.
func (w *writer) PutEnrolled(order enroll.OrderID, n int) error {
	if n < 0 {
		return fmt.Errorf("%d devices cannot be enrolled under the order %s: at least 0", n, order)
	}
	if w.get(orders, []byte(order)) == nil {
		return enroll.ErrNotFound
	}
	return w.pending.put(quotas, []byte(order), numberKey(uint64(n)))
}

// AppendRecord implements enroll.Tx. The events of the batch before it have their
// place before it too.
func (w *writer) AppendRecord(r enroll.Record) error {
	if next := w.next + uint64(len(w.events)); r.Index != next {
		return fmt.Errorf("record %d cannot be added: the next of the log is %d", r.Index, next)
	}
	if len(r.Data) > audit.MaxLeaf {
		return fmt.Errorf("record %d of %d bytes is too large: at most %d", r.Index, len(r.Data), audit.MaxLeaf)
	}
	device, err := deviceIn(r.Data)
	if err == nil && device != "" {
		err = checkDeviceID(device)
	}
	if err != nil {
		return fmt.Errorf("record %d cannot be added: %w", r.Index, err)
	}
	w.events = append(w.events, event{device: device, leaf: owned(r.Data)})
	return nil
}

// People walks those whom pseudonymous ids stand for.
func (r *reader) People(page enroll.Page) (enroll.List[enroll.Person], error) {
	at, err := position(peopleByID, page.After)
	if err != nil {
		return enroll.List[enroll.Person]{}, err
	}
	walk := renamed(r.keysAfter(people, nil, at), func(key, _ []byte) string { return string(key) })
	return collect(peopleByID, page, walk, found(r.committed().Person))
}

// Keys walks the public keys that are known.
func (r *reader) Keys(page enroll.Page) (enroll.List[enroll.KnownKey], error) {
	at, err := position(keysByHash, page.After)
	if err != nil {
		return enroll.List[enroll.KnownKey]{}, err
	}
	type row struct{ key, value []byte }
	walk := renamed(r.keysAfter(keys, nil, at), func(key, value []byte) row { return row{key, value} })
	return collect(keysByHash, page, walk, func(found row) (known enroll.KnownKey, ok bool, err error) {
		use, err := decodeRow[keyRow](keys, found.key, found.value)
		copy(known.Hash[:], found.key)
		known.KeyUse = enroll.KeyUse{Device: identity.DeviceID(use.Device), Compromised: use.Compromised}
		return known, err == nil, err
	})
}
