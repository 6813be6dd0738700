package enroll_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/store/archive"
	"github.com/touchmark/touchmark/store/storetest"
	"golang.org/x/mod/sumdb/tlog"
)

// day is the lifetime of the rig's default profile.
const day = 24 * time.Hour

// archivedRig is a rig on a store in memory, with an archive.
type archivedRig struct {
	*rig
	t      *testing.T
	dir    string          // of the archive
	issued []enroll.Issued // all that the test remembers
}

func newArchivedRig(t *testing.T, options ...rigOption) *archivedRig {
	t.Helper()
	return newArchivedRigOn(t, strict{storetest.NewMemory()}, t.TempDir(), newIssuer(t, nil), options...)
}

func newArchivedRigOn(t *testing.T, store enroll.Store, dir string, issuer *ca.Issuer, options ...rigOption) *archivedRig {
	t.Helper()
	a, err := archive.Open(dir)
	check(t, err)
	options = append([]rigOption{withArchive(a)}, options...)
	return &archivedRig{rig: newRigOn(t, store, "", issuer, options...), t: t, dir: dir}
}

func withArchive(a enroll.Archive) rigOption {
	return func(c *enroll.Config) { c.Retention.Archive = a }
}

// strict is a store in which hashes of dropped records are gone, as far as the
// contract allows.
type strict struct{ enroll.Store }

func (s strict) View(ctx context.Context, fn func(enroll.Reader) error) error {
	return s.Store.View(ctx, func(r enroll.Reader) error { return fn(strictReader{r}) })
}

type strictReader struct{ enroll.Reader }

func (r strictReader) Hashes() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		first, err := r.Records(enroll.RecordFilter{Page: enroll.Page{Limit: 1}})
		if err != nil {
			return nil, err
		}
		for _, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			if level < 8 && len(first.Items) > 0 && uint64(n+1)<<level <= first.Items[0].Index {
				return nil, fmt.Errorf("the hash of level %d at %d was dropped with its records", level, n)
			}
		}
		return r.Reader.Hashes().ReadHashes(indexes)
	})
}

func (r *archivedRig) archiveDue() {
	r.t.Helper()
	check(r.t, r.ArchiveDue(r.t.Context()))
}

// archiveSmall is archiveDue with small files of records.
func (r *archivedRig) archiveSmall() {
	r.t.Helper()
	check(r.t, r.ArchiveSmall(r.t.Context()))
}

// enrolledDevice enrols a device, and remembers its certificate.
func (r *archivedRig) enrolledDevice(serial string) (enroll.Issued, *ecdsa.PrivateKey) {
	r.t.Helper()
	issued, key := r.enrolled(serial)
	r.issued = append(r.issued, issued)
	return issued, key
}

// renewed renews a certificate, and remembers the new one.
func (r *archivedRig) renewed(current enroll.Issued, key *ecdsa.PrivateKey) enroll.Issued {
	r.t.Helper()
	issued, err := r.renew(current, key)
	check(r.t, err)
	r.issued = append(r.issued, issued)
	return issued
}

// fill appends events to the log, so that there is something to archive.
func (r *archivedRig) fill(n int) {
	r.t.Helper()
	check(r.t, r.store.Update(r.t.Context(), func(tx enroll.Tx) error {
		for i := range n {
			event := enroll.Event{Time: r.clock.Now(), Kind: enroll.RequestRefused, Count: i + 1}
			if err := tx.Append(event); err != nil {
				return err
			}
		}
		return nil
	}))
}

// inStore reports whether the store itself still has a certificate.
func (r *archivedRig) inStore(serial ca.Serial) bool {
	r.t.Helper()
	err := r.store.View(r.t.Context(), func(reader enroll.Reader) error {
		_, err := reader.Certificate(serial)
		return err
	})
	if err != nil && !errors.Is(err, enroll.ErrNotFound) {
		r.t.Fatal(err)
	}
	return err == nil
}

// hot counts the certificates, keys and records that the store has.
func (r *archivedRig) hot() (certificates, keys, records int) {
	r.t.Helper()
	check(r.t, r.store.View(r.t.Context(), func(reader enroll.Reader) error {
		certificates, keys, records = 0, 0, 0
		for page := (enroll.Page{Limit: enroll.MaxPage}); ; {
			part, err := reader.Certificates(enroll.CertificateFilter{Page: page})
			if err != nil {
				return err
			}
			certificates += len(part.Items)
			if page.After = part.Next; page.After == "" {
				break
			}
		}
		known, err := reader.Keys(enroll.Page{Limit: enroll.MaxPage})
		if err != nil {
			return err
		}
		keys = len(known.Items)
		size, err := reader.TreeSize()
		if err != nil {
			return err
		}
		first, err := reader.Records(enroll.RecordFilter{Page: enroll.Page{Limit: 1}})
		if err == nil && len(first.Items) > 0 {
			records = int(size - first.Items[0].Index)
		}
		return err
	}))
	return certificates, keys, records
}

