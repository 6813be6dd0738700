package ca

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// TestSecondHandSeesEveryDifference is inside the package because from outside
// nothing can be signed that differs from what was prepared: it changes the
// decisions after signing.
func TestSecondHandSeesEveryDifference(t *testing.T) {
	pki := certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	cert := pki.Issue(t, key.Public(), certstest.Options{})
	issuer, err := NewIssuer(IssuerConfig{Chain: []*x509.Certificate{cert}, Anchor: pki.Cert, Signer: key, PublicURL: "http://status.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	device, err := NewProfile(ProfileConfig{Name: "device"})
	if err != nil {
		t.Fatal(err)
	}
	other := func(change func(*ProfileConfig)) Profile {
		c := device.Config()
		change(&c)
		return Profile{c}
	}
	for what, change := range map[string]func(*Prepared){
		"serial number":             func(p *Prepared) { p.serial[19]++ },
		"notBefore":                 func(p *Prepared) { p.notBefore = p.notBefore.Add(time.Second) },
		"notAfter":                  func(p *Prepared) { p.notAfter = p.notAfter.Add(time.Second) },
		"subject of":                func(p *Prepared) { p.names.commonName = "TH20-SN2" },
		"public key":                func(p *Prepared) { p.spki = []byte{0} },
		"subject alternative names": func(p *Prepared) { p.names.uris = []*url.URL{{Scheme: "urn", Opaque: "x"}} },
		"key usage":                 func(p *Prepared) { p.key = certstest.Key(t, certstest.RSA2048).Public() },
		"extended key usage":        func(p *Prepared) { p.profile = other(func(c *ProfileConfig) { c.Purpose = PurposeServer }) },
		"subject key identifier":    func(p *Prepared) { p.keyID = []byte{0} },
		"CRL distribution point":    func(p *Prepared) { p.shard = "0-1-0-0" },
		"OCSP address":              func(p *Prepared) { p.profile = other(func(c *ProfileConfig) { c.NoRevAvail = true }) },
		"issuer address": func(p *Prepared) {
			p.issuer = &Issuer{chain: issuer.chain, scheme: issuer.scheme, publicURL: "http://x"}
			p.shard = ""
			p.profile = other(func(c *ProfileConfig) { c.NoRevAvail = true })
		},
		"signature algorithm": func(p *Prepared) { p.issuer = &Issuer{chain: issuer.chain, publicURL: issuer.publicURL} },
	} {
		t.Run(what, func(t *testing.T) {
			p, cert := signOne(t, issuer, device, pki.Now)
			if err := p.compare(cert); err != nil {
				t.Fatalf("without a change: %v", err)
			}
			change(p)
			if err := p.compare(cert); !errors.Is(err, ErrMismatch) || what != "issuer address" && !strings.Contains(err.Error(), what) {
				t.Errorf("error is %v, want ErrMismatch naming the %s", err, what)
			}
		})
	}
	t.Run("something added", func(t *testing.T) {
		p, cert := signOne(t, issuer, device, pki.Now)
		cert.IPAddresses = append(cert.IPAddresses, net.IPv4(1, 2, 3, 4))
		if err := p.compare(cert); !errors.Is(err, ErrMismatch) {
			t.Errorf("error is %v, want ErrMismatch", err)
		}
	})
}

func signOne(t *testing.T, issuer *Issuer, device Profile, now time.Time) (*Prepared, *x509.Certificate) {
	t.Helper()
	p, err := issuer.Prepare(device, certstest.Key(t, certstest.P256).Public(), Subject{CommonName: "TH20-SN1", URIs: []string{"urn:dev:ops:32473-TH20-SN1"}}, nil, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := issuer.Sign(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(signed.DER)
	if err != nil {
		t.Fatal(err)
	}
	return p, cert
}
