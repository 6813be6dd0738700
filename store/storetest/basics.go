package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// lookups calls every lookup and returns the errors by name.
func lookups(r enroll.Reader) map[string]error {
	found := map[string]error{}
	_, found["Installation"] = r.Installation()
	_, found["Person"] = r.Person("p-1")
	_, found["Fleet"] = r.Fleet("fleet-1")
	_, found["Document"] = r.Document(enroll.GrantDocument, "grant-1")
	_, found["Order"] = r.Order("order-1")
	_, found["Device"] = r.Device("TH20-SN1")
	_, found["Certificate"] = r.Certificate(serialAt(24, 1))
	_, found["Key"] = r.Key(keyAt(1))
	_, found["Shard"] = r.Shard(fullShard().ShardKey)
	_, found["CRL"] = r.CRL(fullShard().ShardKey)
	return found
}

func testNotFound(t *testing.T, h Harness) {
	check := func(r enroll.Reader) {
		for name, err := range lookups(r) {
			if !errors.Is(err, enroll.ErrNotFound) {
				t.Errorf("%s: got error %v, want ErrNotFound", name, err)
			}
		}
		if der, n, err := r.CRLEntries(fullShard().ShardKey); len(der) != 0 || n != 0 || err != nil {
			t.Errorf("CRLEntries: got %x, %d, %v, want nothing", der, n, err)
		}
		if size, err := r.TreeSize(); size != 0 || err != nil {
			t.Errorf("TreeSize: got %d, %v, want 0", size, err)
		}
	}
	view(t, h.Store, func(r enroll.Reader) error { check(r); return nil })
	update(t, h.Store, func(tx enroll.Tx) error {
		check(tx)
		if err := tx.TakeQuota("order-1"); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("TakeQuota: got error %v, want ErrNotFound", err)
		}
		if err := tx.CountRefusal("order-1", enroll.Forbidden, 1); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("CountRefusal: got error %v, want ErrNotFound", err)
		}
		return nil
	})
	equal(t, "everything", dumpOf(t, h.Store), dump{Root: emptyRoot()})
}

// putAll writes one of everything.
func putAll(tx enroll.Tx) error {
	shard := fullShard().ShardKey
	return errors.Join(
		tx.PutInstallation(enroll.Installation{PseudonymKey: []byte("key"), BreakGlass: []byte("hash"), BreakGlassSet: epoch()}),
		tx.PutPerson(enroll.Person{Pseudonym: "p-1", ID: "oidc:a#b", Name: "Ada", FirstSeen: epoch()}),
		tx.PutIssuer(enroll.IssuerRecord{ID: "issuer-1", DER: []byte{1}, ActivatedAt: epoch()}),
		tx.PutFleet(identity.Fleet{ID: rootFleet}),
		tx.PutFleet(identity.Fleet{ID: "fleet-1", Parent: rootFleet, Name: "berlin"}),
		tx.PutDocument(enroll.GrantDocument, "grant-1", []byte("{}")),
		tx.PutOrder(fullOrder()),
		tx.PutDevice(fullDevice()),
		tx.PutCertificate(fullCertificate()),
		tx.PutKey(keyAt(1), enroll.KeyUse{Device: "TH20-SN1", Compromised: true}),
		tx.PutShard(fullShard()),
		tx.PutCRL(shard, []byte("crl")),
		tx.PutCRLEntry(shard, serialAt(24, 1), []byte("entry")),
	)
}

