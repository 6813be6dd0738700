package ca_test

import (
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func TestHostileCSRs(t *testing.T) {
	for _, p := range payload.CSRs() {
		_, err := ca.ParseCertificateRequest(p.Bytes)
		if !errors.Is(err, ca.ErrBadCSR) && !errors.Is(err, ca.ErrWeakKey) {
			t.Errorf("%s: error is %v", p.Name, err)
		}
	}
	// Names and attributes are not taken from a request, so nobody looks at them.
	for _, p := range payload.TakenCSRs() {
		if _, err := ca.ParseCertificateRequest(p.Bytes); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// RFC 2986, section 4.1: "It shall be 0 for this version of the standard."
func TestCSRVersion(t *testing.T) {
	for _, p := range payload.CSRs() {
		if p.Name != "version 2" && p.Name != "a negative version" {
			continue
		}
		if _, err := ca.ParseCertificateRequest(p.Bytes); !errors.Is(err, ca.ErrBadCSR) || !strings.Contains(err.Error(), "version") {
			t.Errorf("%s: error is %v", p.Name, err)
		}
	}
}

func csrPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func FuzzParseCertificateRequestPEM(f *testing.F) {
	for _, p := range append(payload.CSRs(), payload.TakenCSRs()...) {
		f.Add([]byte(csrPEM("CERTIFICATE REQUEST", p.Bytes)))
	}
	good := csrPEM("NEW CERTIFICATE REQUEST", payload.GoodCSR())
	f.Add([]byte("Subject: CN=SN1\n" + good + "\n"))
	f.Add([]byte(good + good))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		csr, err := ca.ParseCertificateRequestPEM(text)
		if err != nil {
			if !errors.Is(err, ca.ErrBadCSR) && !errors.Is(err, ca.ErrWeakKey) {
				t.Errorf("error without a sentinel: %v", err)
			}
			return
		}
		if strings.Count(string(text), "-----BEGIN") == 0 || csr.KeyAlgorithm() == "" {
			t.Errorf("%q has a request with a key of %q", text, csr.KeyAlgorithm())
		}
	})
}

// Whatever the corporate PKI sends back, touchmark ca install finds faults in it or
// takes it, and names no fault that it does not know.
func FuzzCheckChain(f *testing.F) {
	pki, key := certstest.New(f), certstest.Key(f, certstest.P256)
	issuing := pki.Issue(f, key.Public(), certstest.Options{})
	policy := pki.Intermediate(f, certstest.Options{CommonName: "Policy CA", PathLen: 1})
	below := pki.Issue(f, key.Public(), certstest.Options{Parent: policy})
	f.Add(ca.EncodeCertificatesPEM(issuing.Raw))
	f.Add(ca.EncodeCertificatesPEM(issuing.Raw, pki.Cert.Raw))
	f.Add(ca.EncodeCertificatesPEM(below.Raw, policy.Cert.Raw, pki.Cert.Raw))
	f.Add(ca.EncodeCertificatesPEM(policy.Cert.Raw, below.Raw, below.Raw))
	f.Fuzz(func(t *testing.T, text []byte) {
		chain, err := ca.ParseCertificatesPEM(text, 5)
		if err != nil {
			return
		}
		faults := ca.CheckChain(ca.ChainCheck{Chain: chain, Anchor: pki.Cert, PublicKey: key.Public(), LongestLifetime: time.Hour, Now: time.Now()})
		for _, fault := range faults {
			if fault.Code == "" || fault.Message == "" {
				t.Errorf("a fault %+v", fault)
			}
		}
		if len(faults) == 0 && chain[0].CheckSignatureFrom(chain[min(1, len(chain)-1)]) != nil && chain[0].CheckSignatureFrom(pki.Cert) != nil {
			t.Error("takes a chain whose first signature is nobody's")
		}
	})
}
