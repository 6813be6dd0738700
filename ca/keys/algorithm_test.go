package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/touchmark/touchmark/ca/keys"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestAlgorithms(t *testing.T) {
	pass := passphrase(t, "secret")
	for _, algorithm := range keys.Algorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "issuing.key")
			made, err := ring(pass).Create(t.Context(), path, algorithm)
			if err != nil {
				t.Fatal(err)
			}
			if got := nameOf(made.Signer.Public()); got != string(algorithm) || made.URI != path {
				t.Errorf("made a key %s at %s", got, made.URI)
			}
			opened, err := ring(pass).Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if public := made.Signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !public.Equal(opened.Public()) {
				t.Error("another key was opened")
			}
			certstest.OpenSSL(t, nil, "pkey", "-in", path, "-passin", "pass:secret", "-noout", "-check")
		})
	}
}

func nameOf(key crypto.PublicKey) string {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return key.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", key.N.BitLen())
	default:
		return fmt.Sprintf("%T", key)
	}
}

func TestParseAlgorithm(t *testing.T) {
	for name, want := range map[string]keys.Algorithm{"": keys.P256, "p-384": keys.P384, "ED25519": keys.Ed25519, "rsa-4096": keys.RSA4096} {
		if got, err := keys.ParseAlgorithm(name); err != nil || got != want {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"P-521", "RSA-2048", "DSA", "P-256 "} {
		if got, err := keys.ParseAlgorithm(name); !errors.Is(err, keys.ErrAlgorithm) {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	if _, err := ring(passphrase(t, "secret")).Create(t.Context(), filepath.Join(t.TempDir(), "k"), "RSA-1024"); !errors.Is(err, keys.ErrAlgorithm) {
		t.Errorf("a weak key was made: %v", err)
	}
}
