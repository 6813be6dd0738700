package bolt

import (
	"bytes"
	"errors"

	"github.com/touchmark/touchmark/enroll"
)

// What a row names without an index is looked for here: without its row a key
// could be enrolled a second time, by another device.

// certificateKey looks for the row of a device's key. With certificates that leave
// for the archive their keys are forgotten, and one that stays may have had the
// same key: then only those of a device that it still has are certain to be there,
// which deviceRelated looks for.
func (v *verifier) certificateKey(value []byte) error {
	row, err := read[certificateRow](value)
	if err != nil || row.Device == "" || v.forgot {
		return err
	}
	return v.there(keys, row.Key[:])
}

// deviceRelated looks for the orders that a device names and the keys that it has.
func (v *verifier) deviceRelated(key, value []byte) error {
	if end := bytes.IndexFunc(key, func(r rune) bool { return r < rune(lowestInID) }); end < 0 || key[end] != deviceRowKey {
		return nil // what stands beside its row
	}
	row, err := read[deviceRow](value)
	if err != nil {
		return err
	}
	named := []string{row.Order}
	if row.Ticket != nil {
		named = append(named, row.Ticket.Order)
		if used := row.Ticket.UsedBy; used != nil && !v.forgot {
			err = v.there(keys, used[:])
		}
	}
	if row.Enrolment != nil {
		named = append(named, row.Enrolment.Order)
	}
	for _, order := range named {
		if order != "" {
			err = errors.Join(err, v.there(orders, []byte(order)))
		}
	}
	held := row.Live
	if row.Newest != nil {
		held = append(held, *row.Newest)
	}
	for i := range held {
		if v.get(certificates, held[i].Serial[:]) != nil { // it is not in the archive
			err = errors.Join(err, v.there(keys, held[i].Key[:]))
		}
	}
	return err
}

// archives tells whether certificates ever left for the archive.
func (v *verifier) archives() bool {
	if v.schema < segments.since() {
		return false
	}
	from := segmentKey(enroll.CertificateSegments, nil)
	for range v.ascend(segments, from, after(from)) {
		return true
	}
	return false
}
