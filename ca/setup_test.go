package ca_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

const publicURL = "http://status.example.com"

// corporate is a PKI with one issuer under it.
type corporate struct {
	*certstest.PKI
	issuer *ca.Issuer
	key    crypto.Signer // the issuer's
}

func newCorporate(t testing.TB, kind certstest.KeyKind) corporate {
	t.Helper()
	pki := certstest.New(t)
	key := certstest.Key(t, kind)
	return corporate{pki, newIssuer(t, pki, key, certstest.Options{}), key}
}

func newIssuer(t testing.TB, pki *certstest.PKI, key crypto.Signer, o certstest.Options) *ca.Issuer {
	t.Helper()
	cert := pki.Issue(t, key.Public(), o)
	issuer, err := ca.NewIssuer(ca.IssuerConfig{Chain: []*x509.Certificate{cert}, Anchor: pki.Cert, Signer: key, PublicURL: publicURL})
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func profile(t testing.TB, c ca.ProfileConfig) ca.Profile {
	t.Helper()
	if c.Name == "" {
		c.Name = "default"
	}
	p, err := ca.NewProfile(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// issue prepares and signs for an existing profile.
func (c corporate) issue(t testing.TB, p ca.Profile, key crypto.PublicKey, s ca.Subject) *ca.Signed {
	t.Helper()
	prepared, err := c.issuer.Prepare(p, key, s, nil, c.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := c.issuer.Sign(t.Context(), prepared)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func thermometer() ca.Subject {
	return ca.Subject{CommonName: "TH20-SN1", SerialNumber: "SN1", URIs: []string{"urn:dev:ops:32473-TH20-SN1"}}
}

func listener() ca.Subject {
	return ca.Subject{CommonName: "localhost", DNSNames: []string{"localhost", "touchmark.example.com"}, IPs: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP("::1")}}
}

func responder() ca.Subject { return ca.Subject{CommonName: "Touchmark OCSP responder"} }

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}
