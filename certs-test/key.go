package certstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
)

// KeyKind is a kind of key that a device may bring.
type KeyKind string

// The kinds of keys; the last two are too weak to be accepted.
const (
	P256    KeyKind = "P-256"
	P384    KeyKind = "P-384"
	P521    KeyKind = "P-521"
	Ed25519 KeyKind = "Ed25519"
	RSA2048 KeyKind = "RSA-2048"
	RSA3072 KeyKind = "RSA-3072"
	RSA1024 KeyKind = "RSA-1024"
	P224    KeyKind = "P-224"
)

// Key makes a private key.
func Key(t testing.TB, kind KeyKind) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case P256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case P521:
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case P224:
		key, err = ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case RSA2048:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	case RSA1024:
		key, err = rsa.GenerateKey(rand.Reader, 1024)
	default:
		t.Fatalf("unknown kind of key %q", kind)
	}
	if err != nil {
		t.Fatalf("making a key %s: %v", kind, err)
	}
	return key
}

// CSR makes a certificate request (PKCS#10, DER) for a key, signed with it.
func CSR(t testing.TB, key crypto.Signer, commonName string) []byte {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatalf("making a CSR: %v", err)
	}
	return der
}
