package ca

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

const (
	minRSABits   = 2048
	maxRSABits   = 8192
	minExponent  = 65537
	maxExponent  = 1<<31 - 1
	smallFactor  = 752 // primes below are tried, as Boulder does
	fermatRounds = 100 // CVE-2022-26320 keys fall in the first few
)

func checkRSA(key *rsa.PublicKey) (string, error) {
	bits := key.N.BitLen()
	switch {
	case bits < minRSABits || bits > maxRSABits:
		return "", fmt.Errorf("%w: RSA of %d bits; use %d to %d bits, or better ECDSA P-256", ErrWeakKey, bits, minRSABits, maxRSABits)
	case bits%8 != 0:
		return "", fmt.Errorf("%w: an RSA modulus of %d bits, which is no multiple of 8; make a new key of 2048 or 3072 bits", ErrWeakKey, bits)
	case key.E < minExponent || key.E > maxExponent || key.E%2 == 0:
		return "", fmt.Errorf("%w: RSA exponent %d; use 65537", ErrWeakKey, key.E)
	}
	if p := smallestFactor(key.N); p != 0 {
		return "", fmt.Errorf("%w: the RSA modulus is divisible by %d; the key generator is broken, make a new key elsewhere", ErrWeakKey, p)
	}
	if hasROCAFingerprint(key.N) {
		return "", fmt.Errorf("%w: the RSA key was made by a chip with the ROCA flaw (CVE-2017-15361); update the chip's firmware or make the key in software", ErrWeakKey)
	}
	if hasCloseFactors(key.N) {
		return "", fmt.Errorf("%w: the factors of the RSA modulus are too close together (CVE-2022-26320); update the key generator and make a new key", ErrWeakKey)
	}
	return fmt.Sprintf("RSA %d", bits), nil
}

// smallestFactor returns the smallest prime factor of n under smallFactor, or 0.
// One long division by a product that fits a word serves several candidates.
// Those that are not prime do no harm: their factors have been tried before.
func smallestFactor(n *big.Int) uint64 {
	var rest, divisor big.Int
	candidate := uint64(2)
	for candidate < smallFactor {
		first, product := candidate, uint64(1)
		for candidate < smallFactor && product < 1<<53 {
			product *= candidate
			candidate = nextCandidate(candidate)
		}
		r := rest.Mod(n, divisor.SetUint64(product)).Uint64()
		for c := first; c < candidate; c = nextCandidate(c) {
			if r%c == 0 {
				return c
			}
		}
	}
	return 0
}

// nextCandidate steps through 2, 3 and the numbers that neither divides.
func nextCandidate(c uint64) uint64 {
	switch {
	case c == 2:
		return 3
	case c%6 == 5 || c == 3:
		return c + 2
	default:
		return c + 4
	}
}

// hasROCAFingerprint reports whether n is a power of 65537 modulo each of the
// primes for which that is rare: moduli of Infineon's RSALib always are, others
// with a chance of 2^-27 (Nemec et al., "The Return of Coppersmith's Attack",
// section 2.3).
func hasROCAFingerprint(n *big.Int) bool {
	var rest, divisor big.Int
	for _, p := range [...]uint64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		if !isPowerOf65537(rest.Mod(n, divisor.SetUint64(p)).Uint64(), p) {
			return false
		}
	}
	return true
}

func isPowerOf65537(r, p uint64) bool {
	for power, i := uint64(1), uint64(0); i < p; i++ {
		if power == r {
			return true
		}
		power = power * 65537 % p
	}
	return false
}

// hasCloseFactors runs the first rounds of Fermat's factorisation: it looks for
// a and b with n = a² - b², a little above the root of n.
func hasCloseFactors(n *big.Int) bool {
	var a, b, again, square, step big.Int
	a.Sqrt(n)
	if square.Mul(&a, &a).Cmp(n) == 0 {
		return true
	}
	one := big.NewInt(1)
	a.Add(&a, one)
	square.Mul(&a, &a).Sub(&square, n) // b² of this round
	step.Lsh(&a, 1).Add(&step, one)    // (a+1)² - a²
	two := big.NewInt(2)
	for range fermatRounds {
		if maybeSquare(&square) {
			b.Sqrt(&square)
			if again.Mul(&b, &b).Cmp(&square) == 0 {
				return true
			}
		}
		square.Add(&square, &step)
		step.Add(&step, two)
	}
	return false
}

// maybeSquare is false for 99 in 100 numbers that are no squares, and spares
// their roots: squares have few remainders modulo 64, 63, 65 and 11 (Cohen, "A
// Course in Computational Algebraic Number Theory", algorithm 1.7.3).
func maybeSquare(n *big.Int) bool {
	if words := n.Bits(); len(words) > 0 && !isSquareModulo(uint64(words[0]), 64) {
		return false
	}
	var rest, modulus big.Int
	r := rest.Mod(n, modulus.SetUint64(63*65*11)).Uint64()
	return isSquareModulo(r, 63) && isSquareModulo(r, 65) && isSquareModulo(r, 11)
}

func isSquareModulo(r, modulus uint64) bool {
	r %= modulus
	for root := range modulus/2 + 1 {
		if root*root%modulus == r {
			return true
		}
	}
	return false
}
