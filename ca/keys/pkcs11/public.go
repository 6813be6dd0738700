//go:build pkcs11

package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What PKCS#11 3.0 brought for Ed25519 (sections 2.3.5 and 2.3.14).
const (
	ckkECEdwards           = 0x40
	ckmECEdwardsKeyPairGen = 0x1055
	ckmEdDSA               = 0x1057
)

// publicKey is *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
type publicKey = crypto.PublicKey

func curves() map[string]elliptic.Curve {
	return map[string]elliptic.Curve{
		"1.2.840.10045.3.1.7": elliptic.P256(), "1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521(),
	}
}

// readPublic reads the public key that belongs to a private one. RSA keys tell it
// themselves; of others the token holds it beside, with the same label and id.
func (l *Library) readPublic(session pkcs11.SessionHandle, private pkcs11.ObjectHandle, u URI) (publicKey, error) {
	attributes, err := l.ctx.GetAttributeValue(session, private, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, nil), pkcs11.NewAttribute(pkcs11.CKA_ID, nil),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	kind, id := number(attributes[0].Value), attributes[1].Value
	if len(u.ID) == 0 {
		u.ID = id
	}
	if kind == pkcs11.CKK_RSA {
		return l.readRSA(session, private)
	}
	found, err := l.objects(session, pkcs11.CKO_PUBLIC_KEY, u)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%w: the token holds %d public keys of the private key's name; it must hold the one", ErrNotFound, len(found))
	}
	attributes, err = l.ctx.GetAttributeValue(session, found[0], []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, nil), pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	switch kind {
	case pkcs11.CKK_EC:
		return parseEC(attributes[0].Value, attributes[1].Value)
	case ckkECEdwards:
		return parseEd25519(attributes[1].Value)
	default:
		return nil, fmt.Errorf("%w: keys of type %#x", ErrMechanism, kind)
	}
}

func (l *Library) readRSA(session pkcs11.SessionHandle, private pkcs11.ObjectHandle) (publicKey, error) {
	attributes, err := l.ctx.GetAttributeValue(session, private, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, nil), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, nil),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	exponent := new(big.Int).SetBytes(attributes[1].Value)
	if !exponent.IsInt64() || exponent.Int64() > 1<<31-1 {
		return nil, errors.New("reading the key: its exponent is too large")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(attributes[0].Value), E: int(exponent.Int64())}, nil
}

func parseEC(parameters, point []byte) (publicKey, error) {
	var name asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(parameters, &name); err != nil || len(rest) > 0 {
		return nil, errors.New("reading the public key: its curve has no name")
	}
	curve, ok := curves()[name.String()]
	if !ok {
		return nil, fmt.Errorf("%w: the curve %s", ErrMechanism, name)
	}
	return ecdsa.ParseUncompressedPublicKey(curve, unwrap(point))
}

func parseEd25519(point []byte) (publicKey, error) {
	point = unwrap(point)
	if len(point) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("reading the public key: %d octets are no point of Ed25519", len(point))
	}
	return ed25519.PublicKey(bytes.Clone(point)), nil
}

// unwrap takes a point out of its OCTET STRING, which some tokens leave out.
func unwrap(point []byte) []byte {
	input, inner := cryptobyte.String(point), cryptobyte.String(nil)
	if input.ReadASN1(&inner, cbasn1.OCTET_STRING) && input.Empty() {
		return inner
	}
	return point
}

// number reads a CK_ULONG, which is in the machine's own order.
func number(value []byte) uint {
	n := uint(0)
	for i := range min(len(value), 8) {
		n |= uint(value[i]) << (8 * i)
	}
	return n
}
