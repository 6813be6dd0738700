//go:build pkcs11

package pkcs11

import (
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// Kind is a kind of key that a token makes.
type Kind string

// The kinds of keys; not every token can make each.
const (
	P256    Kind = "P-256"
	P384    Kind = "P-384"
	Ed25519 Kind = "Ed25519"
	RSA3072 Kind = "RSA-3072"
	RSA4096 Kind = "RSA-4096"
)

// idSize is the length of CKA_ID where a URI says none, in octets.
const idSize = 8

// Create makes a key pair in the token: sensitive, not extractable, for signing
// alone. Where the URI has no id, one is drawn; the URI that is returned has it. A
// key with the label or the id that is there already is [ErrExists].
func (l *Library) Create(u URI, pin string, kind Kind) (URI, error) {
	l.calls.RLock()
	defer l.calls.RUnlock()
	session, _, err := l.logIn(u, pin)
	if err != nil {
		return URI{}, err
	}
	made, err := l.create(session, u, kind)
	return made, errors.Join(err, l.ctx.CloseSession(session))
}

func (l *Library) create(session pkcs11.SessionHandle, u URI, kind Kind) (URI, error) {
	there, err := l.objects(session, pkcs11.CKO_PRIVATE_KEY, u)
	if err != nil {
		return URI{}, err
	}
	if len(there) > 0 {
		return URI{}, ErrExists
	}
	mechanism, parameters, err := kind.generation()
	if err != nil {
		return URI{}, err
	}
	if len(u.ID) == 0 {
		u.ID = make([]byte, idSize)
		if _, err := rand.Read(u.ID); err != nil {
			return URI{}, err
		}
	}
	public := append(append(named(u), parameters...),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true))
	private := append(named(u),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true))
	_, _, err = l.ctx.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, public, private)
	if is(err, pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_CURVE_NOT_SUPPORTED, pkcs11.CKR_KEY_SIZE_RANGE) {
		return URI{}, fmt.Errorf("%w: it makes no %s keys: %w", ErrMechanism, kind, err)
	}
	if err != nil {
		return URI{}, fmt.Errorf("making a key: %w", err)
	}
	return u, nil
}

// generation says by which mechanism a kind of key is made, and of what.
func (k Kind) generation() (mechanism uint, parameters []*pkcs11.Attribute, err error) {
	switch k {
	case P256:
		return curve(pkcs11.CKM_EC_KEY_PAIR_GEN, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	case P384:
		return curve(pkcs11.CKM_EC_KEY_PAIR_GEN, asn1.ObjectIdentifier{1, 3, 132, 0, 34})
	case Ed25519:
		// The name as a PrintableString is what tokens before PKCS#11 3.0 know too.
		name, err := asn1.MarshalWithParams("edwards25519", "printable")
		return ckmECEdwardsKeyPairGen, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, name)}, err
	case RSA3072:
		return modulus(3072)
	case RSA4096:
		return modulus(4096)
	default:
		return 0, nil, fmt.Errorf("%w: keys of kind %.40q", ErrMechanism, string(k))
	}
}

func curve(mechanism uint, name asn1.ObjectIdentifier) (uint, []*pkcs11.Attribute, error) {
	der, err := asn1.Marshal(name)
	return mechanism, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, der)}, err
}

func modulus(bits int) (uint, []*pkcs11.Attribute, error) {
	return pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, bits),
		pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}),
	}, nil
}