// checkAll reads what putAll wrote, as stores keep it.
func checkAll(t *testing.T, r enroll.Reader) {
	t.Helper()
	check := func(what string, got any, err error, want any) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		equal(t, what, got, want)
	}
	installation, err := r.Installation()
	check("installation", installation, err, enroll.Installation{PseudonymKey: []byte("key"), BreakGlass: []byte("hash"), BreakGlassSet: micros(epoch())})
	person, err := r.Person("p-1")
	check("person", person, err, enroll.Person{Pseudonym: "p-1", ID: "oidc:a#b", Name: "Ada", FirstSeen: micros(epoch())})
	fleet, err := r.Fleet("fleet-1")
	check("fleet", fleet, err, identity.Fleet{ID: "fleet-1", Parent: rootFleet, Name: "berlin"})
	document, err := r.Document(enroll.GrantDocument, "grant-1")
	check("document", string(document), err, "{}")
	order, err := r.Order("order-1")
	check("order", order, err, cloneOrder(fullOrder()))
	device, err := r.Device("TH20-SN1")
	check("device", device, err, cloneDevice(fullDevice()))
	certificate, err := r.Certificate(serialAt(24, 1))
	check("certificate", certificate, err, cloneCertificate(fullCertificate()))
	key, err := r.Key(keyAt(1))
	check("key", key, err, enroll.KeyUse{Device: "TH20-SN1", Compromised: true})
	shard, err := r.Shard(fullShard().ShardKey)
	check("shard", shard, err, cloneShard(fullShard()))
	crl, err := r.CRL(fullShard().ShardKey)
	check("CRL", crl, err, []byte("crl"))
	der, n, err := r.CRLEntries(fullShard().ShardKey)
	check("CRL entries", string(der), err, "entry")
	equal(t, "number of CRL entries", n, 1)
}

func testReadBack(t *testing.T, h Harness) {
	update(t, h.Store, putAll)
	view(t, h.Store, func(r enroll.Reader) error {
		checkAll(t, r)
		list, err := r.Issuers()
		equal(t, "issuers", list, []enroll.IssuerRecord{{ID: "issuer-1", DER: []byte{1}, ActivatedAt: micros(epoch())}})
		return err
	})
	update(t, h.Store, func(tx enroll.Tx) error { // a put replaces all of it
		return errors.Join(tx.PutDevice(deviceAt("TH20-SN1")), tx.PutCertificate(enroll.Certificate{Serial: serialAt(24, 1), Status: enroll.StatusGood}))
	})
	view(t, h.Store, func(r enroll.Reader) error {
		device, err := r.Device("TH20-SN1")
		equal(t, "replaced device", device, cloneDevice(deviceAt("TH20-SN1")))
		return err
	})
}

func testOwnWrites(t *testing.T, h Harness) {
	update(t, h.Store, func(tx enroll.Tx) error {
		if err := putAll(tx); err != nil {
			return err
		}
		checkAll(t, tx)
		list, err := tx.Devices(enroll.DeviceFilter{})
		equal(t, "devices before the commit", len(list.Items), 0)
		return err
	})
	view(t, h.Store, func(r enroll.Reader) error {
		list, err := r.Devices(enroll.DeviceFilter{})
		equal(t, "devices after the commit", len(list.Items), 1)
		return err
	})
}

