package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func TestCSRGoodKeys(t *testing.T) {
	for kind, algorithm := range map[certstest.KeyKind]string{
		certstest.P256: "ECDSA P-256", certstest.P384: "ECDSA P-384", certstest.P521: "ECDSA P-521",
		certstest.Ed25519: "Ed25519", certstest.RSA2048: "RSA 2048", certstest.RSA3072: "RSA 3072",
	} {
		t.Run(string(kind), func(t *testing.T) {
			key := certstest.Key(t, kind)
			csr, err := ca.ParseCertificateRequest(certstest.CSR(t, key, "anything"))
			if err != nil {
				t.Fatal(err)
			}
			if csr.KeyAlgorithm() != algorithm {
				t.Errorf("KeyAlgorithm() = %q, want %q", csr.KeyAlgorithm(), algorithm)
			}
			if want, _ := ca.HashKey(key.Public()); csr.KeyHash() != want {
				t.Errorf("KeyHash() = %s, want %s", csr.KeyHash(), want)
			}
			if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(csr.PublicKey()) {
				t.Error("PublicKey() is another key")
			}
		})
	}
}

func TestCSRWeakKeys(t *testing.T) {
	for kind, word := range map[certstest.KeyKind]string{certstest.RSA1024: "1024 bits", certstest.P224: "P-224"} {
		t.Run(string(kind), func(t *testing.T) {
			_, err := ca.ParseCertificateRequest(certstest.CSR(t, certstest.Key(t, kind), "weak"))
			if !errors.Is(err, ca.ErrWeakKey) || !strings.Contains(err.Error(), word) {
				t.Errorf("error is %v, want ErrWeakKey naming %q", err, word)
			}
		})
	}
}

func TestCSRRefused(t *testing.T) {
	good := certstest.CSR(t, certstest.Key(t, certstest.P256), "device")
	forged := bytes.Clone(good)
	forged[bytes.Index(forged, []byte("device"))] = 'D'
	for name, test := range map[string]struct {
		der  []byte
		word string
	}{
		"empty":             {nil, "PKCS#10"},
		"garbage":           {[]byte("not a request"), "PKCS#10"},
		"cut":               {good[:len(good)-1], "PKCS#10"},
		"trailing data":     {append(bytes.Clone(good), 0), "PKCS#10"},
		"too large":         {make([]byte, ca.MaxCSRSize+1), "at most"},
		"forged":            {forged, "possession"},
		"a certificate":     {newCorporate(t, certstest.P256).Cert.Raw, "PKCS#10"},
		"signed with SHA-1": {sha1CSR(t), "SHA-256"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ca.ParseCertificateRequest(test.der)
			if !errors.Is(err, ca.ErrBadCSR) || !strings.Contains(err.Error(), test.word) {
				t.Errorf("error is %v, want ErrBadCSR saying %q", err, test.word)
			}
		})
	}
}

// sha1CSR is made by openssl, for crypto/x509 refuses to.
func sha1CSR(t *testing.T) []byte {
	t.Helper()
	path := certstest.File(t, "csr.pem", nil)
	certstest.OpenSSL(t, nil, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha1", "-subj", "/CN=old", "-keyout", certstest.File(t, "key.pem", nil), "-out", path)
	block, _ := pem.Decode([]byte(certstest.OpenSSL(t, nil, "req", "-in", path)))
	return block.Bytes
}

func TestCSRAsPEM(t *testing.T) {
	der := certstest.CSR(t, certstest.Key(t, certstest.P256), "device")
	block := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for name, text := range map[string]string{
		"plain":       block("CERTIFICATE REQUEST"),
		"old label":   block("NEW CERTIFICATE REQUEST"),
		"explanation": "Certificate Request:\n    Data:\n" + block("CERTIFICATE REQUEST") + "\n \n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ca.ParseCertificateRequestPEM([]byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
	for name, text := range map[string]string{
		"none":      "",
		"DER":       string(der),
		"two":       block("CERTIFICATE REQUEST") + block("CERTIFICATE REQUEST"),
		"trailing":  block("CERTIFICATE REQUEST") + "x",
		"other":     block("CERTIFICATE"),
		"too large": strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ca.ParseCertificateRequestPEM([]byte(text)); !errors.Is(err, ca.ErrBadCSR) {
				t.Errorf("error is %v, want ErrBadCSR", err)
			}
		})
	}
}

func FuzzParseCertificateRequest(f *testing.F) {
	for _, kind := range []certstest.KeyKind{certstest.P256, certstest.Ed25519, certstest.RSA2048, certstest.P224} {
		f.Add(certstest.CSR(f, certstest.Key(f, kind), "seed"))
	}
	for _, p := range append(payload.CSRs(), payload.TakenCSRs()...) {
		f.Add(p.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		csr, err := ca.ParseCertificateRequest(der)
		if err != nil {
			if !errors.Is(err, ca.ErrBadCSR) && !errors.Is(err, ca.ErrWeakKey) {
				t.Errorf("error without a sentinel: %v", err)
			}
			return
		}
		// Round trip: the key goes through a certificate's encoding and is the same.
		spki, err := x509.MarshalPKIXPublicKey(csr.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.ParsePKIXPublicKey(spki)
		if err != nil {
			t.Fatal(err)
		}
		if hash, err := ca.HashKey(key); err != nil || hash != csr.KeyHash() {
			t.Errorf("key hash %s, was %s (%v)", hash, csr.KeyHash(), err)
		}
	})
}

func FuzzParseCertificatesPEM(f *testing.F) {
	key := certstest.Key(f, certstest.P256)
	template := &x509.Certificate{SerialNumber: newSerial(f, at(f, "2030-01-01T00:00:00Z")).Int()}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ca.EncodeCertificatesPEM(der))
	f.Add(ca.EncodeCertificatesPEM(der, der))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		certs, err := ca.ParseCertificatesPEM(text, 3)
		if err != nil {
			return
		}
		var ders [][]byte
		for _, cert := range certs {
			ders = append(ders, cert.Raw)
		}
		again, err := ca.ParseCertificatesPEM(ca.EncodeCertificatesPEM(ders...), 3)
		if err != nil || len(again) != len(certs) {
			t.Errorf("%d certificates are read back as %d, %v", len(certs), len(again), err)
		}
	})
}

// Curves that crypto/x509 does not know are refused as what they are: keys of a
// kind that is not accepted.
func TestForeignCurves(t *testing.T) {
	for _, curve := range []string{"secp256k1", "brainpoolP256r1"} {
		t.Run(curve, func(t *testing.T) {
			key := certstest.File(t, "key.pem", []byte(certstest.OpenSSL(t, nil, "ecparam", "-name", curve, "-genkey", "-noout")))
			text := certstest.OpenSSL(t, nil, "req", "-new", "-key", key, "-subj", "/CN=x")
			_, err := ca.ParseCertificateRequestPEM([]byte(text))
			if !errors.Is(err, ca.ErrWeakKey) || !strings.Contains(err.Error(), "curve") {
				t.Errorf("error is %v, want one of a weak key that names the curve", err)
			}
		})
	}
}
