package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// signatureScheme is how an issuer's key signs.
type signatureScheme struct {
	algorithm  x509.SignatureAlgorithm
	identifier []byte // DER AlgorithmIdentifier
	hash       crypto.Hash
}

// schemeFor returns the one scheme used with a key: the hash is as strong as
// the curve (RFC 5480, section 4; RFC 5758, section 3.2), RSA is PKCS#1 v1.5
// with SHA-256, which everything can verify.
func schemeFor(key crypto.PublicKey) (signatureScheme, error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		switch key.Params().BitSize {
		case 256:
			return newScheme(x509.ECDSAWithSHA256, crypto.SHA256, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, false)
		case 384:
			return newScheme(x509.ECDSAWithSHA384, crypto.SHA384, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, false)
		case 521:
			return newScheme(x509.ECDSAWithSHA512, crypto.SHA512, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, false)
		}
	case *rsa.PublicKey:
		return newScheme(x509.SHA256WithRSA, crypto.SHA256, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, true)
	case ed25519.PublicKey:
		return newScheme(x509.PureEd25519, 0, asn1.ObjectIdentifier{1, 3, 101, 112}, false)
	}
	return signatureScheme{}, fmt.Errorf("%w: an issuer cannot sign with a key of this kind (%T)", ErrWeakKey, key)
}

func newScheme(algorithm x509.SignatureAlgorithm, hash crypto.Hash, oid asn1.ObjectIdentifier, null bool) (signatureScheme, error) {
	id := pkix.AlgorithmIdentifier{Algorithm: oid}
	if null { // RFC 4055, section 5; elsewhere parameters are absent
		id.Parameters = asn1.NullRawValue
	}
	der, err := asn1.Marshal(id)
	return signatureScheme{algorithm: algorithm, identifier: der, hash: hash}, err
}

// ErrNoSignature means that the issuing key did not sign: it is away, slow or
// broken. Nothing was made, and the same may be asked again.
var ErrNoSignature = errors.New("the issuing key did not sign")

// sign signs a message, not its digest. The error wraps [ErrNoSignature].
func (s signatureScheme) sign(signer crypto.Signer, message []byte) ([]byte, error) {
	if s.hash != 0 {
		h := s.hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	signature, err := signer.Sign(rand.Reader, message, s.hash)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSignature, err)
	}
	return signature, nil
}
