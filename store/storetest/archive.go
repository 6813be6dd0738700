package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func segmentKinds() []enroll.SegmentKind {
	return []enroll.SegmentKind{enroll.CertificateSegments, enroll.RecordSegments}
}

// recordSegment returns the n-th segment of records; between it and the next is a
// gap, so that something can be looked for there.
func recordSegment(n int) enroll.Segment {
	key := func(index int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(index)) }
	return enroll.Segment{
		Kind: enroll.RecordSegments, First: key(n * 1000), Last: key(n*1000 + 255), Items: 256,
		Name: fmt.Sprintf("records-%d", n), Digest: [32]byte{byte(n), 1},
	}
}

func certificateSegment(n int) enroll.Segment {
	first, last := serialAt(10*n, 0), serialAt(10*n+5, 0)
	return enroll.Segment{
		Kind: enroll.CertificateSegments, First: first[:], Last: last[:], Items: uint64(n) + 1,
		Name: fmt.Sprintf("certificates-%d", n), Digest: [32]byte{byte(n), 2},
	}
}

func segmentsOf(r enroll.Reader, kind enroll.SegmentKind) func(enroll.Page) (enroll.List[enroll.Segment], error) {
	return func(p enroll.Page) (enroll.List[enroll.Segment], error) { return r.Segments(kind, p) }
}

func testSegments(t *testing.T, h Harness) {
	put := func(ns ...int) func(enroll.Tx) error {
		return func(tx enroll.Tx) error {
			var errs []error
			for _, n := range ns {
				errs = append(errs, tx.PutSegment(recordSegment(n)))
			}
			return errors.Join(errs...)
		}
	}
	// look looks for segments of records; want is the number of each, -1 for none.
	look := func(r enroll.Reader, want map[string]int) {
		t.Helper()
		for at, n := range want {
			s, err := r.Segment(enroll.RecordSegments, []byte(at))
			if n < 0 {
				isError(t, fmt.Sprintf("the segment at %x", at), err, enroll.ErrNotFound)
				continue
			}
			isError(t, fmt.Sprintf("the segment at %x", at), err, nil)
			equal(t, fmt.Sprintf("the segment at %x", at), s, recordSegment(n))
		}
	}
	at := func(index uint64) string { return string(binary.BigEndian.AppendUint64(nil, index)) }

	view(t, h.Store, func(r enroll.Reader) error { look(r, map[string]int{"": -1, at(0): -1}); return nil })
	update(t, h.Store, func(tx enroll.Tx) error { // its own are seen, but not listed
		err := put(2, 4)(tx)
		look(tx, map[string]int{"": 4, at(0): 2, at(2255): 2, at(2256): 4, at(4000): 4, at(4256): -1})
		list, err2 := tx.Segments(enroll.RecordSegments, enroll.Page{})
		equal(t, "segments before the commit", len(list.Items), 0)
		return errors.Join(err, err2)
	})
	update(t, h.Store, func(tx enroll.Tx) error { // its own stand before, between and after the others
		err := put(1, 3, 5)(tx)
		look(tx, map[string]int{"": 5, at(0): 1, at(1256): 2, at(2256): 3, at(3256): 4, at(4256): 5, at(5256): -1})
		return err
	})
	broken := errors.New("broken")
	isError(t, "Update", h.Store.Update(context.Background(), func(tx enroll.Tx) error {
		return errors.Join(put(6)(tx), broken)
	}), broken)
	update(t, h.Store, func(tx enroll.Tx) error { return tx.PutSegment(certificateSegment(1)) })
	view(t, h.Store, func(r enroll.Reader) error {
		look(r, map[string]int{"": 5, at(0): 1, at(1255): 1, at(1256): 2, at(4255): 4, at(4256): 5, at(5255): 5, at(5256): -1})
		equal(t, "segments of records", all(t, 2, segmentsOf(r, enroll.RecordSegments)),
			[]enroll.Segment{recordSegment(1), recordSegment(2), recordSegment(3), recordSegment(4), recordSegment(5)})
		equal(t, "segments of certificates", all(t, 2, segmentsOf(r, enroll.CertificateSegments)), []enroll.Segment{certificateSegment(1)})
		s, err := r.Segment(enroll.CertificateSegments, nil)
		equal(t, "the last segment of certificates", s, certificateSegment(1))
		return err
	})
}

