package ocsp_test

import (
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

// What openssl signs is read like what it does not: a signature on a request is not
// looked at (RFC 6960, section 4.1.2).
func TestSignedRequestOfOpenSSL(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	request := opensslRequest(t, l, serial.Int())
	r, err := ocsp.ParseRequest(request)
	if err != nil || len(r.CertIDs) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if asked := new(big.Int).SetBytes(r.CertIDs[0].Serial); asked.Cmp(serial.Int()) != 0 {
		t.Errorf("asks for %x", asked)
	}
	if response, err := l.Respond(t.Context(), request); err != nil || len(response.DER) == 0 {
		t.Errorf("%x, %v", response.DER, err)
	}
}

// opensslRequest is a request with a nonce that openssl ocsp signed.
func opensslRequest(t testing.TB, l *lab, serial *big.Int) []byte {
	t.Helper()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	issuer := file("issuer.pem", "CERTIFICATE", l.issuer.Certificate().Raw)
	key, signer := filepath.Join(t.TempDir(), "key.pem"), filepath.Join(t.TempDir(), "signer.pem")
	certstest.OpenSSL(t, nil, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=asker", "-keyout", key, "-out", signer)
	out := filepath.Join(t.TempDir(), "request.der")
	certstest.OpenSSL(t, nil, "ocsp", "-issuer", issuer, "-serial", serial.String(), "-signer", signer, "-signkey", key, "-reqout", out)
	request, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// Each hostile request has an answer, and none is an internal error.
func TestHostileRequests(t *testing.T) {
	l := newLab(t, nil)
	serial := l.good(t)
	for _, p := range payload.OCSPRequests(l.issuer.Certificate(), serial.Int().Bytes()) {
		response, err := l.Respond(t.Context(), p.Bytes)
		if errors.Is(err, ocsp.ErrInternal) || len(response.DER) == 0 {
			t.Errorf("%s: %x, %v", p.Name, response.DER, err)
		}
	}
}
