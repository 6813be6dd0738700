package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// KeygenRequest is a PKCS#10 request for a certificate and for the key that goes with
// it (RFC 7030, section 4.4.1): its public key says what kind of key is wanted, and its
// signature says nothing.
type KeygenRequest struct {
	like crypto.PublicKey
	hash KeyHash
	info requestInfo
}

// ParseKeygenRequest reads one DER request of at most [MaxCSRSize] octets without
// trailing data. Neither the value of its public key nor its signature is looked at.
// The error wraps [ErrWeakKey] where no key of that kind is made, and else [ErrBadCSR]:
// also where it asks for the key to be encrypted, which is not offered, and must not be
// taken for a wish to have it as it is.
func ParseKeygenRequest(der []byte) (*KeygenRequest, error) {
	if len(der) > MaxCSRSize {
		return nil, fmt.Errorf("%w: %d octets, at most %d are accepted", ErrBadCSR, len(der), MaxCSRSize)
	}
	input := cryptobyte.String(der)
	var request, info, content, spki cryptobyte.String
	ok := input.ReadASN1(&request, cbasn1.SEQUENCE) && input.Empty() &&
		request.ReadASN1Element(&info, cbasn1.SEQUENCE) &&
		request.SkipASN1(cbasn1.SEQUENCE) && // signatureAlgorithm
		request.SkipASN1(cbasn1.BIT_STRING) && request.Empty()
	inside := info
	ok = ok && inside.ReadASN1(&content, cbasn1.SEQUENCE) &&
		content.SkipASN1(cbasn1.INTEGER) && // version
		content.SkipASN1(cbasn1.SEQUENCE) && // subject
		content.ReadASN1Element(&spki, cbasn1.SEQUENCE)
	if !ok {
		return nil, fmt.Errorf("%w: not a PKCS#10 request in DER", ErrBadCSR)
	}
	r := &KeygenRequest{hash: sha256.Sum256(spki), info: requestInfo(info)}
	if err := r.info.wantsPlainKey(); err != nil {
		return nil, err
	}
	var err error
	r.like, err = kindOfKey(spki)
	return r, err
}

// Like returns a public key of the kind that is wanted: *rsa.PublicKey,
// *ecdsa.PublicKey or ed25519.PublicKey. It is nobody's, and good for nothing else.
func (r *KeygenRequest) Like() crypto.PublicKey { return r.like }

// KeyHash is that of the public key in the request, by which the same request is known
// again. It is not that of the key that will be made.
func (r *KeygenRequest) KeyHash() KeyHash { return r.hash }

// ChannelBinding is as that of [CertificateRequest]. No signature vouches for it.
func (r *KeygenRequest) ChannelBinding() ([]byte, error) { return r.info.channelBinding() }

// wantsPlainKey refuses a request for a key that is encrypted (RFC 7030, sections
// 4.4.1.1 and 4.4.1.2).
func (i requestInfo) wantsPlainKey() error {
	attributes, err := i.attributes()
	if err != nil {
		return err
	}
	for _, wish := range []struct {
		name string
		id   asn1.ObjectIdentifier
	}{
		{"SMIMECapabilities", asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 15}},
		{"DecryptKeyIdentifier", asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 37}},
		{"AsymmetricDecryptKeyIdentifier", asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 54}},
	} {
		_, _, found, err := attributes.value(wish.id, wish.name)
		if err != nil {
			return err
		}
		if found {
			return fmt.Errorf("%w: it asks for the private key to be encrypted (%s), which is not offered; leave the attribute out, and the key is protected by TLS alone", ErrBadCSR, wish.name)
		}
	}
	return nil
}

// kindOfKey returns a public key of the kind of a SubjectPublicKeyInfo (RFC 5280,
// section 4.1), where keys of that kind are made. The value of the key is looked at
// for the size of an RSA key alone.
func kindOfKey(spki cryptobyte.String) (crypto.PublicKey, error) {
	var info, algorithm cryptobyte.String
	var kind, curve asn1.ObjectIdentifier
	if !spki.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&kind) {
		return nil, fmt.Errorf("%w: its public key is not in DER", ErrBadCSR)
	}
	switch {
	case kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}):
		if !algorithm.ReadASN1ObjectIdentifier(&curve) {
			return nil, fmt.Errorf("%w: its public key names no curve", ErrBadCSR)
		}
		return keyOfCurve(curve)
	case kind.Equal(asn1.ObjectIdentifier{1, 3, 101, 112}):
		return ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)), nil
	case kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}):
		return keyOfSize(info)
	default:
		return nil, errNotMade("keys of the kind " + kind.String())
	}
}

func keyOfCurve(curve asn1.ObjectIdentifier) (crypto.PublicKey, error) {
	switch {
	case curve.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}):
		return &ecdsa.PublicKey{Curve: elliptic.P256()}, nil
	case curve.Equal(asn1.ObjectIdentifier{1, 3, 132, 0, 34}):
		return &ecdsa.PublicKey{Curve: elliptic.P384()}, nil
	case curve.Equal(asn1.ObjectIdentifier{1, 3, 132, 0, 35}):
		return &ecdsa.PublicKey{Curve: elliptic.P521()}, nil
	default:
		return nil, errNotMade("keys on the curve " + curve.String())
	}
}

// keyOfSize reads the size of an RSA key from its BIT STRING. Longer keys than 3072
// bits take whole seconds to make.
func keyOfSize(info cryptobyte.String) (crypto.PublicKey, error) {
	var value []byte
	if !info.ReadASN1BitStringAsBytes(&value) {
		return nil, fmt.Errorf("%w: its public key is not in DER", ErrBadCSR)
	}
	input := cryptobyte.String(value)
	var key cryptobyte.String
	modulus := new(big.Int)
	if !input.ReadASN1(&key, cbasn1.SEQUENCE) || !key.ReadASN1Integer(modulus) {
		return nil, fmt.Errorf("%w: its public key is not in DER", ErrBadCSR)
	}
	switch bits := modulus.BitLen(); bits {
	case 2048, 3072:
		return &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), uint(bits-1)), E: minExponent}, nil // #nosec G115 -- one of two numbers
	default:
		return nil, errNotMade(fmt.Sprintf("RSA keys of %d bits", bits))
	}
}

func errNotMade(what string) error {
	return fmt.Errorf("%w: %s are not made here; send a request with a key on P-256, P-384 or P-521, of Ed25519, or of RSA with 2048 or 3072 bits", ErrWeakKey, what)
}
