package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
)

// MadeKey is a private key that was made here for a device. Whatever prints it, in
// text, logs and JSON, has "REDACTED".
type MadeKey struct {
	public crypto.PublicKey
	hash   KeyHash
	pkcs8  []byte
}

// MakeKey makes a new key of the kind that the request wants. Whoever has it erases
// it.
func (r *KeygenRequest) MakeKey() (*MadeKey, error) {
	var private crypto.Signer
	var err error
	switch like := r.like.(type) {
	case *ecdsa.PublicKey:
		private, err = ecdsa.GenerateKey(like.Curve, rand.Reader)
	case ed25519.PublicKey:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case *rsa.PublicKey:
		private, err = rsa.GenerateKey(rand.Reader, like.N.BitLen())
	default:
		err = fmt.Errorf("keys of the kind %T are not made", like)
	}
	if err != nil {
		return nil, fmt.Errorf("make a key for a device: %w", err)
	}
	defer erase(private)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a key for a device: %w", err)
	}
	made := &MadeKey{public: private.Public(), pkcs8: pkcs8}
	if made.hash, err = HashKey(made.public); err != nil {
		made.Erase()
		return nil, err
	}
	return made, nil
}

// Public returns the public key.
func (k *MadeKey) Public() crypto.PublicKey { return k.public }

// KeyHash identifies the key.
func (k *MadeKey) KeyHash() KeyHash { return k.hash }

// PKCS8 returns the private key in DER (RFC 5958). It is good until Erase.
func (k *MadeKey) PKCS8() []byte { return k.pkcs8 }

// Erase overwrites the private key. It may be called more than once, and on nil.
func (k *MadeKey) Erase() {
	if k != nil {
		clear(k.pkcs8)
		k.pkcs8 = nil
	}
}

const redacted = "REDACTED"

// String returns "REDACTED".
func (k *MadeKey) String() string { return redacted }

// GoString returns "REDACTED".
func (k *MadeKey) GoString() string { return redacted }

// Format writes "REDACTED", whatever the verb.
func (k *MadeKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "REDACTED".
func (k *MadeKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "REDACTED".
func (k *MadeKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// erase overwrites what can be reached of a private key. Copies that crypto and
// encoding packages make on their way are the garbage collector's.
func erase(private crypto.Signer) {
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		clear(key.D.Bits()) //nolint:staticcheck // deprecated for arithmetic, and there is no other way to erase it
	case ed25519.PrivateKey:
		clear(key)
	case *rsa.PrivateKey:
		numbers := append([]*big.Int{key.D, key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv}, key.Primes...)
		for _, number := range numbers {
			if number != nil {
				clear(number.Bits())
			}
		}
	}
}
