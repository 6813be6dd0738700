package bolt_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
	"go.etcd.io/bbolt"
)

// authority is an issuer with its key.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func (a *authority) id() string { return ca.IssuerID(a.cert) }

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Issuing CA"}, NotBefore: made(), NotAfter: made().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return &authority{key: key, cert: must(x509.ParseCertificate(der))(t)}
}

func made() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

// issue makes the certificate of a device.
func (a *authority) issue(t testing.TB, id identity.DeviceID, number uint64) enroll.Certificate {
	t.Helper()
	end := made().AddDate(1, 0, int(number))
	serial := must(ca.NewSerial(rand.Reader, end))(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: serial.Int(), Subject: pkix.Name{CommonName: string(id)}, NotBefore: made(), NotAfter: end}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))(t)
	spki := must(x509.MarshalPKIXPublicKey(key.Public()))(t)
	return enroll.Certificate{
		Serial: serial, DER: der, Issuer: a.id(), Shard: "1", Profile: "default", Device: id, Number: number,
		Key: sha256.Sum256(spki), NotBefore: made(), Status: enroll.StatusGood,
	}
}

func (a *authority) crl(t testing.TB, serial ca.Serial) []byte {
	t.Helper()
	template := &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: made(), NextUpdate: made().AddDate(0, 0, 1),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: serial.Int(), RevocationTime: made()}},
	}
	return must(x509.CreateRevocationList(rand.Reader, template, a.cert, a.key))(t)
}

// backup returns the copy of a store that has some of everything, with n devices.
func backup(t testing.TB, n int) []byte {
	t.Helper()
	s := must(bolt.Open(t.Context(), bolt.Config{Path: filepath.Join(t.TempDir(), "store.db")}))(t)
	a := newAuthority(t)
	var made []enroll.Certificate
	for i := range n {
		made = append(made, a.issue(t, deviceID(i), 1))
	}
	err := s.Update(t.Context(), func(tx enroll.Tx) error {
		errs := []error{putOnce(tx, a), putShard(tx, a, made[0].Serial, a.crl(t, made[0].Serial))}
		for i, c := range made {
			d := enroll.Device{}
			d.ID, d.Fleet, d.State, d.CreatedAt = c.Device, "line-1", identity.Active, c.NotBefore
			if i == 0 {
				d.State = identity.Held
			}
			errs = append(errs, tx.PutDevice(d), tx.PutCertificate(c), tx.PutKey(c.Key, enroll.KeyUse{Device: d.ID}),
				tx.Append(enroll.Event{Kind: enroll.CertificateIssued, Device: d.ID, Certificate: &c.Serial}))
		}
		return errors.Join(errs...)
	})
	var copied bytes.Buffer
	if err == nil {
		_, err = s.Backup(t.Context(), &copied)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return copied.Bytes()
}

func putOnce(tx enroll.Tx, a *authority) error {
	return errors.Join(
		tx.PutInstallation(enroll.Installation{PseudonymKey: make([]byte, 32)}),
		tx.PutPerson(enroll.Person{Pseudonym: "p-1", Name: "Alice"}),
		tx.PutIssuer(enroll.IssuerRecord{ID: a.id(), DER: a.cert.Raw, ActivatedAt: made()}),
		tx.PutFleet(identity.Fleet{ID: identity.RootFleetID}),
		tx.PutFleet(identity.Fleet{ID: "line-1", Parent: identity.RootFleetID, Name: "line-1"}),
		tx.PutDocument(enroll.PolicyDocument, "line-1", []byte("{}")),
		tx.PutOrder(enroll.Order{ID: "order-1", Fleet: "line-1", Model: "TH20", Quantity: 1000}),
		tx.TakeQuota("order-1"),
		tx.CountRefusal("order-1", enroll.OrderFull, 1),
	)
}

func putShard(tx enroll.Tx, a *authority, revoked ca.Serial, crl []byte) error {
	key := enroll.ShardKey{Issuer: a.id(), Shard: "1"}
	return errors.Join(
		tx.PutShard(enroll.Shard{ShardKey: key, Changes: 1}),
		tx.PutCRL(key, crl),
		tx.PutCRLEntry(key, revoked, ca.EncodeCRLEntry(revoked, made(), ca.KeyCompromise)),
	)
}

// segmentAt returns the n-th segment of records of the archive.
func segmentAt(n uint64) enroll.Segment {
	return enroll.Segment{Kind: enroll.RecordSegments, First: story(n * 256), Last: story(n*256 + 255), Items: 256, Name: "records", Digest: [32]byte{1}}
}

// story is the number in a key of a device's story or lineage.
func story(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// rowOf returns a row of a file; of the first key where that is nil.
func rowOf(t *testing.T, path, tree string, key []byte) []byte {
	t.Helper()
	db := must(bbolt.Open(path, 0o600, nil))(t)
	var row []byte
	err := db.View(func(tx *bbolt.Tx) error {
		_, value := tx.Bucket([]byte(tree)).Cursor().Seek(key)
		row = bytes.Clone(value)
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return row
}

// derIn returns the certificate in a row.
func derIn(t *testing.T, row []byte) []byte {
	t.Helper()
	at := bytes.Index(row, []byte{0x30, 0x82})
	if at < 0 {
		t.Fatal("no certificate in the row")
	}
	return row[at : at+4+int(binary.BigEndian.Uint16(row[at+2:]))]
}

// What follows damages a file with bbolt itself, so that its pages stay whole.

func putRow(tree string, key, value []byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket([]byte(tree)).Put(key, value) }
}

func remove(tree string, key []byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte(tree)).Get(key) == nil {
			return fmt.Errorf("%s has no %x", tree, key)
		}
		return tx.Bucket([]byte(tree)).Delete(key)
	}
}

func removeLast(tree string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		key, _ := tx.Bucket([]byte(tree)).Cursor().Last()
		return remove(tree, bytes.Clone(key))(tx)
	}
}

// moveLast changes an octet of a row's key, from the end where at is negative.
// Whatever lists a certificate's row follows it.
func moveLast(tree string, at int) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		key, value := tx.Bucket([]byte(tree)).Cursor().Last()
		key, value = bytes.Clone(key), bytes.Clone(value)
		moved := bytes.Clone(key)
		moved[(at+len(key))%len(key)] ^= 1
		if tree == "certificates" {
			devices := tx.Bucket([]byte("devices"))
			for k, v := devices.Cursor().First(); k != nil; k, v = devices.Cursor().Seek(append(bytes.Clone(k), 0)) {
				if bytes.Equal(v, key) {
					if err := devices.Put(bytes.Clone(k), moved); err != nil {
						return err
					}
				}
			}
		}
		return errors.Join(remove(tree, key)(tx), putRow(tree, moved, value)(tx))
	}
}
