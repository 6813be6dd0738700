package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/transfer"
)

func TestDifferencesAreNamed(t *testing.T) {
	shard := enroll.ShardKey{Issuer: "issuer-0", Shard: "86400-1-0-0"}
	for _, test := range []struct {
		name   string
		doctor func(tx enroll.Tx) error
		want   string
	}{
		{"installation", func(tx enroll.Tx) error {
			i, err := tx.Installation()
			i.BreakGlass = make([]byte, 31)
			return errors.Join(err, tx.PutInstallation(i))
		}, "installation: BreakGlass differs"},
		{"person", func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "p-x", FirstSeen: epoch()}) }, "people p-x: not in the source"},
		{"fleet", func(tx enroll.Tx) error {
			return tx.PutFleet(identity.Fleet{ID: "fleet-x", Parent: "fleet-a", Name: "line-4"})
		}, "fleets /line-4: not in the source"},
		{"document", func(tx enroll.Tx) error { return tx.PutDocument(enroll.RoleDocument, "role-3", []byte("another")) }, "documents role/role-3: Data differs"},
		{"document too many", func(tx enroll.Tx) error { return tx.PutDocument(enroll.TokenDocument, "t", nil) }, "documents token/t: not in the source"},
		{"document too few", func(tx enroll.Tx) error { return tx.DeleteDocument(enroll.GrantDocument, "3") }, "documents grant/3: missing in the target"},
		{"order", func(tx enroll.Tx) error { return tx.PutEnrolled("order-2", 77) }, "orders order-2: Enrolled differs"},
		{"refusals", func(tx enroll.Tx) error { return tx.CountRefusal("order-2", enroll.BadCSR, 1) }, "orders order-2: Refused[bad_csr] differs"},
		{"device", func(tx enroll.Tx) error {
			d, err := tx.Device("TH20-SN000003")
			d.Live[0].Status = enroll.StatusHeld
			return errors.Join(err, tx.PutDevice(d))
		}, "devices TH20-SN000003: Live[0].Status differs"},
		{"version of a device", func(tx enroll.Tx) error {
			d, err := tx.Device("TH20-SN000003")
			d.Version++
			return errors.Join(err, tx.PutDevice(d))
		}, "devices TH20-SN000003: Version differs"},
		{"certificate", func(tx enroll.Tx) error {
			c, err := tx.Certificates(enroll.CertificateFilter{Device: "TH20-SN000003"})
			return errors.Join(err, tx.DeleteCertificate(c.Items[0].Serial))
		}, "missing in the target"},
		{"key", func(tx enroll.Tx) error { return tx.PutKey(ca.KeyHash{1}, enroll.KeyUse{Device: "TH20-SN000003"}) }, "keys 01000000000000000000000000000000000000000000000000000000000000"},
		{"shard", func(tx enroll.Tx) error { return tx.PutCRL(shard, []byte("another")) }, "shards issuer-0/86400-1-0-0: CRL differs"},
		{"log", func(tx enroll.Tx) error { return tx.Append(enroll.Event{Time: epoch(), Kind: enroll.BreakGlassUsed}) }, "360 records in the source, 361 in the target"},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, to := memory(t), memory(t)
			newWorld(5).fill(t, from)
			mustCopy(t, transfer.Config{From: from, To: to})
			update(t, to, test.doctor)
			report, err := transfer.Compare(t.Context(), transfer.Config{From: from, To: to})
			if !errors.Is(err, transfer.ErrDiffers) || report.Different < 1 {
				t.Fatalf("got %v, %d differences", err, report.Different)
			}
			if got := fmt.Sprint(report.Differences); !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %q", got, test.want)
			}
		})
	}
}

// forgetful loses or changes what it is given, without a word.
type forgetful struct {
	enroll.Store
	reader func(enroll.Reader) enroll.Reader
	tx     func(enroll.Tx) enroll.Tx
}

func (f forgetful) Update(ctx context.Context, fn func(enroll.Tx) error) error {
	return f.Store.Update(ctx, func(tx enroll.Tx) error { return fn(f.tx(tx)) })
}

func (f forgetful) View(ctx context.Context, fn func(enroll.Reader) error) error {
	return f.Store.View(ctx, func(r enroll.Reader) error { return fn(f.reader(r)) })
}

type losesKeys struct{ enroll.Tx }

func (losesKeys) PutKey(ca.KeyHash, enroll.KeyUse) error { return nil }

type changesRecord struct{ enroll.Reader }

func (c changesRecord) Records(f enroll.RecordFilter) (enroll.List[enroll.Record], error) {
	list, err := c.Reader.Records(f)
	for i := range list.Items {
		if list.Items[i].Index == 42 {
			list.Items[i].Data[5] ^= 1
		}
	}
	return list, err
}

func TestACopyThatWentWrongIsNotFinished(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  forgetful
		want string
	}{
		{"keys are lost", forgetful{tx: func(tx enroll.Tx) enroll.Tx { return losesKeys{tx} }}, "missing in the target"},
		{"a record is read otherwise", forgetful{reader: func(r enroll.Reader) enroll.Reader { return changesRecord{r} }}, "records 42: Data differs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, to := memory(t), memory(t)
			newWorld(6).fill(t, from)
			bad := test.bad
			bad.Store = to
			if bad.tx == nil {
				bad.tx = func(tx enroll.Tx) enroll.Tx { return tx }
			}
			if bad.reader == nil {
				bad.reader = func(r enroll.Reader) enroll.Reader { return r }
			}
			report, err := transfer.Copy(t.Context(), transfer.Config{From: from, To: bad})
			if !errors.Is(err, transfer.ErrDiffers) || !strings.Contains(fmt.Sprint(report.Differences), test.want) {
				t.Fatalf("got %v %v", err, report.Differences)
			}
			if len(report.Differences) > transfer.MaxDifferences || report.Different < len(report.Differences) {
				t.Errorf("%d of %d differences named", len(report.Differences), report.Different)
			}
			if _, err := transfer.Copy(t.Context(), transfer.Config{From: to, To: memory(t)}); !errors.Is(err, transfer.ErrSource) {
				t.Errorf("what is unfinished was copied on: %v", err)
			}
			mustCopy(t, transfer.Config{From: from, To: to})
		})
	}
}
