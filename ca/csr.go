package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxCSRSize is the greatest size of a certificate request in octets of DER.
// An RSA request of 8192 bits with generous names takes 3 KiB.
const MaxCSRSize = 16 << 10

var (
	// ErrBadCSR means that a certificate request is too large, malformed, or not
	// signed by the key that it asks a certificate for.
	ErrBadCSR = errors.New("bad certificate request")
	// ErrWeakKey means that a public key is of a kind or strength that is not
	// accepted, or known to be weak.
	ErrWeakKey = errors.New("weak key")
)

// CertificateRequest is a PKCS#10 request (RFC 2986) whose signature proved
// that the sender holds the private key, and whose key is strong. Only the key
// can be had from it, and which TLS connection it was made for: names and extensions
// are decided by policy.
type CertificateRequest struct {
	key       crypto.PublicKey
	hash      KeyHash
	algorithm string
	info      requestInfo
}

// ParseCertificateRequest reads one DER PKCS#10 request of at most
// [MaxCSRSize] octets without trailing data, checks its key with
// [CheckPublicKey], and then its signature, once. The error wraps [ErrBadCSR]
// or [ErrWeakKey] and says what the operator of the device has to change.
func ParseCertificateRequest(der []byte) (*CertificateRequest, error) {
	if len(der) > MaxCSRSize {
		return nil, fmt.Errorf("%w: %d octets, at most %d are accepted", ErrBadCSR, len(der), MaxCSRSize)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		if curve := foreignCurve(der); curve != "" {
			return nil, fmt.Errorf("%w: curve %s; use P-256, P-384 or P-521", ErrWeakKey, curve)
		}
		return nil, fmt.Errorf("%w: not a PKCS#10 request in DER: %w", ErrBadCSR, err)
	}
	if csr.Version != 0 {
		return nil, fmt.Errorf("%w: its version is %d; PKCS#10 has version 0 alone (RFC 2986, section 4.1)", ErrBadCSR, csr.Version)
	}
	// The key is judged first: verifying with an absurd key costs more than refusing it.
	algorithm, err := checkKey(csr.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := checkPossession(csr); err != nil {
		return nil, err
	}
	hash, err := HashKey(csr.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%w: its public key cannot be encoded: %w", ErrBadCSR, err)
	}
	return &CertificateRequest{key: csr.PublicKey, hash: hash, algorithm: algorithm, info: csr.RawTBSCertificateRequest}, nil
}

func checkPossession(csr *x509.CertificateRequest) error {
	switch csr.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return fmt.Errorf("%w: signed with %s; sign it with SHA-256 or better", ErrBadCSR, csr.SignatureAlgorithm)
	default:
	}
	if err := csr.CheckSignature(); err != nil {
		return fmt.Errorf("%w: its signature does not prove possession of the key (%w); sign it with the private key of the public key in it", ErrBadCSR, err)
	}
	return nil
}

// ParseCertificateRequestPEM reads a request from text with exactly one PEM
// block, "CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST", and nothing but
// white space after it; explanatory text before it is ignored (RFC 7468,
// section 2). Errors are those of [ParseCertificateRequest].
func ParseCertificateRequestPEM(text []byte) (*CertificateRequest, error) {
	if len(text) > 2*MaxCSRSize {
		return nil, fmt.Errorf("%w: %d octets of PEM, at most %d are accepted", ErrBadCSR, len(text), 2*MaxCSRSize)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%w: no PEM block; send what begins with -----BEGIN CERTIFICATE REQUEST-----", ErrBadCSR)
	}
	if block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, fmt.Errorf("%w: the PEM block is %.40q, want \"CERTIFICATE REQUEST\"", ErrBadCSR, block.Type)
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("%w: something follows the PEM block; send one request at a time", ErrBadCSR)
	}
	return ParseCertificateRequest(block.Bytes)
}

// PublicKey returns the key: *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey.
func (r *CertificateRequest) PublicKey() crypto.PublicKey { return r.key }

// KeyHash identifies the key.
func (r *CertificateRequest) KeyHash() KeyHash { return r.hash }

// KeyAlgorithm names the key's kind and size: "ECDSA P-256", "RSA 3072",
// "Ed25519".
func (r *CertificateRequest) KeyAlgorithm() string { return r.algorithm }

// foreignCurve returns the OID of the named curve in a request (RFC 5480, section
// 2.1.1.1) that crypto/x509 does not know; nothing where that is not what is
// wrong with it.
func foreignCurve(der []byte) string {
	input := cryptobyte.String(der)
	var request, info, spki, algorithm cryptobyte.String
	var key, curve asn1.ObjectIdentifier
	ok := input.ReadASN1(&request, cbasn1.SEQUENCE) &&
		request.ReadASN1(&info, cbasn1.SEQUENCE) &&
		info.SkipASN1(cbasn1.INTEGER) && // version
		info.SkipASN1(cbasn1.SEQUENCE) && // subject
		info.ReadASN1(&spki, cbasn1.SEQUENCE) &&
		spki.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&key) && key.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}) &&
		algorithm.ReadASN1ObjectIdentifier(&curve)
	if !ok {
		return ""
	}
	for _, known := range []asn1.ObjectIdentifier{{1, 3, 132, 0, 33}, {1, 2, 840, 10045, 3, 1, 7}, {1, 3, 132, 0, 34}, {1, 3, 132, 0, 35}} {
		if curve.Equal(known) {
			return ""
		}
	}
	return curve.String()
}
