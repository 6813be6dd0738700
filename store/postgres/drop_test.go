package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/store/postgres"
)

// certificateOf returns the number-th certificate of the n-th device.
func certificateOf(t *testing.T, n int, number uint64, end time.Time) enroll.Certificate {
	t.Helper()
	serial, err := ca.NewSerial(rand.Reader, end)
	if err != nil {
		t.Fatal(err)
	}
	return enroll.Certificate{
		Serial: serial, DER: []byte{1}, Issuer: shard.Issuer, Shard: shard.Shard, Profile: "default", Device: deviceID(n), Number: number,
		Key: ca.KeyHash{byte(n), byte(number)}, NotBefore: end.Add(-time.Hour), Status: enroll.StatusGood,
	}
}

// TestDropping drops records and certificates on a node that is not alone, while
// others work: what is left is whole, and the log goes on.
func TestDropping(t *testing.T) {
	t.Parallel()
	on := nodes(t, 2, database(t))
	const devices = 300
	end := time.Date(2031, 5, 20, 0, 0, 0, 0, time.UTC)
	var old []enroll.Certificate
	for n := range devices {
		c := certificateOf(t, n, 1, end)
		old = append(old, c)
		update(t, on[n%2], func(tx enroll.Tx) error {
			return errors.Join(tx.PutDevice(device(n)), tx.PutCertificate(c), tx.PutKey(c.Key, enroll.KeyUse{Device: c.Device}),
				tx.Append(eventOf(c.Device, n)), tx.Append(eventOf(c.Device, n)))
		})
	}
	if err := on[0].Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, before := range []uint64{1, 768} {
		if err := on[0].Update(t.Context(), func(tx enroll.Tx) error { return tx.DropRecords(before) }); err == nil {
			t.Errorf("records below %d of 600 were dropped", before)
		}
	}
	token := lead(t, on[0], enroll.TaskArchive)
	segment := enroll.Segment{Kind: enroll.RecordSegments, First: make([]byte, 8), Last: []byte{0, 0, 0, 0, 0, 0, 1, 255}, Items: 512, Name: "records-1"}
	for range 2 { // again changes nothing
		update(t, on[0], func(tx enroll.Tx) error {
			errs := []error{tx.Leading(enroll.TaskArchive, token), tx.PutSegment(segment), tx.DropRecords(256), tx.DropRecords(512)}
			for _, c := range old {
				errs = append(errs, tx.DeleteCertificate(c.Serial), tx.DeleteKey(c.Key))
			}
			return errors.Join(errs...)
		})
	}
	update(t, on[1], func(tx enroll.Tx) error { return tx.Append(eventOf(deviceID(0), 0)) })
	if err := on[1].Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range on {
		view(t, s, func(r enroll.Reader) error {
			records, err1 := r.Records(enroll.RecordFilter{Page: enroll.Page{Limit: enroll.MaxPage}})
			first, err2 := r.Records(enroll.RecordFilter{Device: deviceID(0)})
			last, err3 := r.Records(enroll.RecordFilter{Device: deviceID(devices - 1)})
			certificates, err4 := r.Certificates(enroll.CertificateFilter{})
			lineage, err5 := r.Certificates(enroll.CertificateFilter{Device: deviceID(1)})
			keys, err6 := r.Keys(enroll.Page{})
			size, err7 := r.TreeSize()
			found, err8 := r.Segment(enroll.RecordSegments, nil)
			if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
				return err
			}
			left := []int{len(records.Items), int(records.Items[0].Index), len(first.Items), len(last.Items), len(certificates.Items), len(lineage.Items), len(keys.Items), int(size)}
			if want := []int{89, 512, 1, 2, 0, 0, 0, 601}; !slices.Equal(left, want) || found.Name != segment.Name {
				t.Errorf("what is left is %d and the segment %q, want %d", left, found.Name, want)
			}
			tree, err := audit.FrontierAt(512, r.Hashes())
			if err != nil {
				return err
			}
			for _, record := range records.Items {
				tree.Add(nil, record.Data)
			}
			whole, err := audit.FrontierAt(601, r.Hashes())
			if whole.Root() != tree.Root() {
				t.Error("the records that are left do not make the tree")
			}
			return err
		})
	}
}

// TestEmptyMonthsAreDropped deletes the certificates of some months: the tables
// of those go, as soon as nobody reads them, and come back where they are needed.
func TestEmptyMonthsAreDropped(t *testing.T) {
	t.Parallel()
	url := database(t)
	on := nodes(t, 2, url)
	put := func(s *postgres.Store, month time.Month, n int) enroll.Certificate {
		c := certificateOf(t, n, uint64(month), time.Date(2031, month, 20, 0, 0, 0, 0, time.UTC))
		update(t, s, func(tx enroll.Tx) error { return tx.PutCertificate(c) })
		return c
	}
	march, may, july := put(on[0], 3, 1), put(on[1], 5, 1), put(on[0], 7, 1)
	update(t, on[0], func(tx enroll.Tx) error {
		return errors.Join(tx.DeleteCertificate(march.Serial), tx.DeleteCertificate(may.Serial))
	})
	conn := connect(t, url)
	var tables string
	for tables != "2031_07 2031_08 other" {
		err := conn.QueryRow(t.Context(), `SELECT string_agg(substr(inhrelid::regclass::text, 14), ' ' ORDER BY inhrelid::regclass::text COLLATE "C") FROM pg_inherits
			WHERE inhparent = 'certificates'::regclass`).Scan(&tables)
		if err != nil {
			t.Fatal(err)
		}
	}
	may = put(on[1], 5, 2) // which this node believes to be there: it goes where everything may
	fresh := open(t, postgres.Config{URL: url})
	again := put(fresh, 5, 3)
	for _, s := range on {
		for _, c := range []enroll.Certificate{may, july, again} {
			err := s.View(context.Background(), func(r enroll.Reader) error { _, err := r.Certificate(c.Serial); return err })
			if err != nil {
				t.Errorf("certificate %s: %v", c.Serial, err)
			}
		}
	}
}