// testLargeTransaction writes everything twice in one transaction of many writes.
func testLargeTransaction(t *testing.T, h Harness) {
	const many = 500
	person := func(i int, name string) enroll.Person {
		return enroll.Person{Pseudonym: fmt.Sprintf("p-%d", i), Name: name, FirstSeen: micros(epoch())}
	}
	check := func(r enroll.Reader, name string) error {
		for i := range many {
			p, err := r.Person(person(i, "").Pseudonym)
			if err != nil {
				return err
			}
			equal(t, "person", p, person(i, name))
		}
		return nil
	}
	update(t, h.Store, func(tx enroll.Tx) error {
		for _, name := range []string{"first", "second"} {
			for i := range many {
				if err := tx.PutPerson(person(i, name)); err != nil {
					return err
				}
			}
			if err := check(tx, name); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, h.Store, func(r enroll.Reader) error { return check(r, "second") })
}

// testLineage lists the certificates of the device that is the last of all, of
// the first, and of one between.
func testLineage(t *testing.T, h Harness) {
	ids := []identity.DeviceID{"A-1", "TH20-SN1", "zz-zz"}
	update(t, h.Store, func(tx enroll.Tx) error {
		var errs []error
		for n, id := range ids {
			errs = append(errs, tx.PutDevice(deviceAt(id)))
			for i := range 3 {
				errs = append(errs, tx.PutCertificate(enroll.Certificate{Serial: serialAt(9-i, n), Device: id, Number: uint64(i) + 1}))
			}
		}
		return errors.Join(errs...)
	})
	view(t, h.Store, func(r enroll.Reader) error {
		for n, id := range ids {
			var serials []ca.Serial
			for _, c := range allCertificates(t, r, enroll.CertificateFilter{Device: id}, 2) {
				serials = append(serials, c.Serial)
			}
			equal(t, "lineage of "+string(id), serials, []ca.Serial{serialAt(7, n), serialAt(8, n), serialAt(9, n)})
		}
		return nil
	})
}

func testErrorRollsBack(t *testing.T, h Harness) {
	broken := errors.New("broken")
	err := h.Store.Update(context.Background(), func(tx enroll.Tx) error {
		return errors.Join(putAll(tx), tx.Append(eventAt("TH20-SN1", 1)), broken)
	})
	isError(t, "Update", err, broken)
	equal(t, "everything", dumpOf(t, h.Store), dump{Root: emptyRoot()})
}

func testPanicRollsBack(t *testing.T, h Harness) {
	went := recovered(func() {
		_ = h.Store.Update(context.Background(), func(tx enroll.Tx) error {
			if err := putAll(tx); err != nil {
				return err
			}
			panic("broken")
		})
	})
	equal(t, "panic", went, any("broken"))
	equal(t, "everything", dumpOf(t, h.Store), dump{Root: emptyRoot()})
	update(t, h.Store, putAll) // and the store goes on
}

func recovered(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

func testContexts(t *testing.T, h Harness) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	ran := false
	isError(t, "View", h.Store.View(done, func(enroll.Reader) error { ran = true; return nil }), context.Canceled)
	isError(t, "Update", h.Store.Update(done, func(enroll.Tx) error { ran = true; return nil }), context.Canceled)
	equal(t, "fn ran", ran, false)

	// The first Update holds the writer up; the second waits for it and gives up;
	// the first is committed, though its context has ended too.
	var started sync.Once
	running, release := make(chan struct{}), make(chan struct{})
	first, cancelFirst := context.WithCancel(context.Background())
	result := make(chan error)
	go func() {
		result <- h.Store.Update(first, func(tx enroll.Tx) error {
			started.Do(func() { close(running) })
			<-release
			return tx.PutPerson(enroll.Person{Pseudonym: "p-1"})
		})
	}()
	<-running
	second, cancelSecond := context.WithCancel(context.Background())
	waiting := make(chan error)
	go func() {
		waiting <- h.Store.Update(second, func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "p-2"}) })
	}()
	cancelSecond()
	isError(t, "the Update that waits", <-waiting, context.Canceled)
	cancelFirst()
	close(release)
	isError(t, "the Update that runs", <-result, nil)
	view(t, h.Store, func(r enroll.Reader) error {
		_, err := r.Person("p-2")
		isError(t, "what was given up", err, enroll.ErrNotFound)
		_, err = r.Person("p-1")
		return err
	})
}

func testOwnership(t *testing.T, h Harness) {
	device, certificate := fullDevice(), fullCertificate()
	crl := []byte("crl")
	update(t, h.Store, func(tx enroll.Tx) error {
		return errors.Join(tx.PutDevice(device), tx.PutCertificate(certificate), tx.PutCRL(fullShard().ShardKey, crl))
	})
	device.Live[0].Status, device.Newest.Key, certificate.DER[0], crl[0] = "spoilt", ca.KeyHash{}, 0, 'x'
	for range 2 { // what the caller spoils the first time is whole the second
		view(t, h.Store, func(r enroll.Reader) error {
			d, err1 := r.Device("TH20-SN1")
			c, err2 := r.Certificate(serialAt(24, 1))
			der, err3 := r.CRL(fullShard().ShardKey)
			if err := errors.Join(err1, err2, err3); err != nil {
				return err
			}
			equal(t, "device", d, cloneDevice(fullDevice()))
			equal(t, "certificate", c, cloneCertificate(fullCertificate()))
			equal(t, "CRL", string(der), "crl")
			d.Live[0].Status, *d.Ticket.UsedBy, c.DER[0], der[0] = "spoilt", ca.KeyHash{}, 0, 'x'
			return nil
		})
	}
}

