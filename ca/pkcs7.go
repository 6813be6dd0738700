package ca

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CertsOnly packs certificates (DER) into a degenerate PKCS#7 SignedData without
// content or signature (RFC 5652, section 5.2; RFC 5272, section 4.1), in the
// order given. EST and SCEP deliver certificates in it.
func CertsOnly(certificates ...[]byte) ([]byte, error) {
	if len(certificates) == 0 {
		return nil, errors.New("certs-only message: no certificate to put in it")
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ContentInfo
		b.AddASN1ObjectIdentifier(oidSignedData())
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addCertsOnly(b, certificates) })
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("certs-only message: %w", err)
	}
	return der, nil
}

// addCertsOnly adds the fields of a SignedData that nobody signed (RFC 5652,
// section 5.1).
func addCertsOnly(b *cryptobyte.Builder, certificates [][]byte) {
	empty := func(*cryptobyte.Builder) {}
	b.AddASN1Int64(1)            // version
	b.AddASN1(cbasn1.SET, empty) // digestAlgorithms
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData()) })
	b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
		for _, der := range certificates {
			b.AddBytes(der)
		}
	})
	b.AddASN1(contextTag(1), empty) // crls: none, but there, as OpenSSL and smallstep write it
	b.AddASN1(cbasn1.SET, empty)    // signerInfos
}

// oidData and oidSignedData are id-data and id-signedData of RFC 5652, sections 4
// and 5.1.

func oidData() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1} }

func oidSignedData() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2} }
