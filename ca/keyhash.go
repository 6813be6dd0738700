package ca

import (
	"crypto"
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
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return KeyHash{}, fmt.Errorf("hashing a public key: %w", err)
	}
	return sha256.Sum256(spki), nil
}

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
