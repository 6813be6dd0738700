package fleet_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/certs-test/fleet"
)

func FuzzOnlyCertificate(f *testing.F) {
	certificate := selfSigned(f, &x509.Certificate{SerialNumber: big.NewInt(1)})
	for _, all := range [][][]byte{{certificate}, {certificate, certificate}} {
		packed, err := ca.CertsOnly(all...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Add([]byte("\x30\x00"))
	f.Fuzz(func(t *testing.T, der []byte) {
		found, err := fleet.OnlyCertificate(der)
		if err != nil {
			return
		}
		packed, err := ca.CertsOnly(found)
		if err != nil {
			return // something else was packed than a certificate
		}
		if again, err := fleet.OnlyCertificate(packed); err != nil || !bytes.Equal(again, found) {
			t.Errorf("%x came back as %x, %v", found, again, err)
		}
	})
}

func selfSigned(t testing.TB, template *x509.Certificate) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