func testCounters(t *testing.T, h Harness) {
	update(t, h.Store, func(tx enroll.Tx) error { return tx.PutOrder(fullOrder()) })
	for i := range 4 {
		err := h.Store.Update(context.Background(), func(tx enroll.Tx) error {
			if err := tx.CountRefusal("order-1", enroll.OrderFull, 2); err != nil {
				return err
			}
			err := tx.TakeQuota("order-1")
			o, lookup := tx.Order("order-1")
			equal(t, "devices enrolled, within the transaction", o.Enrolled, min(i+1, 3))
			return errors.Join(err, lookup)
		})
		want := error(nil)
		if i == 3 {
			want = enroll.ErrQuota
		}
		isError(t, "TakeQuota", err, want)
	}
	update(t, h.Store, func(tx enroll.Tx) error { // putting the order changes no count
		edited := fullOrder()
		edited.Quantity, edited.Enrolled, edited.Refused = 4, 99, map[enroll.Code]int{enroll.WeakKey: 9}
		return errors.Join(tx.PutOrder(edited), tx.TakeQuota("order-1"), tx.CountRefusal("order-1", enroll.BadCSR, 1))
	})
	view(t, h.Store, func(r enroll.Reader) error {
		o, err := r.Order("order-1")
		equal(t, "enrolled", o.Enrolled, 4)
		equal(t, "refused", o.Refused, map[enroll.Code]int{enroll.OrderFull: 6, enroll.BadCSR: 1})
		list, err2 := r.Orders(enroll.OrderFilter{})
		equal(t, "as listed", list.Items, []enroll.Order{o})
		return errors.Join(err, err2)
	})
}

func testShards(t *testing.T, h Harness) {
	a, b := enroll.ShardKey{Issuer: "issuer-1", Shard: "1-1-0-0"}, enroll.ShardKey{Issuer: "issuer-1", Shard: "1-1-0-01"}
	entries := func(r enroll.Reader, key enroll.ShardKey) string {
		der, n, err := r.CRLEntries(key)
		if err != nil || n*2 != len(der) {
			t.Fatalf("entries: %d in %d octets, %v", n, len(der), err)
		}
		return string(der)
	}
	update(t, h.Store, func(tx enroll.Tx) error {
		var errs []error
		for i, text := range []string{"cc", "aa", "bb"} {
			errs = append(errs, tx.PutCRLEntry(a, serialAt([]int{3, 1, 2}[i], 1), []byte(text)), tx.PutCRLEntry(b, serialAt(i, 2), []byte("xx")))
		}
		errs = append(errs, tx.PutShard(enroll.Shard{ShardKey: a}), tx.PutShard(enroll.Shard{ShardKey: b}), tx.PutCRL(a, []byte("crl")))
		return errors.Join(errs...)
	})
	update(t, h.Store, func(tx enroll.Tx) error {
		equal(t, "sorted by serial number", entries(tx, a), "aabbcc")
		err := errors.Join(tx.PutCRLEntry(a, serialAt(0, 1), []byte("00")), tx.PutCRLEntry(a, serialAt(2, 1), []byte("BB")),
			tx.PutCRLEntry(a, serialAt(9, 1), []byte("zz")), tx.DeleteCRLEntry(a, serialAt(3, 1)), tx.DeleteCRLEntry(a, serialAt(7, 7)))
		equal(t, "with the transaction's own", entries(tx, a), "00aaBBzz")
		return err
	})
	update(t, h.Store, func(tx enroll.Tx) error {
		err := errors.Join(tx.PutCRLEntry(a, serialAt(1, 0), []byte("a0")), tx.DeleteCRLEntries(a, serialAt(2, 1)))
		equal(t, "without the expired", entries(tx, a), "BBzz")
		return err
	})
	update(t, h.Store, func(tx enroll.Tx) error { return tx.DeleteShard(a) })
	view(t, h.Store, func(r enroll.Reader) error {
		_, err := r.Shard(a)
		isError(t, "deleted shard", err, enroll.ErrNotFound)
		_, err = r.CRL(a)
		isError(t, "deleted CRL", err, enroll.ErrNotFound)
		equal(t, "deleted entries", entries(r, a), "")
		equal(t, "its neighbour's entries", entries(r, b), "xxxxxx")
		_, err = r.Shard(b)
		return err
	})
}