// checkpoint takes a checkpoint, as an auditor does.
func (r *archivedRig) checkpoint() audit.Checkpoint {
	r.t.Helper()
	signed, err := r.Checkpoint(r.t.Context(), r.admin)
	check(r.t, err)
	c, err := audit.OpenCheckpoint(signed, nil)
	check(r.t, err)
	return c
}

// export returns the whole log.
func (r *archivedRig) export(limit int) []byte {
	r.t.Helper()
	var export bytes.Buffer
	for page := (enroll.Page{Limit: limit}); ; {
		part, err := r.AuditLines(r.t.Context(), r.admin, page)
		check(r.t, err)
		for _, line := range part.Items {
			export.Write(append(line, '\n'))
		}
		if page.After = part.Next; page.After == "" {
			return export.Bytes()
		}
	}
}

// verify checks that nothing was lost and nothing is there twice: every
// certificate is found with its status, by serial number, in its lineage and by
// OCSP; the whole log exports, and follows from every checkpoint ever taken.
func (r *archivedRig) verify(checkpoints ...audit.Checkpoint) {
	r.t.Helper()
	lineages := map[string][]ca.Serial{}
	for _, issued := range r.issued {
		info, err := r.Certificate(r.t.Context(), r.admin, issued.Serial.String())
		check(r.t, err)
		if !bytes.Equal(info.DER, issued.DER) || info.Predecessor != issued.Predecessor || info.Number != issued.Number || info.Device != issued.Device ||
			info.Key != issued.Key || !info.NotBefore.Equal(issued.NotBefore) || info.Shard != issued.Shard || info.Profile != issued.Profile {
			r.t.Fatalf("certificate %s became %+v", issued.Serial, info)
		}
		status, err := r.OCSPStatus(r.t.Context(), issued.Serial)
		check(r.t, err)
		if !status.Known || status.IssuerID != issued.Issuer || status.Revoked != (info.Status != enroll.StatusGood) {
			r.t.Fatalf("OCSP says %+v of certificate %s, which is %s", status, issued.Serial, info.Status)
		}
		lineages[string(issued.Device)] = append(lineages[string(issued.Device)], issued.Serial)
	}
	for device, want := range lineages {
		got := r.lineage(device)
		if len(got) != len(want) {
			r.t.Fatalf("%d certificates in the lineage of %s, want %d", len(got), device, len(want))
		}
		for i := range got {
			if got[i] != want[len(want)-1-i] {
				r.t.Fatalf("certificate %d of %s is %s, want %s", i, device, got[i], want[len(want)-1-i])
			}
		}
	}
	export := r.export(enroll.MaxPage)
	for _, c := range append(checkpoints, r.checkpoint()) {
		report, err := audit.Verify(bytes.NewReader(export), c)
		check(r.t, err)
		if report.Covered != c.Size {
			r.t.Fatalf("%d records are covered, want %d", report.Covered, c.Size)
		}
	}
}

// lineage lists a device's certificates, newest first.
func (r *archivedRig) lineage(device string) (serials []ca.Serial) {
	r.t.Helper()
	for page := (enroll.Page{Limit: 7}); ; {
		part, err := r.Certificates(r.t.Context(), r.admin, enroll.CertificateQuery{Device: device, Page: page})
		check(r.t, err)
		for _, c := range part.Items {
			serials = append(serials, c.Serial)
		}
		if page.After = part.Next; page.After == "" {
			return serials
		}
	}
}

// own issues a listener's certificate, and remembers it.
func (r *archivedRig) own() enroll.Issued {
	r.t.Helper()
	issued, err := r.IssueOwn(r.t.Context(), enroll.Own{
		Purpose: ca.PurposeServer, Key: newKey(r.t).Public(), CommonName: "Touchmark", DNSNames: []string{"localhost"}, Lifetime: day,
	})
	check(r.t, err)
	return issued
}

// between returns a serial number that was never issued, next to the lower one of
// two.
func between(a, b enroll.Issued) ca.Serial {
	s := a.Serial
	if b.Serial.Compare(s) < 0 {
		s = b.Serial
	}
	s[len(s)-1]++
	return s
}