func testLead(t *testing.T, h Harness) {
	ctx := context.Background()
	var last uint64
	for range 3 {
		token, err := h.Store.Lead(ctx, enroll.TaskArchive)
		isError(t, "Lead", err, nil)
		if token < 1 || token < last {
			t.Fatalf("a node alone got the token %d after %d", token, last)
		}
		last = token
	}
	update(t, h.Store, func(tx enroll.Tx) error {
		return errors.Join(tx.Leading(enroll.TaskArchive, last), tx.PutPerson(enroll.Person{Pseudonym: "leads"}))
	})
	for _, token := range []uint64{0, last + 1, 1 << 40} {
		err := h.Store.Update(ctx, func(tx enroll.Tx) error {
			return errors.Join(tx.PutPerson(enroll.Person{Pseudonym: "led"}), tx.Leading(enroll.TaskArchive, token))
		})
		isError(t, fmt.Sprintf("with the token %d", token), err, enroll.ErrNotLeading)
	}
	view(t, h.Store, func(r enroll.Reader) error {
		_, err := r.Person("led")
		isError(t, "what was written without the lead", err, enroll.ErrNotFound)
		_, err = r.Person("leads")
		return err
	})
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err := h.Store.Lead(done, enroll.TaskPublish)
	isError(t, "Lead", err, context.Canceled)
	isError(t, "Close", h.Store.Close(), nil)
	_, err = h.Store.Lead(ctx, enroll.TaskArchive)
	isError(t, "Lead of a closed store", err, enroll.ErrStoreUnavailable)
}

// testDeleteCertificate gives devices three certificates each and deletes some of
// one device's, from its first to its newest.
func testDeleteCertificate(t *testing.T, h Harness) {
	ids := []identity.DeviceID{"A-1", "TH20-SN1", "zz-zz"}
	serial := func(device, number int) ca.Serial { return serialAt(number, device) }
	update(t, h.Store, func(tx enroll.Tx) error {
		var errs []error
		for n, id := range ids {
			d := deviceAt(id)
			d.Newest = &enroll.LiveCertificate{Serial: serial(n, 3), Status: enroll.StatusGood}
			errs = append(errs, tx.PutDevice(d))
			for number := 1; number <= 3; number++ {
				errs = append(errs, tx.PutCertificate(enroll.Certificate{Serial: serial(n, number), Device: id, Number: uint64(number), Status: enroll.StatusGood}))
			}
		}
		return errors.Join(errs...)
	})
	check := func(r enroll.Reader, gone ...int) {
		t.Helper()
		var all, own []ca.Serial
		for number := 1; number <= 3; number++ {
			for n := range ids {
				_, err := r.Certificate(serial(n, number))
				if n == 1 && number <= len(gone) {
					isError(t, "a deleted certificate", err, enroll.ErrNotFound)
					continue
				}
				isError(t, "its neighbour", err, nil)
				all = append(all, serial(n, number))
				if n == 1 {
					own = append([]ca.Serial{serial(n, number)}, own...)
				}
			}
		}
		equal(t, "all certificates", serialsOf(allCertificates(t, r, enroll.CertificateFilter{}, 2)), all)
		equal(t, "the lineage", serialsOf(allCertificates(t, r, enroll.CertificateFilter{Device: ids[1]}, 2)), own)
		equal(t, "its neighbour's lineage", len(allCertificates(t, r, enroll.CertificateFilter{Device: ids[0]}, 2)), 3)
		devices := allDevices(t, r, enroll.DeviceFilter{ExpiringBefore: serialAt(4, 0).NotAfter()}, 1)
		equal(t, "devices by expiry, whatever is left of their certificates", len(devices), 3)
	}
	var gone []int
	for number := 1; number <= 3; number++ {
		gone = append(gone, number)
		update(t, h.Store, func(tx enroll.Tx) error {
			if err := errors.Join(tx.DeleteCertificate(serial(1, number)), tx.DeleteCertificate(serial(1, number))); err != nil {
				return err
			}
			_, err := tx.Certificate(serial(1, number))
			isError(t, "within the transaction", err, enroll.ErrNotFound)
			return nil
		})
		view(t, h.Store, func(r enroll.Reader) error { check(r, gone...); return nil })
	}
	update(t, h.Store, func(tx enroll.Tx) error { return tx.DeleteCertificate(serial(1, 1)) })
	update(t, h.Store, func(tx enroll.Tx) error { // the device gets another
		d := deviceAt(ids[1])
		d.Newest = &enroll.LiveCertificate{Serial: serial(1, 9), Status: enroll.StatusGood}
		return errors.Join(tx.PutDevice(d), tx.PutCertificate(enroll.Certificate{Serial: serial(1, 9), Device: ids[1], Number: 4, Status: enroll.StatusGood}))
	})
	view(t, h.Store, func(r enroll.Reader) error {
		equal(t, "devices by expiry", len(allDevices(t, r, enroll.DeviceFilter{ExpiringBefore: serialAt(4, 0).NotAfter()}, 1)), 2)
		equal(t, "devices by expiry", len(allDevices(t, r, enroll.DeviceFilter{ExpiringBefore: serialAt(10, 0).NotAfter()}, 1)), 3)
		return nil
	})
}

