package certstest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/identity"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden makes one of every kind of certificate, CRL and OCSP answer from a
// fixed time and fixed randomness, and compares it with the file. A difference
// is a change that relying parties will see: look at it, then run with -update.
// A new version of Go may use randomness otherwise, and change keys, serial
// numbers and signatures alone.
func TestGolden(t *testing.T) {
	g := newGolden(t)
	g.certificates(t)
	g.crls(t)
	g.answers(t)
	g.owned(t)
}

type golden struct {
	pki     *certstest.PKI
	issuer  *ca.Issuer
	good    *ca.Signed // a device's certificate
	revoked *ca.Signed // another's
}

func newGolden(t *testing.T) *golden {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 9039) // RFC 9039, the names of devices
	pki := certstest.NewAt(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), certstest.Key(t, certstest.P256))
	key := certstest.Key(t, certstest.P256)
	cert := pki.Issue(t, key.Public(), certstest.Options{})
	issuer, err := ca.NewIssuer(ca.IssuerConfig{Chain: []*x509.Certificate{cert}, Anchor: pki.Cert, Signer: key, PublicURL: "http://status.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "root.crt", "CERTIFICATE", pki.Cert.Raw)
	compare(t, "issuing.crt", "CERTIFICATE", cert.Raw)
	return &golden{pki: pki, issuer: issuer}
}

func (g *golden) issue(t *testing.T, config ca.ProfileConfig, key crypto.PublicKey, s ca.Subject) *ca.Signed {
	t.Helper()
	config.Name = "golden"
	profile, err := ca.NewProfile(config)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := g.issuer.Prepare(profile, key, s, nil, g.pki.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := g.issuer.Sign(t.Context(), prepared)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (g *golden) certificates(t *testing.T) {
	device := ca.Subject{CommonName: "TH20-SN1", SerialNumber: "SN1", URIs: []string{"urn:dev:ops:32473-TH20-SN1"}}
	server := ca.Subject{DNSNames: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}}
	for _, kind := range []struct {
		file    string
		profile ca.ProfileConfig
		key     certstest.KeyKind
		subject ca.Subject
	}{
		{"device-p256.crt", ca.ProfileConfig{}, certstest.P256, device},
		{"device-ed25519.crt", ca.ProfileConfig{}, certstest.Ed25519, device},
		{"device-rsa.crt", ca.ProfileConfig{}, certstest.RSA2048, device},
		{"device-norevavail.crt", ca.ProfileConfig{NoRevAvail: true, Lifetime: time.Hour}, certstest.P256, device},
		{"server.crt", ca.ProfileConfig{Purpose: ca.PurposeServer}, certstest.P256, server},
		{"ocsp-responder.crt", ca.ProfileConfig{Purpose: ca.PurposeOCSPResponder}, certstest.P256, ca.Subject{CommonName: "OCSP responder"}},
	} {
		signed := g.issue(t, kind.profile, certstest.Key(t, kind.key).Public(), kind.subject)
		compare(t, kind.file, "CERTIFICATE", signed.DER)
		certstest.OpenSSL(t, signed.DER, "x509", "-inform", "DER", "-noout", "-text")
		certstest.CertTool(t, signed.DER, "--certificate-info", "--inder")
	}
	key := certstest.Key(t, certstest.P256).Public()
	g.good, g.revoked = g.issue(t, ca.ProfileConfig{}, key, device), g.issue(t, ca.ProfileConfig{}, key, device)
}

// owned is a device whose owner is named beside it.
func (g *golden) owned(t *testing.T) {
	urn, err := identity.PersonURN("person:0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	signed := g.issue(t, ca.ProfileConfig{OwnerURN: true}, certstest.Key(t, certstest.P256).Public(), ca.Subject{
		CommonName: "TH20-SN1", SerialNumber: "SN1", URIs: []string{"urn:dev:ops:32473-TH20-SN1", urn},
	})
	compare(t, "device-owner.crt", "CERTIFICATE", signed.DER)
	text := certstest.OpenSSL(t, signed.DER, "x509", "-inform", "DER", "-noout", "-text")
	if !strings.Contains(text, "URI:urn:dev:ops:32473-TH20-SN1, URI:"+urn) {
		t.Errorf("openssl does not read the owner:\n%s", text)
	}
	certstest.CertTool(t, signed.DER, "--certificate-info", "--inder")
}

func (g *golden) crls(t *testing.T) {
	entry := ca.EncodeCRLEntry(g.revoked.Serial, g.pki.Now, ca.KeyCompromise)
	for _, list := range []struct {
		file    string
		entries []byte
	}{{"empty.crl", nil}, {"revoked.crl", entry}} {
		der, err := g.issuer.SignCRL(t.Context(), ca.CRLParams{
			Shard: g.revoked.Shard, Number: 1, ThisUpdate: g.pki.Now, NextUpdate: g.pki.Now.Add(time.Hour), Entries: list.entries,
		})
		if err != nil {
			t.Fatal(err)
		}
		compare(t, list.file, "X509 CRL", der)
		certstest.OpenSSL(t, der, "crl", "-inform", "DER", "-noout", "-text")
		certstest.CertTool(t, der, "--crl-info", "--inder")
	}
}

func (g *golden) answers(t *testing.T) {
	responder, err := ocsp.New(ocsp.Config{
		Issuers: func() []*ca.Issuer { return []*ca.Issuer{g.issuer} },
		Clock:   func() time.Time { return g.pki.Now },
		Lookup: func(_ context.Context, serial ca.Serial) (ocsp.Status, error) {
			revoked := serial == g.revoked.Serial
			return ocsp.Status{
				Known: revoked || serial == g.good.Serial, IssuerID: g.issuer.ID(), Revoked: revoked, RevokedAt: g.pki.Now, Reason: ca.KeyCompromise,
			}, nil
		},
		Certify: func(_ context.Context, _ string, key crypto.PublicKey) ([]byte, error) {
			return g.issue(t, ca.ProfileConfig{Purpose: ca.PurposeOCSPResponder}, key, ca.Subject{CommonName: "OCSP responder"}).DER, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, question := range []struct {
		file   string
		serial ca.Serial
		nonce  []byte
	}{
		{"good.ocsp", g.good.Serial, nil},
		{"revoked.ocsp", g.revoked.Serial, nil},
		{"unknown.ocsp", ca.FirstSerialAt(g.pki.Now), nil},
		{"good-with-nonce.ocsp", g.good.Serial, []byte("0123456789abcdef")},
	} {
		request := ocsp.Request{CertIDs: []ocsp.CertID{ocsp.NewCertID(crypto.SHA256, g.issuer, question.serial)}, Nonce: question.nonce}
		response, err := responder.Respond(t.Context(), request.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		compare(t, question.file, "OCSP RESPONSE", response.DER)
		path := certstest.File(t, "response.der", response.DER)
		certstest.OpenSSL(t, nil, "ocsp", "-respin", path, "-noverify", "-resp_text")
		if out, err := certstest.Run(t, nil, "ocsptool", "--response-info", "--load-response", path); err != nil {
			t.Errorf("ocsptool: %v\n%s", err, out)
		}
	}
}

func compare(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", file+".pem")
	got := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v; go test ./certs-test -update writes the golden files", err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from its golden file; it is now\n%s", file, got)
	}
}
