package bolt

import (
	"bytes"
	"errors"
	"iter"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Devices are listed by expiry along the tree of certificates. One whose newest
// certificate has left for the archive stands in the tree of those that lapsed
// instead, which is merged into that walk: so it has an entry for exactly those
// devices whose newest certificate is not in the tree of certificates.

// renewal is a change of a device's newest certificate; zero stands for none.
type renewal struct {
	device   identity.DeviceID
	from, to ca.Serial
}

// deviceNewest is the part of a device's row that says its newest certificate.
type deviceNewest struct {
	Newest *struct {
		Serial [20]byte `cbor:"1,keyasint"`
	} `cbor:"9,keyasint,omitzero"`
}

// newest returns the serial number of a device's newest certificate, zero where
// it never had one.
func (r *reader) newest(id identity.DeviceID) (ca.Serial, error) {
	row, err := load[deviceNewest](r, devices, deviceKey(id, deviceRowKey))
	if err != nil || row.Newest == nil {
		return ca.Serial{}, err
	}
	return row.Newest.Serial, nil
}

func newestOf(d *enroll.Device) ca.Serial {
	if d.Newest == nil {
		return ca.Serial{}
	}
	return d.Newest.Serial
}

// settle keeps the tree of those that lapsed, when all that the transaction wrote
// is known: a device is often written before its new certificate is.
func (w *writer) settle() error {
	for _, change := range w.renewed {
		if err := w.unlapse(change.from); err != nil {
			return err
		}
		if change.to == (ca.Serial{}) || w.get(certificates, change.to[:]) != nil {
			continue
		}
		if err := w.pending.put(lapsed, change.to[:], []byte(change.device)); err != nil {
			return err
		}
	}
	return nil
}

// lapse notes that a certificate is gone, if it is its device's newest. A change
// of the same transaction that follows makes it good again.
func (w *writer) lapse(id identity.DeviceID, serial ca.Serial) error {
	newest, err := w.newest(id)
	if errors.Is(err, enroll.ErrNotFound) || err == nil && newest != serial {
		return nil
	}
	if err != nil {
		return err
	}
	return w.pending.put(lapsed, bytes.Clone(serial[:]), []byte(id))
}

// unlapse takes a certificate's entry away, if it has one.
func (w *writer) unlapse(serial ca.Serial) error {
	if serial == (ca.Serial{}) || w.get(lapsed, serial[:]) == nil {
		return nil
	}
	return w.pending.put(lapsed, bytes.Clone(serial[:]), nil)
}

// holder returns the device whose certificate it is, or was; empty for one of
// Touchmark's own.
func (r *reader) holder(serial ca.Serial) (identity.DeviceID, error) {
	if id := r.get(lapsed, serial[:]); id != nil {
		return identity.DeviceID(id), nil
	}
	c, err := load[certificateRow](r, certificates, serial[:])
	return identity.DeviceID(c.Device), err
}

// merged walks two walks that have no key in common, in the order of their keys.
func merged[C any](a, b iter.Seq2[[]byte, C]) iter.Seq2[[]byte, C] {
	return func(yield func([]byte, C) bool) {
		next, stop := iter.Pull2(b)
		defer stop()
		key, candidate, more := next()
		for k, c := range a {
			for more && bytes.Compare(key, k) < 0 {
				if !yield(key, candidate) {
					return
				}
				key, candidate, more = next()
			}
			if !yield(k, c) {
				return
			}
		}
		for more && yield(key, candidate) {
			key, candidate, more = next()
		}
	}
}
