package enroll_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"golang.org/x/mod/sumdb/tlog"
)

// The form of a certificate in the archive is for good.
func TestArchivedCertificateForm(t *testing.T) {
	serial := ca.FirstSerialAt(time.UnixMilli(1_800_000_000_000))
	c := enroll.Certificate{
		Serial: serial, DER: []byte("DER"), Issuer: "issuer", Shard: "shard", Profile: "default", Device: "TH20-SN1",
		Predecessor: ca.FirstSerialAt(time.UnixMilli(1_700_000_000_000)), Number: 7, Key: ca.KeyHash{1},
		NotBefore: time.Date(2027, 1, 14, 8, 0, 0, 0, time.UTC), Status: enroll.StatusRevoked, Reason: ca.KeyCompromise,
		RevokedAt: time.Date(2027, 1, 14, 9, 0, 0, 1000, time.UTC),
	}
	const want = `{"serial":"4001a3185c500000000000000000000000000000","device":"TH20-SN1","number":7,` +
		`"predecessor":"40018bcfe5680000000000000000000000000000","not_before":"2027-01-14T08:00:00Z","not_after":"2027-01-15T08:00:00Z",` +
		`"status":"revoked","reason":"keyCompromise","revoked_at":"2027-01-14T09:00:00.000001Z","issuer":"issuer","shard":"shard",` +
		`"profile":"default","key":"0100000000000000000000000000000000000000000000000000000000000000","certificate":"REVS"}`
	value, err := enroll.EncodeCertificate(&c)
	check(t, err)
	if string(value) != want {
		t.Errorf("got  %s\nwant %s", value, want)
	}
	back, err := enroll.DecodeCertificate(value, serial)
	check(t, err)
	if !reflect.DeepEqual(back, c) {
		t.Errorf("it came back as %+v", back)
	}
	if _, err := enroll.DecodeCertificate(value, c.Predecessor); err == nil {
		t.Error("another certificate was taken for it")
	}
}

func FuzzDecodeCertificate(f *testing.F) {
	serial := ca.FirstSerialAt(time.UnixMilli(1_800_000_000_000))
	value, err := enroll.EncodeCertificate(&enroll.Certificate{Serial: serial, Status: enroll.StatusHeld, Reason: ca.CertificateHold, RevokedAt: serial.NotAfter()})
	check(f, err)
	f.Add(value)
	f.Add([]byte(`{"serial":"4001a3185c500000000000000000000000000000","status":"good"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := enroll.DecodeCertificate(value, serial)
		if err != nil {
			return
		}
		again, err := enroll.EncodeCertificate(&c)
		if err != nil {
			return // a year of five digits
		}
		back, err := enroll.DecodeCertificate(again, serial)
		check(t, err)
		if second, err := enroll.EncodeCertificate(&back); err != nil || !bytes.Equal(again, second) {
			t.Fatalf("%s became %s (%v)", again, second, err)
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(enroll.EncodeRecord([]byte(`{"index":0,"kind":"order.created"}`), tlog.Hash{1}))
	f.Add(enroll.EncodeRecord([]byte(`{"a":"}"}`), tlog.Hash{}))
	f.Add([]byte(`{"hash":"","record":{}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		leaf, hash, err := enroll.DecodeRecord(value)
		if err != nil {
			return
		}
		if again := enroll.EncodeRecord(leaf, hash); !bytes.Equal(again, value) {
			t.Fatalf("%q became %q", value, again)
		}
	})
}
