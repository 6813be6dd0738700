package certstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Attribute is one of a PKCS#10 request (RFC 2986, section 4), which crypto/x509
// cannot write: its id, and its values in DER.
type Attribute struct {
	ID     asn1.ObjectIdentifier
	Values [][]byte
}

// ChallengePassword is the attribute of RFC 2985, section 5.4.1, as a UTF8String.
func ChallengePassword(text string) Attribute {
	return Attribute{ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}, Values: [][]byte{UTF8String(text)}}
}

// IdentityLinking is the attribute estIdentityLinking of RFC 7894, section 3.3.
func IdentityLinking(text string) Attribute {
	return Attribute{ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 58}, Values: [][]byte{UTF8String(text)}}
}

// UTF8String is text in DER.
func UTF8String(text string) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
	return b.BytesOrPanic()
}

// CSRWith makes a request without names, with attributes, signed with key by ECDSA and
// SHA-256.
func CSRWith(t testing.TB, key *ecdsa.PrivateKey, attributes ...Attribute) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {})
		b.AddBytes(spki)
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			for _, attribute := range attributes {
				addAttribute(b, attribute)
			}
		})
	})
	info := b.BytesOrPanic()
	hash := sha256.Sum256(info)
	signature, err := key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	b = cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2})
		})
		b.AddASN1BitString(signature)
	})
	return b.BytesOrPanic()
}

func addAttribute(b *cryptobyte.Builder, attribute Attribute) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(attribute.ID)
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
			for _, value := range attribute.Values {
				b.AddBytes(value)
			}
		})
	})
}
