package ca_test

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // to be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestKnownWeakKeys(t *testing.T) {
	good := certstest.Key(t, certstest.RSA2048).Public().(*rsa.PublicKey)
	prime := prime(t, 1024)
	for name, test := range map[string]struct {
		key  crypto.PublicKey
		word string
	}{
		"RSA even modulus":        {&rsa.PublicKey{N: new(big.Int).Sub(good.N, big.NewInt(1)), E: 65537}, "divisible by 2"},
		"RSA small factor":        {&rsa.PublicKey{N: withFactor(t, 751), E: 65537}, "divisible by 751"},
		"RSA close factors":       {&rsa.PublicKey{N: new(big.Int).Mul(prime, next(prime)), E: 65537}, "too close"},
		"RSA square":              {&rsa.PublicKey{N: new(big.Int).Mul(prime, prime), E: 65537}, "too close"},
		"RSA of ROCA":             {&rsa.PublicKey{N: new(big.Int).Mul(rocaPrime(t), rocaPrime(t)), E: 65537}, "ROCA"},
		"RSA odd length":          {&rsa.PublicKey{N: new(big.Int).Lsh(good.N, 1), E: 65537}, "multiple of 8"},
		"RSA too long":            {&rsa.PublicKey{N: new(big.Int).Lsh(good.N, 6144+8), E: 65537}, "8200 bits"},
		"RSA exponent 3":          {&rsa.PublicKey{N: good.N, E: 3}, "exponent 3"},
		"RSA exponent even":       {&rsa.PublicKey{N: good.N, E: 65538}, "exponent 65538"},
		"RSA exponent 1":          {&rsa.PublicKey{N: good.N, E: 1}, "exponent 1"},
		"Ed25519 identity":        {ed25519Key(t, "0100000000000000000000000000000000000000000000000000000000000000"), "small order"},
		"Ed25519 order eight":     {ed25519Key(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "small order"},
		"Ed25519 not a point":     {ed25519Key(t, "0200000000000000000000000000000000000000000000000000000000000000"), "not a point"},
		"Ed25519 short":           {ed25519.PublicKey{1, 2, 3}, "not a point"},
		"ECDSA not on the curve":  {&ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}, "not a point"}, //nolint:staticcheck // no other way to make it
		"ECDSA point at infinity": {&ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int), Y: new(big.Int)}, "not a point"},   //nolint:staticcheck // no other way to make it
		"DSA":                     {&dsa.PublicKey{}, "not accepted"},
		"nil":                     {nil, "not accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ca.CheckPublicKey(test.key)
			if !errors.Is(err, ca.ErrWeakKey) || !strings.Contains(err.Error(), test.word) {
				t.Errorf("error is %v, want ErrWeakKey saying %q", err, test.word)
			}
		})
	}
	if err := ca.CheckPublicKey(good); err != nil {
		t.Errorf("a good key: %v", err)
	}
}

func ed25519Key(t *testing.T, digits string) ed25519.PublicKey {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func prime(t *testing.T, bits int) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// next returns a number a little above an odd p, as a bad generator that looks
// for the second prime from the first on would. Whether it is prime does not
// matter; small factors do.
func next(p *big.Int) *big.Int {
	q := new(big.Int).Add(p, big.NewInt(2))
	for !q.ProbablyPrime(1) {
		q.Add(q, big.NewInt(2))
	}
	return q
}

// withFactor returns an odd number of 2048 bits that is divisible by factor
// and by no smaller prime.
func withFactor(t *testing.T, factor int64) *big.Int {
	t.Helper()
	for {
		n := new(big.Int).Mul(prime(t, 1024), prime(t, 1015))
		if n.Mul(n, big.NewInt(factor)); n.BitLen() == 2048 {
			return n
		}
	}
}

// rocaPrime makes a prime as Infineon's RSALib did: k*M + (65537^a mod M), with
// M the product of the first primes (Nemec et al., section 2.1).
func rocaPrime(t *testing.T) *big.Int {
	t.Helper()
	m := big.NewInt(1)
	for p := int64(2); p <= 701; p++ {
		if big.NewInt(p).ProbablyPrime(10) {
			m.Mul(m, big.NewInt(p))
		}
	}
	low := new(big.Int).Lsh(big.NewInt(3), 1022) // so that the product has 2048 bits
	for {
		a, err := rand.Int(rand.Reader, m)
		if err != nil {
			t.Fatal(err)
		}
		p := new(big.Int).Exp(big.NewInt(65537), a, m)
		k, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 40))
		if err != nil {
			t.Fatal(err)
		}
		k.Add(k, new(big.Int).Div(low, m)).Add(k, big.NewInt(1))
		if p.Add(p, k.Mul(k, m)); p.BitLen() == 1024 && p.ProbablyPrime(5) {
			return p
		}
	}
}
