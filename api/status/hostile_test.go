package status_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/touchmark/touchmark/api/status"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// What is read of the file of a parent CRL is CRLs, and is read again the same.
func FuzzParseCRLs(f *testing.F) {
	pki := certstest.New(f)
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: pki.Now, NextUpdate: pki.Now.AddDate(0, 0, 1),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: pki.Now}},
	}, pki.Cert, pki.Key)
	if err != nil {
		f.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	for _, seed := range [][]byte{der, block, append(bytes.Clone(block), block...), der[:len(der)/2], []byte("-----BEGIN X509 CRL-----\n"), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		crls, err := status.ParseCRLs(content)
		if err != nil {
			return
		}
		var again []byte
		for _, crl := range crls {
			if _, err := x509.ParseRevocationList(crl); err != nil {
				t.Fatalf("%x is no CRL: %v", crl, err)
			}
			again = append(again, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl})...)
		}
		if back, err := status.ParseCRLs(again); err != nil || len(back) != len(crls) {
			t.Errorf("%d CRLs are read back as %d, %v", len(crls), len(back), err)
		}
	})
}
