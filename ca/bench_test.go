package ca_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// BenchmarkIssuance shows where the time of one certificate goes.
func BenchmarkIssuance(b *testing.B) {
	c := newCorporate(b, certstest.P256)
	p := profile(b, ca.ProfileConfig{})
	for _, kind := range []certstest.KeyKind{certstest.P256, certstest.RSA2048} {
		der := certstest.CSR(b, certstest.Key(b, kind), "TH20-SN1")
		csr, err := ca.ParseCertificateRequest(der)
		if err != nil {
			b.Fatal(err)
		}
		prepare := func() *ca.Prepared {
			prepared, err := c.issuer.Prepare(p, csr.PublicKey(), thermometer(), nil, c.Now, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			return prepared
		}
		b.Run(string(kind)+"/csr", func(b *testing.B) {
			for b.Loop() {
				if _, err := ca.ParseCertificateRequest(der); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(kind)+"/prepare", func(b *testing.B) {
			for b.Loop() {
				prepare()
			}
		})
		b.Run(string(kind)+"/prepare+sign", func(b *testing.B) {
			for b.Loop() {
				if _, err := c.issuer.Sign(context.Background(), prepare()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFloor is what crypto/x509 alone takes, to compare.
func BenchmarkFloor(b *testing.B) {
	c := newCorporate(b, certstest.P256)
	key := certstest.Key(b, certstest.P256)
	der := certstest.CSR(b, key, "TH20-SN1")
	b.Run("csr", func(b *testing.B) {
		for b.Loop() {
			csr, err := x509.ParseCertificateRequest(der)
			if err != nil {
				b.Fatal(err)
			}
			if err := csr.CheckSignature(); err != nil {
				b.Fatal(err)
			}
		}
	})
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "TH20-SN1"}, NotBefore: c.Now, NotAfter: c.Now.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	b.Run("CreateCertificate", func(b *testing.B) {
		for b.Loop() {
			if _, err := x509.CreateCertificate(rand.Reader, template, c.issuer.Certificate(), key.Public(), c.key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCRL publishes a CRL of a million entries that are kept encoded, and
// as crypto/x509 makes one.
func BenchmarkCRL(b *testing.B) {
	const count = 1_000_000
	c := newCorporate(b, certstest.P256)
	var entries []byte
	list := make([]x509.RevocationListEntry, 0, count)
	for range count {
		s := newSerial(b, c.Now)
		entries = append(entries, ca.EncodeCRLEntry(s, c.Now, ca.KeyCompromise)...)
		list = append(list, x509.RevocationListEntry{SerialNumber: s.Int(), RevocationTime: c.Now, ReasonCode: int(ca.KeyCompromise)})
	}
	b.Run("SignCRL", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.crl(b, ca.CRLParams{Shard: "0-1-0-0", Entries: entries})
		}
	})
	b.Run("CreateRevocationList", func(b *testing.B) {
		b.ReportAllocs()
		template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: c.Now, NextUpdate: c.Now.Add(time.Hour), RevokedCertificateEntries: list}
		for b.Loop() {
			if _, err := x509.CreateRevocationList(rand.Reader, template, c.issuer.Certificate(), c.key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncodeCRLEntry(b *testing.B) {
	s, now := newSerial(b, time.Unix(1_900_000_000, 0)), time.Unix(1_800_000_000, 0)
	for b.Loop() {
		ca.EncodeCRLEntry(s, now, ca.KeyCompromise)
	}
}
