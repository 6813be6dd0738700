package ca_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func (c corporate) crl(t testing.TB, p ca.CRLParams) []byte {
	t.Helper()
	if p.Number == 0 {
		p.Number = 1
	}
	if p.ThisUpdate.IsZero() {
		p.ThisUpdate, p.NextUpdate = c.Now, c.Now.Add(time.Hour)
	}
	der, err := c.issuer.SignCRL(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestEveryKindOfCRLPleasesZlintOpenSSLAndGnuTLS(t *testing.T) {
	var many []byte
	for range 300 {
		many = append(many, ca.EncodeCRLEntry(newSerial(t, time.Unix(1_900_000_000, 0)), time.Unix(1_800_000_000, 0), ca.Superseded)...)
	}
	one := newSerial(t, time.Unix(1_900_000_000, 0))
	for name, test := range map[string]struct {
		issuer  certstest.KeyKind
		entries []byte
		count   int
	}{
		"empty":            {certstest.P256, nil, 0},
		"one":              {certstest.P256, ca.EncodeCRLEntry(one, time.Unix(1_800_000_000, 0), ca.KeyCompromise), 1},
		"without a reason": {certstest.P256, ca.EncodeCRLEntry(one, time.Unix(1_800_000_000, 0), ca.Unspecified), 1},
		"held":             {certstest.P256, ca.EncodeCRLEntry(one, time.Unix(1_800_000_000, 0), ca.CertificateHold), 1},
		"300":              {certstest.P256, many, 300},
		"P-384":            {certstest.P384, many, 300},
		"P-521":            {certstest.P521, many, 300},
		"RSA":              {certstest.RSA2048, many, 300},
		"Ed25519":          {certstest.Ed25519, many, 300},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCorporate(t, test.issuer)
			der := c.crl(t, ca.CRLParams{Shard: "0-20410-2-3", Number: 18446744073709551615, Entries: test.entries})

			list, err := x509.ParseRevocationList(der)
			if err != nil {
				t.Fatal(err)
			}
			if err := list.CheckSignatureFrom(c.issuer.Certificate()); err != nil {
				t.Error(err)
			}
			if len(list.RevokedCertificateEntries) != test.count || list.Number.Cmp(new(big.Int).SetUint64(18446744073709551615)) != 0 ||
				!list.ThisUpdate.Equal(c.Now) || !list.NextUpdate.Equal(c.Now.Add(time.Hour)) || !bytes.Equal(list.AuthorityKeyId, c.issuer.Certificate().SubjectKeyId) {
				t.Errorf("%d entries, number %s, from %s to %s", len(list.RevokedCertificateEntries), list.Number, list.ThisUpdate, list.NextUpdate)
			}
			certstest.LintCRL(t, der)
			text := certstest.OpenSSL(t, der, "crl", "-inform", "DER", "-noout", "-text")
			for _, want := range []string{"X509v3 Issuing Distribution Point: critical", "URI:" + c.issuer.CRLURL("0-20410-2-3")} {
				if !strings.Contains(text, want) {
					t.Errorf("openssl does not show %q:\n%.2000s", want, text)
				}
			}
			certstest.CertTool(t, der, "--crl-info", "--inder")
		})
	}
}

func TestCRLEntry(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	serial := newSerial(t, time.Unix(1_900_000_000, 0))
	for _, reason := range ca.Reasons() {
		for _, at := range []time.Time{time.Unix(1_800_000_000, 999), time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)} {
			entry := ca.EncodeCRLEntry(serial, at, reason)
			list, err := x509.ParseRevocationList(c.crl(t, ca.CRLParams{Shard: "0-1-0-0", Entries: entry}))
			if err != nil {
				t.Fatal(err)
			}
			got := list.RevokedCertificateEntries[0]
			if got.SerialNumber.Cmp(serial.Int()) != 0 || !got.RevocationTime.Equal(at.Truncate(time.Second)) || got.ReasonCode != int(reason) {
				t.Errorf("%s at %s is read as %+v", reason, at, got)
			}
			if extended := len(got.Extensions) > 0; extended == (reason == ca.Unspecified) {
				t.Errorf("%s: %d extensions", reason, len(got.Extensions))
			}
			if len(entry) < 39 || len(entry) > 55 {
				t.Errorf("%s: an entry of %d octets", reason, len(entry))
			}
		}
	}
}

