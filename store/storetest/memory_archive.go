package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type segmentKey struct {
	kind enroll.SegmentKind
	last string
}

func (tx *memoryTx) Segment(kind enroll.SegmentKind, at []byte) (enroll.Segment, error) {
	var best *enroll.Segment
	for _, key := range tx.segments.all() {
		s, _ := tx.segments.find(key)
		if s.Kind != kind || bytes.Compare(s.Last, at) < 0 {
			continue
		}
		if best == nil || (bytes.Compare(s.Last, best.Last) < 0) == (len(at) > 0) {
			best = &s
		}
	}
	if best == nil {
		return enroll.Segment{}, enroll.ErrNotFound
	}
	return *best, nil
}

func (tx *memoryTx) Segments(kind enroll.SegmentKind, page enroll.Page) (enroll.List[enroll.Segment], error) {
	list := filter(tx.segments, func(s *enroll.Segment) bool { return s.Kind == kind })
	return part("segments", page, list, cloneSegment, func(s enroll.Segment) string { return string(s.Last) })
}

func (tx *memoryTx) Leading(_ enroll.Task, token uint64) error {
	if token != 1 {
		return enroll.ErrNotLeading
	}
	return nil
}

func (tx *memoryTx) PutSegment(s enroll.Segment) error {
	tx.segments.put(segmentKey{s.Kind, string(s.Last)}, s)
	return nil
}

func (tx *memoryTx) DeleteCertificate(serial ca.Serial) error {
	tx.certificates.delete(serial)
	return nil
}

func (tx *memoryTx) DeleteKey(hash ca.KeyHash) error {
	tx.keys.delete(hash)
	return nil
}

func (tx *memoryTx) DropRecords(before uint64) error {
	if before%256 != 0 || before > uint64(len(tx.records)) {
		return fmt.Errorf("records below %d of %d cannot be dropped: a multiple of 256 within the log", before, len(tx.records))
	}
	if dropped, _ := tx.dropped.find(""); before > dropped {
		tx.dropped.put("", before)
	}
	return nil
}

func (tx *memoryTx) People(page enroll.Page) (enroll.List[enroll.Person], error) {
	everybody := filter(tx.people, func(*enroll.Person) bool { return true })
	return part("people", page, everybody, clonePerson, func(p enroll.Person) string { return p.Pseudonym })
}

func (tx *memoryTx) Keys(page enroll.Page) (enroll.List[enroll.KnownKey], error) {
	var list []enroll.KnownKey
	for hash, use := range tx.keys.rows {
		list = append(list, enroll.KnownKey{Hash: hash, KeyUse: use})
	}
	return part("keys", page, list, same, func(k enroll.KnownKey) string { return string(k.Hash[:]) })
}

func (tx *memoryTx) PutEnrolled(id enroll.OrderID, n int) error {
	if n < 0 {
		return fmt.Errorf("%d devices cannot be enrolled", n)
	}
	if _, err := tx.orders.get(id); err != nil {
		return err
	}
	tx.quotas.put(id, n)
	return nil
}

func (tx *memoryTx) AppendRecord(r enroll.Record) error {
	if next := uint64(len(tx.records) + len(tx.events)); r.Index != next {
		return fmt.Errorf("record %d cannot be added: the next of the log is %d", r.Index, next)
	}
	var head struct {
		Device identity.DeviceID `json:"device"`
	}
	if err := json.Unmarshal(r.Data, &head); err != nil {
		return fmt.Errorf("record %d: %w", r.Index, err)
	}
	tx.events = append(tx.events, memoryEvent{device: head.Device, leaf: slices.Clone(r.Data)})
	return nil
}
