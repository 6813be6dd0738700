package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
)

// KeyHash identifies a public key: the SHA-256 of its DER SubjectPublicKeyInfo
// (RFC 5280, section 4.1.2.7), encoded afresh, so that two encodings of one key
// cannot pass for two keys.
type KeyHash [32]byte

// HashKey returns the KeyHash of an RSA, ECDSA or Ed25519 public key.
func HashKey(key crypto.PublicKey) (KeyHash, error) {
	spki, _, err := encodeKey(key)
	if err != nil {
		return KeyHash{}, fmt.Errorf("hashing a public key: %w", err)
	}
	return sha256.Sum256(spki), nil
}

// encodeKey returns a key's SubjectPublicKeyInfo, and the content of the BIT
// STRING in it, which key identifiers are made of. What devices have mostly, P-256
// (RFC 5480, section 2), is put together by hand: crypto/x509 goes by reflection.
func encodeKey(key crypto.PublicKey) (spki, bits []byte, err error) {
	if ec, ok := key.(*ecdsa.PublicKey); ok && ec.Curve == elliptic.P256() {
		if bits, err = ec.Bytes(); err != nil {
			return nil, nil, err
		}
		return append([]byte(beforeP256), bits...), bits, nil
	}
	if spki, err = x509.MarshalPKIXPublicKey(key); err != nil {
		return nil, nil, err
	}
	bits, err = publicKeyBits(spki)
	return spki, bits, err
}

// beforeP256 is what stands before the point in the SubjectPublicKeyInfo of a
// P-256 key: two headers, the algorithm (id-ecPublicKey, prime256v1), and the
// header of a BIT STRING without unused bits.
const beforeP256 = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"

// ParseKeyHash reads 64 hexadecimal digits.
func ParseKeyHash(text string) (KeyHash, error) {
	var h KeyHash
	if len(text) != hex.EncodedLen(len(h)) {
		return h, fmt.Errorf("key hash: want 64 hexadecimal digits, have %d characters", len(text))
	}
	if _, err := hex.Decode(h[:], []byte(text)); err != nil {
		return KeyHash{}, fmt.Errorf("key hash: %w", err)
	}
	return h, nil
}

// String writes the hash as 64 lower-case hexadecimal digits.
func (h KeyHash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h is the zero value, which is no key's hash.
func (h KeyHash) IsZero() bool { return h == KeyHash{} }

// MarshalText implements [encoding.TextMarshaler] in the form of [KeyHash.String].
func (h KeyHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; it accepts what
// [ParseKeyHash] accepts.
func (h *KeyHash) UnmarshalText(text []byte) error {
	parsed, err := ParseKeyHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}