// The hand-made CRL and that of crypto/x509 must be the same but for their
// signatures.
func TestCRLIsWhatCryptoX509Makes(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	var entries []byte
	template := &x509.RevocationList{Number: big.NewInt(7), ThisUpdate: c.Now, NextUpdate: c.Now.Add(time.Hour)}
	for i := range 2000 { // 100,000 octets: lengths of three octets
		s, at := newSerial(t, c.Now), c.Now.Add(-time.Duration(i)*time.Second)
		entries = append(entries, ca.EncodeCRLEntry(s, at, ca.KeyCompromise)...)
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: s.Int(), RevocationTime: at, ReasonCode: 1})
	}
	ours, err := x509.ParseRevocationList(c.crl(t, ca.CRLParams{Shard: "0-1-0-0", Number: 7, Entries: entries}))
	if err != nil {
		t.Fatal(err)
	}
	template.ExtraExtensions = append(template.ExtraExtensions, ours.Extensions[2]) // the issuing distribution point
	der, err := x509.CreateRevocationList(rand.Reader, template, c.issuer.Certificate(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours.RawTBSRevocationList, theirs.RawTBSRevocationList) {
		t.Error("the CRL differs from that of crypto/x509")
	}
}

func TestCRLRefused(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	good := ca.CRLParams{Shard: "0-1-0-0", Number: 1, ThisUpdate: c.Now, NextUpdate: c.Now.Add(time.Hour)}
	entry := ca.EncodeCRLEntry(newSerial(t, c.Now), c.Now, ca.KeyCompromise)
	for name, change := range map[string]func(*ca.CRLParams){
		"no shard":       func(p *ca.CRLParams) { p.Shard = "" },
		"bad shard":      func(p *ca.CRLParams) { p.Shard = "../x" },
		"no time":        func(p *ca.CRLParams) { p.NextUpdate = p.ThisUpdate },
		"torn entry":     func(p *ca.CRLParams) { p.Entries = entry[:len(entry)-1] },
		"torn last":      func(p *ca.CRLParams) { p.Entries = append(bytes.Clone(entry), 0x30) },
		"another's DER":  func(p *ca.CRLParams) { p.Entries = []byte{0x02, 0x01, 0x01} },
		"trailing zeros": func(p *ca.CRLParams) { p.Entries = append(bytes.Clone(entry), 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			change(&p)
			if _, err := c.issuer.SignCRL(t.Context(), p); err == nil {
				t.Error("signed")
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.issuer.SignCRL(cancelled, good); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
}

func TestOpenSSLRefusesTheRevokedAndTakesTheGood(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	p, key := profile(t, ca.ProfileConfig{}), certstest.Key(t, certstest.P256).Public()
	good, revoked, held := c.issue(t, p, key, thermometer()), c.issue(t, p, key, thermometer()), c.issue(t, p, key, thermometer())
	entries := ca.EncodeCRLEntry(revoked.Serial, c.Now, ca.KeyCompromise)
	entries = append(entries, ca.EncodeCRLEntry(held.Serial, c.Now, ca.CertificateHold)...)

	root := certstest.File(t, "root.pem", ca.EncodeCertificatesPEM(c.Cert.Raw))
	issuing := certstest.File(t, "issuing.pem", ca.EncodeCertificatesPEM(c.issuer.Certificate().Raw))
	shardCRL := func(shard ca.ShardID) string {
		der := c.crl(t, ca.CRLParams{Shard: shard, Entries: entries})
		return certstest.File(t, "shard.pem", []byte(certstest.OpenSSL(t, der, "crl", "-inform", "DER")))
	}
	verify := func(signed *ca.Signed, crl string) (string, error) {
		leaf := certstest.File(t, "leaf.pem", ca.EncodeCertificatesPEM(signed.DER))
		return certstest.Run(t, nil, "openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", root, "-untrusted", issuing, "-CRLfile", crl, leaf)
	}
	own := shardCRL(good.Shard)
	if out, err := verify(good, own); err != nil {
		t.Errorf("the good one is refused: %v\n%s", err, out)
	}
	for name, signed := range map[string]*ca.Signed{"revoked": revoked, "held": held} {
		if out, err := verify(signed, own); err == nil || !strings.Contains(out, "certificate revoked") {
			t.Errorf("the one %s is not refused as revoked: %v\n%s", name, err, out)
		}
	}
	// Another shard's CRL says nothing about these certificates.
	other := shardCRL(ca.ShardFor(good.Serial, 100*24*time.Hour, 0))
	if out, err := verify(good, other); err == nil || !strings.Contains(out, "unable to get certificate CRL") && !strings.Contains(out, "different CRL scope") {
		t.Errorf("another shard's CRL is taken: %v\n%s", err, out)
	}
}

func TestConcurrentCRLs(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	done := make(chan error)
	for i := range 16 {
		go func() {
			shard := ca.ShardID(fmt.Sprintf("0-%d-0-0", i))
			der, err := c.issuer.SignCRL(context.Background(), ca.CRLParams{Shard: shard, Number: 1, ThisUpdate: c.Now, NextUpdate: c.Now.Add(time.Hour)})
			if err == nil {
				_, err = x509.ParseRevocationList(der)
			}
			done <- err
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
