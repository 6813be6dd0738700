package policy_test

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // a key that nobody accepts
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity/policy"
)

// What the CA accepts has a kind, and what has no kind the CA refuses.
func TestEveryAcceptedKeyHasAKind(t *testing.T) {
	edwards, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		key  crypto.PublicKey
		want policy.KeyKind
	}{
		{"P-224", onCurve(t, elliptic.P224()), ""},
		{"P-256", onCurve(t, elliptic.P256()), policy.ECDSAP256},
		{"P-384", onCurve(t, elliptic.P384()), policy.ECDSAP384},
		{"P-521", onCurve(t, elliptic.P521()), policy.ECDSAP521},
		{"Ed25519", edwards, policy.Ed25519},
		{"RSA 2040", modulus(2040), ""},
		{"RSA 2048", modulus(2048), policy.RSA2048},
		{"RSA 3064", modulus(3064), policy.RSA2048},
		{"RSA 3072", modulus(3072), policy.RSA3072},
		{"RSA 4088", modulus(4088), policy.RSA3072},
		{"RSA 4096", modulus(4096), policy.RSA4096},
		{"RSA 8192", modulus(8192), policy.RSA4096},
		{"DSA", &dsa.PublicKey{}, ""},
		{"none", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			kind, known := policy.KeyKindOf(test.key)
			if kind != test.want || known != (test.want != "") {
				t.Errorf("kind %q (%v), want %q", kind, known, test.want)
			}
			if err := ca.CheckPublicKey(test.key); (err == nil) != known {
				t.Errorf("it has a kind: %v, and the CA says: %v", known, err)
			}
		})
	}
}

func onCurve(t *testing.T, curve elliptic.Curve) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

// modulus returns a key that is no key, but looks like one: finding primes of 4096
// bits takes minutes. No small prime divides it, which the CA looks for.
func modulus(bits int) *rsa.PublicKey {
	random := rand.New(rand.NewPCG(1, uint64(bits)))
	n := new(big.Int)
	for {
		for n.SetUint64(1); n.BitLen() < bits; {
			n.Lsh(n, 8).Or(n, new(big.Int).SetUint64(random.Uint64()&0xff))
			if n.BitLen() > bits {
				n.Rsh(n, uint(n.BitLen()-bits))
			}
		}
		n.SetBit(n, 0, 1)
		if !hasSmallFactor(n) {
			return &rsa.PublicKey{N: n, E: 65537}
		}
	}
}

func hasSmallFactor(n *big.Int) bool {
	for p := int64(3); p < 1000; p += 2 {
		if new(big.Int).Mod(n, big.NewInt(p)).Sign() == 0 {
			return true
		}
	}
	return false
}
