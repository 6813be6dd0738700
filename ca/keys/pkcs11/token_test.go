//go:build pkcs11

package pkcs11_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/ca/keys/pkcs11"
	"github.com/touchmark/touchmark/certs-test/hsm"
)

// A process has one token, so that all of this is one test.
func TestToken(t *testing.T) {
	token := hsm.New(t)
	library, err := pkcs11.Load(token.Module)
	if err != nil {
		t.Fatal(err)
	}
	named := func(object string) pkcs11.URI { return pkcs11.URI{Token: token.Label, Object: object} }
	for _, kind := range []pkcs11.Kind{pkcs11.P256, pkcs11.P384, pkcs11.Ed25519, pkcs11.RSA3072, pkcs11.RSA4096} {
		t.Run(string(kind), func(t *testing.T) {
			made, err := library.Create(named(string(kind)), hsm.PIN, kind)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := library.Create(named(string(kind)), hsm.PIN, kind); !errors.Is(err, pkcs11.ErrExists) {
				t.Errorf("made twice: %v", err)
			}
			key := open(t, library, made, 2)
			checkSigns(t, key)
		})
	}
	t.Run("refused", func(t *testing.T) {
		for name, test := range map[string]struct {
			uri  pkcs11.URI
			pin  string
			err  error
			word string
		}{
			"no key":    {named("nothing"), hsm.PIN, pkcs11.ErrNotFound, ""},
			"no token":  {pkcs11.URI{Token: "nothing", Object: "P-256"}, hsm.PIN, nil, "tokens that are there"},
			"wrong PIN": {named("P-256"), "wrong-pin", pkcs11.ErrPIN, "PIN_INCORRECT"},
		} {
			_, err := library.Open(test.uri, test.pin, 1)
			if err == nil || test.err != nil && !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.word) {
				t.Errorf("%s: error is %v", name, err)
			}
		}
		if _, err := library.Create(named("x"), hsm.PIN, "DSA"); !errors.Is(err, pkcs11.ErrMechanism) {
			t.Errorf("another kind: %v", err)
		}
	})
	t.Run("sessions", func(t *testing.T) {
		key := open(t, library, named("P-256"), 4)
		before := token.Calls(t, "C_OpenSession")
		token.Fail(t, "C_Sign 20 0 0")
		signAtOnce(t, key, 20)
		if opened := token.Calls(t, "C_OpenSession") - before; opened != 3 {
			t.Errorf("%d more sessions were opened, want 3", opened)
		}
	})
	t.Run("full", func(t *testing.T) {
		key := open(t, library, named("P-256"), 4)
		token.Fail(t, "C_OpenSession 0 0xb1 0", "C_Sign 20 0 0")
		signAtOnce(t, key, 20) // one after the other, on the first session
		if _, err := library.Open(named("P-384"), hsm.PIN, 1); !errors.Is(err, pkcs11.ErrBusy) {
			t.Errorf("a session more: %v", err)
		}
		token.Fail(t)
	})
	t.Run("not initialised", func(t *testing.T) {
		// Once, and the library is asked again after it was initialised anew.
		before := token.Calls(t, "C_Initialize")
		token.Fail(t, "C_GetSlotList 0 0x190 1")
		checkSigns(t, open(t, library, named("P-256"), 1))
		if token.Calls(t, "C_Initialize") != before+1 {
			t.Error("it was not initialised anew")
		}
		token.Fail(t)
	})
	t.Run("in use", func(t *testing.T) {
		first := open(t, library, named("P-256"), 1)
		before := token.Calls(t, "C_Finalize")
		token.Fail(t, "C_GetSlotList 0 0x32 0")
		if _, err := library.Open(named("P-384"), hsm.PIN, 1); err == nil {
			t.Error("a key of a token that is away was opened")
		}
		if token.Calls(t, "C_Finalize") != before {
			t.Error("a library in use was finalised")
		}
		checkSigns(t, first)
		token.Fail(t)
	})
}

func open(t *testing.T, library *pkcs11.Library, u pkcs11.URI, sessions int) *pkcs11.Key {
	t.Helper()
	key, err := library.Open(u, hsm.PIN, sessions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := key.Close(); err != nil {
			t.Error(err)
		}
	})
	return key
}

func signAtOnce(t *testing.T, key *pkcs11.Key, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { checkSigns(t, key) })
	}
	all.Wait()
}

func checkSigns(t *testing.T, key *pkcs11.Key) {
	t.Helper()
	message := []byte("what is signed")
	digest := sha256.Sum256(message)
	signed, opts := digest[:], crypto.SignerOpts(crypto.SHA256)
	if _, ok := key.Public().(ed25519.PublicKey); ok {
		signed, opts = message, crypto.Hash(0)
	}
	signature, err := key.Sign(rand.Reader, signed, opts)
	if err != nil {
		t.Error(err)
		return
	}
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(public, signed, signature) {
			t.Error("wrong ECDSA signature")
		}
	case *rsa.PublicKey:
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, signed, signature); err != nil {
			t.Error(err)
		}
	case ed25519.PublicKey:
		if !ed25519.Verify(public, signed, signature) {
			t.Error("wrong Ed25519 signature")
		}
	}
}
