package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"

	"filippo.io/edwards25519"
)

// CheckPublicKey refuses keys that are weak or unknown. Accepted are RSA of
// 2048 to 8192 bits with an odd public exponent from 65537 to 2^31-1, ECDSA on
// P-256, P-384 and P-521, and Ed25519. RSA moduli that are even, have a small
// factor, two factors close together (Fermat) or the fingerprint of ROCA
// (CVE-2017-15361) are refused, as are Ed25519 points of small order. The error
// wraps [ErrWeakKey].
func CheckPublicKey(key crypto.PublicKey) error {
	_, err := checkKey(key)
	return err
}

// checkKey is CheckPublicKey and names the key, such as "RSA 3072".
func checkKey(key crypto.PublicKey) (algorithm string, err error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return checkECDSA(key)
	case *rsa.PublicKey:
		return checkRSA(key)
	case ed25519.PublicKey:
		return checkEd25519(key)
	case nil: // crypto/x509 knows the request, not its key
		return "", fmt.Errorf("%w: keys of this kind are not accepted; use ECDSA P-256", ErrWeakKey)
	default:
		return "", fmt.Errorf("%w: keys of this kind (%T) are not accepted; use ECDSA P-256", ErrWeakKey, key)
	}
}

func checkECDSA(key *ecdsa.PublicKey) (string, error) {
	switch key.Curve {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
	default:
		return "", fmt.Errorf("%w: curve %s is not accepted; use P-256, P-384 or P-521", ErrWeakKey, key.Params().Name)
	}
	// ECDH refuses what is not a point of the curve, and infinity.
	if _, err := key.ECDH(); err != nil {
		return "", fmt.Errorf("%w: not a point of %s; make a new key", ErrWeakKey, key.Params().Name)
	}
	return "ECDSA " + key.Params().Name, nil
}

func checkEd25519(key ed25519.PublicKey) (string, error) {
	point, err := new(edwards25519.Point).SetBytes(key)
	if err != nil {
		return "", fmt.Errorf("%w: not a point of Ed25519; make a new key", ErrWeakKey)
	}
	// With a key of small order one signature fits many messages (RFC 8032, section 8.9).
	if point.MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return "", fmt.Errorf("%w: an Ed25519 point of small order; make a new key", ErrWeakKey)
	}
	return "Ed25519", nil
}
