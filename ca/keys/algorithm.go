package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
)

// ErrAlgorithm means that a key of this kind cannot be made, at all or there.
var ErrAlgorithm = errors.New("no such kind of key can be made")

// Algorithm is the kind of an issuing key. The set is closed.
type Algorithm string

// The kinds of issuing keys that are made. RSA signs PKCS#1 v1.5 with SHA-256;
// ECDSA with the hash that is as strong as its curve.
const (
	P256    Algorithm = "P-256"
	P384    Algorithm = "P-384"
	Ed25519 Algorithm = "Ed25519" // RFC 8410; older devices and most HSMs cannot
	RSA3072 Algorithm = "RSA-3072"
	RSA4096 Algorithm = "RSA-4096"
)

// Algorithms lists them, the usual one first.
func Algorithms() []Algorithm { return []Algorithm{P256, P384, Ed25519, RSA3072, RSA4096} }

// ParseAlgorithm reads an algorithm's name, in any case; an empty one is P-256.
// The error wraps [ErrAlgorithm].
func ParseAlgorithm(name string) (Algorithm, error) {
	if name == "" {
		return P256, nil
	}
	var known []string
	for _, a := range Algorithms() {
		if strings.EqualFold(name, string(a)) {
			return a, nil
		}
		known = append(known, string(a))
	}
	return "", fmt.Errorf("%w: %.40q; there are %s", ErrAlgorithm, name, strings.Join(known, ", "))
}

// bits is the size of an RSA key, or 0.
func (a Algorithm) bits() int {
	switch a {
	case RSA3072:
		return 3072
	case RSA4096:
		return 4096
	default:
		return 0
	}
}

// generate makes a key in memory.
func (a Algorithm) generate() (crypto.Signer, error) {
	switch a {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA3072, RSA4096:
		return rsa.GenerateKey(rand.Reader, a.bits())
	default:
		return nil, fmt.Errorf("%w: %.40q", ErrAlgorithm, string(a))
	}
}
