package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"golang.org/x/crypto/ocsp"
)

func newDoor(t *testing.T) *door {
	t.Helper()
	issuer, err := newAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	log, err := openJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return &door{issuer: issuer, log: log, now: time.Now}
}

func post(h http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	return answer
}

func TestEnrolThenAsk(t *testing.T) {
	d := newDoor(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	answer := post(d.est(), "/.well-known/est/simpleenroll", base64.StdEncoding.AppendEncode(nil, csr))
	if answer.Code != http.StatusOK {
		t.Fatalf("enrolment: %d %s", answer.Code, answer.Body)
	}
	der, err := base64.StdEncoding.DecodeString(answer.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	certificate := packed.Certificates[0]
	if err := certificate.CheckSignatureFrom(d.issuer.certificate); err != nil {
		t.Error(err)
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		t.Error("the certificate is for another key")
	}
	question, err := ocsp.CreateRequest(certificate, d.issuer.certificate, &ocsp.RequestOptions{Hash: crypto.SHA1})
	if err != nil {
		t.Fatal(err)
	}
	asked := post(d.status(), "/ocsp", question)
	status, err := ocsp.ParseResponseForCert(asked.Body.Bytes(), certificate, d.issuer.certificate)
	if err != nil || status.Status != ocsp.Good {
		t.Errorf("OCSP: %v, %v", status, err)
	}
}

func TestForgedCSRIsRefused(t *testing.T) {
	d := newDoor(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr[len(csr)-1] ^= 1
	if answer := post(d.est(), "/.well-known/est/simpleenroll", base64.StdEncoding.AppendEncode(nil, csr)); answer.Code != http.StatusBadRequest {
		t.Errorf("a CSR with a forged signature got %d", answer.Code)
	}
}
