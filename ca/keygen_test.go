package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestMakeKey(t *testing.T) {
	for kind, algorithm := range map[certstest.KeyKind]string{
		certstest.P256: "ASN1 OID: prime256v1", certstest.P384: "ASN1 OID: secp384r1", certstest.P521: "ASN1 OID: secp521r1",
		certstest.Ed25519: "ED25519 Private-Key", certstest.RSA2048: "2048 bit", certstest.RSA3072: "3072 bit",
	} {
		t.Run(string(kind), func(t *testing.T) {
			asking := certstest.Key(t, kind)
			request, err := ca.ParseKeygenRequest(certstest.CSR(t, asking, "device"))
			if err != nil {
				t.Fatal(err)
			}
			if hash, _ := ca.HashKey(asking.Public()); request.KeyHash() != hash {
				t.Errorf("known by %s, want %s", request.KeyHash(), hash)
			}
			made, err := request.MakeKey()
			if err != nil {
				t.Fatal(err)
			}
			if out := certstest.OpenSSL(t, made.PKCS8(), "pkey", "-inform", "DER", "-text", "-noout"); !strings.Contains(out, algorithm) {
				t.Errorf("openssl reads %q, want %q in it", out, algorithm)
			}
			parsed, err := x509.ParsePKCS8PrivateKey(made.PKCS8())
			if err != nil {
				t.Fatal(err)
			}
			public := parsed.(crypto.Signer).Public().(interface{ Equal(crypto.PublicKey) bool })
			if !public.Equal(made.Public()) || public.Equal(asking.Public()) {
				t.Error("the public key is another's")
			}
			if hash, _ := ca.HashKey(made.Public()); made.KeyHash() != hash {
				t.Errorf("its hash is %s, want %s", made.KeyHash(), hash)
			}
			if err := ca.CheckPublicKey(made.Public()); err != nil {
				t.Error(err)
			}
			octets := made.PKCS8()
			made.Erase()
			if made.PKCS8() != nil || !bytes.Equal(octets, make([]byte, len(octets))) {
				t.Error("erased, and still there")
			}
			made.Erase()
		})
	}
}

// RFC 7030, section 4.4.1: the value of the public key and the signature are ignored.
func TestKeygenRequestNeedsNoSignature(t *testing.T) {
	der := certstest.CSR(t, certstest.Key(t, certstest.P256), "device")
	forged := bytes.Clone(der)
	clear(forged[len(forged)-20:])
	if _, err := ca.ParseKeygenRequest(forged); err != nil {
		t.Errorf("a signature that does not hold: %v", err)
	}
	point := bytes.Index(der, []byte{0x03, 0x42, 0x00, 0x04})
	noPoint := bytes.Clone(der)
	clear(noPoint[point+4 : point+4+64])
	if _, err := ca.ParseCertificateRequest(noPoint); err == nil {
		t.Error("this test does not spoil the point")
	}
	if _, err := ca.ParseKeygenRequest(noPoint); err != nil {
		t.Errorf("no point of the curve: %v", err)
	}
}

func TestKeygenRequestRefused(t *testing.T) {
	good := certstest.CSR(t, certstest.Key(t, certstest.P256), "device")
	wish := func(id ...int) []byte {
		return certstest.CSRWith(t, ecdsaKey(t), certstest.Attribute{ID: asn1.ObjectIdentifier(id), Values: [][]byte{{4, 1, 7}}})
	}
	for name, test := range map[string]struct {
		der  []byte
		want error
		word string
	}{
		"empty":                {nil, ca.ErrBadCSR, "PKCS#10"},
		"cut":                  {good[:len(good)-1], ca.ErrBadCSR, "PKCS#10"},
		"trailing data":        {append(bytes.Clone(good), 0), ca.ErrBadCSR, "PKCS#10"},
		"too large":            {make([]byte, ca.MaxCSRSize+1), ca.ErrBadCSR, "at most"},
		"a curve not made":     {certstest.CSR(t, certstest.Key(t, certstest.P224), "x"), ca.ErrWeakKey, "1.3.132.0.33"},
		"too short":            {certstest.CSR(t, certstest.Key(t, certstest.RSA1024), "x"), ca.ErrWeakKey, "1024 bits"},
		"encrypted, symmetric": {wish(1, 2, 840, 113549, 1, 9, 16, 2, 37), ca.ErrBadCSR, "DecryptKeyIdentifier"},
		"encrypted, by a key":  {wish(1, 2, 840, 113549, 1, 9, 16, 2, 54), ca.ErrBadCSR, "AsymmetricDecryptKeyIdentifier"},
		"with capabilities":    {wish(1, 2, 840, 113549, 1, 9, 15), ca.ErrBadCSR, "SMIMECapabilities"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ca.ParseKeygenRequest(test.der)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.word) {
				t.Errorf("error %v, want %v that says %q", err, test.want, test.word)
			}
		})
	}
}

func TestMadeKeyIsNotPrinted(t *testing.T) {
	request, err := ca.ParseKeygenRequest(certstest.CSR(t, certstest.Key(t, certstest.P256), "device"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := request.MakeKey()
	if err != nil {
		t.Fatal(err)
	}
	within := struct{ Made *ca.MadeKey }{made}
	asJSON, err := json.Marshal(within)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("a key", "key", made, "within", within)
	for _, printed := range []string{
		fmt.Sprint(made), fmt.Sprintf("%v %+v %#v %s %x %d", made, made, made, made, made, made), fmt.Sprintf("%v %+v", within, within),
		string(asJSON), logged.String(),
	} {
		if !strings.Contains(printed, "REDACTED") || strings.Contains(printed, fmt.Sprintf("%x", made.PKCS8()[40:48])) || strings.Contains(printed, fmt.Sprint(made.PKCS8()[40:48])) {
			t.Errorf("prints %s", printed)
		}
	}
}

// FuzzParseKeygenRequest has what is read twice be the same, of a kind that is made,
// and what is no good be refused by one of two sentinels.
func FuzzParseKeygenRequest(f *testing.F) {
	for _, kind := range []certstest.KeyKind{certstest.P256, certstest.Ed25519, certstest.RSA2048, certstest.RSA1024, certstest.P224} {
		f.Add(certstest.CSR(f, certstest.Key(f, kind), "seed"))
	}
	f.Add(certstest.CSRWith(f, ecdsaKey(f), certstest.ChallengePassword("correct horse")))
	f.Fuzz(func(t *testing.T, der []byte) {
		request, err := ca.ParseKeygenRequest(der)
		if err != nil {
			if !errors.Is(err, ca.ErrBadCSR) && !errors.Is(err, ca.ErrWeakKey) {
				t.Errorf("error without a sentinel: %v", err)
			}
			return
		}
		_, _ = request.ChannelBinding()
		// Whatever ParseCertificateRequest takes wants a key as it has.
		if csr, err := ca.ParseCertificateRequest(der); err == nil && csr.KeyHash() != request.KeyHash() {
			t.Errorf("known by %s, and by %s with a signature", request.KeyHash(), csr.KeyHash())
		}
	})
}
