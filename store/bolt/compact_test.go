package bolt_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
	"github.com/touchmark/touchmark/store/storetest"
	"go.etcd.io/bbolt"
)

// content returns a hash of each tree of a store, by its name.
func content(t *testing.T, s *bolt.Store) map[string][32]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "content.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Backup(t.Context(), f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := bolt.VerifyForm(path); err != nil {
		t.Fatal(err)
	}
	db := must(bbolt.Open(path, 0o600, nil))(t)
	sums := map[string][32]byte{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			h := sha256.New()
			err := b.ForEach(func(k, v []byte) error { fmt.Fprintf(h, "%x=%x\n", k, v); return nil })
			sums[string(name)] = [32]byte(h.Sum(nil))
			return err
		})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return sums
}

// sameContent fails the test where two stores differ.
func sameContent(t *testing.T, got, want map[string][32]byte) {
	t.Helper()
	for tree, sum := range want {
		if got[tree] != sum {
			t.Errorf("the tree %s has changed", tree)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d trees became %d", len(want), len(got))
	}
}

// noCopy fails the test where something lies beside the file.
func noCopy(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left", e.Name())
		}
	}
}

// fillAndEmpty writes n devices with a certificate and a record each, and deletes
// most of the certificates and records.
func fillAndEmpty(t *testing.T, s *bolt.Store, n int) {
	t.Helper()
	var made []*enrolment
	for first := 0; first < n; first += 250 {
		err := s.Update(t.Context(), func(tx enroll.Tx) error {
			made = made[:first]
			var errs []error
			for i := range 250 {
				e := newEnrolment(first + i)
				made = append(made, e)
				d := enroll.Device{}
				d.ID, d.Fleet, d.State = e.device, identity.RootFleetID, identity.Active
				d.Newest = &enroll.LiveCertificate{Serial: e.certificate.Serial, Status: enroll.StatusGood}
				errs = append(errs, tx.PutDevice(d), tx.PutCertificate(e.certificate), tx.PutKey(e.certificate.Key, enroll.KeyUse{Device: d.ID}),
					tx.Append(enroll.Event{Kind: enroll.CertificateIssued, Device: d.ID, Comment: strings.Repeat("x", 300)}))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for first := 0; first < n*9/10; first += 250 {
		err := s.Update(t.Context(), func(tx enroll.Tx) error {
			errs := []error{tx.DropRecords(uint64(first) / 256 * 256)}
			for _, e := range made[first : first+250] {
				errs = append(errs, tx.DeleteCertificate(e.certificate.Serial), tx.DeleteKey(e.certificate.Key))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCompactShrinks(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "store.db")
	s := open(t, bolt.Config{Path: path})
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	fillAndEmpty(t, s, 2000)
	before := content(t, s)
	size, free, err := s.Space()
	if err != nil || free < size/2 {
		t.Fatalf("%d of %d octets are free, error %v; want more than half", free, size, err)
	}
	var done, total int64
	if err := s.Compact(t.Context(), func(d, all int64) {
		if d < done || d > all {
			t.Errorf("%d of %d after %d", d, all, done)
		}
		done, total = d, all
	}); err != nil {
		t.Fatal(err)
	}
	if done != total || done == 0 {
		t.Errorf("the progress ended with %d of %d", done, total)
	}
	sameContent(t, content(t, s), before)
	now, left, err := s.Space()
	if err != nil || now > (size-free)*3/2 || left > now/10 {
		t.Errorf("of %d octets %d were free, now of %d %d are; error %v", size, free, now, left, err)
	}
	if worth, err := s.WorthCompacting(); worth || err != nil {
		t.Errorf("it is worth it again: %v, %v", worth, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file has become %v, error %v", info.Mode(), err)
	}
	noCopy(t, path)
	if _, err := bolt.Open(t.Context(), bolt.Config{Path: path}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the file was opened twice: error %v", err)
	}
	if err := errors.Join(s.Update(t.Context(), putEvent(1)), s.Close(), bolt.VerifyForm(path)); err != nil {
		t.Fatal(err)
	}
	before["records"], before["devices"], before["tiles"] = [32]byte{}, [32]byte{}, [32]byte{}
	again := content(t, open(t, bolt.Config{Path: path}))
	again["records"], again["devices"], again["tiles"] = [32]byte{}, [32]byte{}, [32]byte{}
	sameContent(t, again, before)
}

// TestHistoriesWhileCompacting runs them on a store that is compacted all the
// time, in parts as small as they can be.
func TestHistoriesWhileCompacting(t *testing.T) {
	var rounds atomic.Int64
	storetest.RunHistories(t, func(t *testing.T) storetest.Harness {
		path := filepath.Join(t.TempDir(), "store.db")
		s := must(bolt.Open(t.Context(), bolt.Config{Path: path}))(t)
		bolt.SmallCopies(s, 10_000, 1<<30)
		var compacting sync.WaitGroup
		compacting.Go(func() {
			for {
				err := s.Compact(context.Background(), nil)
				if errors.Is(err, enroll.ErrStoreUnavailable) {
					return // it was closed
				}
				if err != nil {
					t.Error(err)
					return
				}
				rounds.Add(1)
			}
		})
		t.Cleanup(func() {
			err := s.Close()
			compacting.Wait()
			if err := errors.Join(err, bolt.VerifyForm(path)); err != nil {
				t.Error(err)
			}
			noCopy(t, path)
		})
		return storetest.Harness{Store: s}
	})
	if n := rounds.Load(); n < 10 {
		t.Errorf("it was compacted %d times", n)
	}
}

// TestCompactTakesOverWhatIsWritten writes between all parts of a copy: before,
// at and after the place that it has come to.
func TestCompactTakesOverWhatIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, bolt.Config{Path: path})
	fillAndEmpty(t, s, 1000)
	bolt.SmallCopies(s, 20_000, 1<<30)
	n := 0
	write := func(tx enroll.Tx) error {
		d, err := tx.Device(deviceID(n * 20))
		if err != nil {
			return err
		}
		d.Version, d.State = d.Version+1, identity.Held
		e := newEnrolment(n)
		e.certificate.Device = ""
		return errors.Join(tx.PutDevice(d), tx.PutCertificate(e.certificate), tx.PutKey(e.certificate.Key, enroll.KeyUse{Device: d.ID}),
			putEvent(n)(tx), tx.PutPerson(enroll.Person{Pseudonym: fmt.Sprint("p-", n%7), Name: fmt.Sprint(n)}),
			tx.PutDocument(enroll.RoleDocument, fmt.Sprint("r-", n%7), []byte(fmt.Sprint(n))), tx.DeleteDocument(enroll.RoleDocument, fmt.Sprint("r-", (n+3)%7)))
	}
	var before map[string][32]byte
	bolt.AtStep(s, func(step string) {
		switch {
		case step == "caught":
			before = content(t, s) // nothing is written from here on
		case (step == "begun" || step == "copied") && n < 40:
			n++
			if err := s.Update(t.Context(), write); err != nil {
				t.Error(err)
			}
		}
	})
	if err := s.Compact(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	sameContent(t, content(t, s), before)
	if n < 10 {
		t.Errorf("only %d parts", n)
	}
}
