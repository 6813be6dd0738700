package storetest

import (
	"encoding/json"
	"errors"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// events appends so many that there are records to be dropped.
func (w *world) events() step {
	e, n := eventAt(w.deviceID(), 0), 1+w.IntN(100)
	return func(tx enroll.Tx) (any, error) {
		for i := range n {
			e := e
			e.Count = i
			if err := tx.Append(e); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// record adds a record as it would stand in another log, or at a wrong place.
func (w *world) record() step {
	e := eventAt(w.deviceID(), w.IntN(1000))
	if w.IntN(3) == 0 {
		e.Device = ""
	}
	off := uint64(pick(w, 0, 0, 0, 1))
	return func(tx enroll.Tx) (any, error) {
		size, err := tx.TreeSize()
		if err != nil {
			return nil, err
		}
		r, err := recordAt(size+off, e)
		if err != nil {
			return nil, err
		}
		return size, tx.AppendRecord(r)
	}
}

// recordAt returns the record that an event is at some place of a log.
func recordAt(index uint64, e enroll.Event) (enroll.Record, error) {
	data, err := json.Marshal(e)
	return enroll.Record{Index: index, Data: audit.Leaf(index, data)}, err
}

func (w *world) enrolled() step {
	id, n := w.orderID(), w.IntN(8)
	return func(tx enroll.Tx) (any, error) {
		if err := tx.PutEnrolled(id, n); err != nil {
			return nil, err
		}
		return tx.Order(id)
	}
}

func (w *world) forgetKey() step {
	hash := keyAt(w.IntN(20))
	return func(tx enroll.Tx) (any, error) {
		use, err := tx.Key(hash)
		if err != nil {
			return nil, err
		}
		return use, tx.DeleteKey(hash)
	}
}

// forget deletes a certificate that may have been issued, as often as not one
// that is its device's newest.
func (w *world) forget() step {
	if len(w.certificates) == 0 {
		return w.device()
	}
	chosen := pick(w, w.certificates...)
	newest := w.IntN(2) == 0
	return func(tx enroll.Tx) (any, error) {
		serial := chosen.Serial
		if d, err := tx.Device(chosen.Device); newest && err == nil && d.Newest != nil {
			serial = d.Newest.Serial
		}
		if err := tx.DeleteCertificate(serial); err != nil {
			return nil, err
		}
		_, err := tx.Certificate(serial)
		return serial, err
	}
}

// segment puts the next segment of a kind, and looks for one.
func (w *world) segment() step {
	w.segments++
	s, at := recordSegment(w.segments), recordSegment(w.IntN(w.segments+1)).First
	if w.IntN(2) == 0 {
		s, at = certificateSegment(w.segments), certificateSegment(w.IntN(w.segments+1)).First
	}
	if w.IntN(4) == 0 {
		at = nil
	}
	return func(tx enroll.Tx) (any, error) {
		if err := tx.PutSegment(s); err != nil {
			return nil, err
		}
		return tx.Segment(s.Kind, at)
	}
}

// dropRecords drops all that can be dropped but for a few blocks, or asks for
// what cannot be.
func (w *world) dropRecords() step {
	keep, off := uint64(w.IntN(2)), uint64(pick(w, 0, 0, 0, 0, 1, 256*1000))
	return func(tx enroll.Tx) (any, error) {
		size, err := tx.TreeSize()
		before := size / 256
		if before -= min(keep, before); err != nil {
			return nil, err
		}
		before = before*256 + off
		return before, errors.Join(tx.DropRecords(before), tx.DropRecords(before/2/256*256)) // the second changes nothing
	}
}