func serialsOf(list []enroll.Certificate) []ca.Serial {
	var serials []ca.Serial
	for _, c := range list {
		serials = append(serials, c.Serial)
	}
	return serials
}

func testDeleteKey(t *testing.T, h Harness) {
	update(t, h.Store, func(tx enroll.Tx) error {
		return errors.Join(tx.PutKey(keyAt(1), enroll.KeyUse{Device: "TH20-SN1"}), tx.PutKey(keyAt(2), enroll.KeyUse{Device: "TH20-SN2"}))
	})
	update(t, h.Store, func(tx enroll.Tx) error {
		err := errors.Join(tx.DeleteKey(keyAt(1)), tx.DeleteKey(keyAt(3)))
		_, lookup := tx.Key(keyAt(1))
		isError(t, "within the transaction", lookup, enroll.ErrNotFound)
		return err
	})
	view(t, h.Store, func(r enroll.Reader) error {
		_, err := r.Key(keyAt(1))
		isError(t, "a forgotten key", err, enroll.ErrNotFound)
		equal(t, "keys", all(t, 1, r.Keys), []enroll.KnownKey{{Hash: keyAt(2), KeyUse: enroll.KeyUse{Device: "TH20-SN2"}}})
		return nil
	})
}

func testPeopleAndKeys(t *testing.T, h Harness) {
	const many = 20
	update(t, h.Store, func(tx enroll.Tx) error {
		var errs []error
		for i := range many {
			errs = append(errs, tx.PutPerson(enroll.Person{Pseudonym: fmt.Sprintf("p-%d", i), Name: "Ada", FirstSeen: epoch()}),
				tx.PutKey(keyAt(i*777%many), enroll.KeyUse{Device: serialDevice(i), Compromised: i%2 == 0}))
		}
		return errors.Join(errs...)
	})
	view(t, h.Store, func(r enroll.Reader) error {
		everybody, keys := all(t, 7, r.People), all(t, 7, r.Keys)
		equal(t, "people", len(everybody), many)
		equal(t, "keys", len(keys), many)
		for i, p := range everybody {
			found, err := r.Person(p.Pseudonym)
			if err != nil || i > 0 && everybody[i-1].Pseudonym >= p.Pseudonym {
				return fmt.Errorf("%s is listed out of order, or not found: %w", p.Pseudonym, err)
			}
			equal(t, "a person", p, found)
		}
		for i, k := range keys {
			found, err := r.Key(k.Hash)
			if err != nil || i > 0 && bytes.Compare(keys[i-1].Hash[:], k.Hash[:]) >= 0 {
				return fmt.Errorf("%x is listed out of order, or not found: %w", k.Hash, err)
			}
			equal(t, "a key", k.KeyUse, found)
		}
		return nil
	})
}

func testPutEnrolled(t *testing.T, h Harness) {
	order := fullOrder()
	order.Quantity = 10
	update(t, h.Store, func(tx enroll.Tx) error {
		isError(t, "an order that is not there", tx.PutEnrolled("order-1", 1), enroll.ErrNotFound)
		return errors.Join(tx.PutOrder(order), tx.PutEnrolled("order-1", 9))
	})
	for _, want := range []error{nil, enroll.ErrQuota} {
		isError(t, "TakeQuota", h.Store.Update(context.Background(), func(tx enroll.Tx) error { return tx.TakeQuota("order-1") }), want)
	}
	for _, n := range []int{12, 3} { // even more than the quantity, and less again
		update(t, h.Store, func(tx enroll.Tx) error {
			err := tx.PutEnrolled("order-1", n)
			o, lookup := tx.Order("order-1")
			equal(t, "enrolled, within the transaction", o.Enrolled, n)
			return errors.Join(err, lookup)
		})
	}
	update(t, h.Store, func(tx enroll.Tx) error { return tx.TakeQuota("order-1") })
	view(t, h.Store, func(r enroll.Reader) error {
		o, err := r.Order("order-1")
		equal(t, "enrolled", o.Enrolled, 4)
		return err
	})
}
