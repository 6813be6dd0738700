package ca

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ChainCheck is what the corporate PKI returned, and what it has to be good
// for.
type ChainCheck struct {
	// Chain is the chain as it was returned: the issuing CA's certificate first,
	// then those above it; the anchor may stand at the end.
	Chain []*x509.Certificate
	// Anchor is the configured corporate root.
	Anchor *x509.Certificate
	// PublicKey is the issuing key's, for which the certificate was requested.
	PublicKey crypto.PublicKey
	// LongestLifetime is that of the longest profile: the issuer must last as long.
	LongestLifetime time.Duration
	// Now is the time of the check.
	Now time.Time
	// PEN is the private enterprise number in the devices' URNs; it only makes
	// messages clearer.
	PEN uint32
	// ServerNames are the DNS names and IP addresses of the listeners, whose
	// certificates this issuer signs too.
	ServerNames []string
	// NoListeners says that the listeners have certificates from elsewhere, so
	// that the issuer needs no serverAuth and ServerNames are not looked at.
	NoListeners bool
}

// Fault is one thing that keeps a chain from being used.
type Fault struct {
	// Code is one of the Fault constants.
	Code string
	// Message says what is wrong, with which certificate, and what to ask the
	// corporate PKI for.
	Message string
}

// String returns "code: message".
func (f Fault) String() string { return f.Code + ": " + f.Message }

// The codes of faults.
const (
	FaultChainEmpty         = "chain_empty"
	FaultChainOrder         = "chain_order"
	FaultChainExtra         = "chain_extra"
	FaultChainIncomplete    = "chain_incomplete"
	FaultChainSignature     = "chain_signature"
	FaultAnchorMissing      = "anchor_missing"
	FaultAnchorMismatch     = "anchor_mismatch"
	FaultKeyMismatch        = "key_mismatch"
	FaultNotCA              = "not_ca"
	FaultPathLength         = "path_length"
	FaultKeyUsage           = "key_usage"
	FaultExtendedKeyUsage   = "extended_key_usage"
	FaultNameConstraints    = "name_constraints"
	FaultPolicyConstraints  = "policy_constraints"
	FaultCriticalExtension  = "critical_extension"
	FaultSignatureAlgorithm = "signature_algorithm"
	FaultWeakKey            = "weak_key"
	FaultNotYetValid        = "not_yet_valid"
	FaultExpired            = "expired"
	FaultValidityTooShort   = "validity_too_short"
	FaultAuthorityKeyID     = "authority_key_id"
)

// CheckChain reports everything that is wrong with what the corporate PKI
// returned, at once, in the order of the chain; nothing when the issuer can be
// activated. Each certificate of the path is checked, the anchor included, for
// programs differ in how much of an anchor they look at.
func CheckChain(c ChainCheck) []Fault {
	r := &chainReport{ChainCheck: c}
	if c.Anchor == nil {
		r.add(FaultAnchorMissing, "no corporate root is configured; configure the certificate that every device and relying party trusts")
	}
	if len(c.Chain) == 0 {
		r.add(FaultChainEmpty, "there is no certificate; expected the issuing CA's certificate first, then those above it")
		return r.faults
	}
	path, reachesAnchor := r.walk(r.issuing())
	for below, cert := range path {
		r.checkCertificate(cert, below)
	}
	for i, cert := range path {
		parent := c.Anchor
		if i+1 < len(path) {
			parent = path[i+1]
		} else if !reachesAnchor {
			break
		}
		r.checkKeyIDs(cert, parent)
	}
	if c.Anchor != nil {
		r.checkCertificate(c.Anchor, len(path))
	}
	return r.faults
}

// chainReport gathers faults. A certificate's place is the number of
// certificates between it and a device's; the anchor stands at the end.
type chainReport struct {
	ChainCheck
	faults []Fault
}

func (r *chainReport) add(code, format string, args ...any) {
	r.faults = append(r.faults, Fault{code, fmt.Sprintf(format, args...)})
}

// issuing finds the certificate of the issuing key.
func (r *chainReport) issuing() *x509.Certificate {
	if samePublicKey(r.Chain[0].PublicKey, r.PublicKey) {
		return r.Chain[0]
	}
	for i, cert := range r.Chain[1:] {
		if samePublicKey(cert.PublicKey, r.PublicKey) {
			r.add(FaultChainOrder, "certificate %d of the chain, %q, is the issuing CA's; put it first, followed by the one that signed it, and so on", i+2, cert.Subject)
			return cert
		}
	}
	r.add(FaultKeyMismatch, "%q is not a certificate for the issuing key: its public key is another; ask for a certificate for the request that `touchmark ca request` printed last", r.Chain[0].Subject)
	return r.Chain[0]
}

// walk follows signatures from the issuing certificate to the anchor. It
// reports what is missing, forged, superfluous or out of order, and returns the
// path without the anchor as far as it goes.
func (r *chainReport) walk(issuing *x509.Certificate) (path []*x509.Certificate, reachesAnchor bool) {
	if r.Anchor != nil && issuing.Equal(r.Anchor) {
		r.add(FaultAnchorMismatch, "%q is the corporate root itself; the issuing CA needs a certificate of its own, signed by the root", issuing.Subject)
		return nil, true
	}
	path = []*x509.Certificate{issuing}
	for {
		last := path[len(path)-1]
		if r.Anchor != nil && linked(last, r.Anchor) {
			reachesAnchor = true
			break
		}
		next := r.parentOf(last, path)
		if next == nil {
			r.reportEnd(last, path)
			break
		}
		path = append(path, next)
	}
	r.reportOrder(path)
	return path, reachesAnchor
}

func (r *chainReport) parentOf(cert *x509.Certificate, path []*x509.Certificate) *x509.Certificate {
	for _, candidate := range r.Chain {
		if !slices.ContainsFunc(path, candidate.Equal) && linked(cert, candidate) {
			return candidate
		}
	}
	return nil
}

// reportEnd says why the path ends before the anchor.
func (r *chainReport) reportEnd(last *x509.Certificate, path []*x509.Certificate) {
	named := func(c *x509.Certificate) bool {
		return c != nil && !c.Equal(last) && string(c.RawSubject) == string(last.RawIssuer)
	}
	switch {
	case isSelfIssued(last) && len(path) > 1 && r.Anchor != nil:
		r.add(FaultAnchorMismatch, "the chain ends in the root %q (SHA-256 %s), but the configured corporate root is %q (SHA-256 %s); configure that root, or have the issuing CA signed under the configured one",
			last.Subject, fingerprint(last), r.Anchor.Subject, fingerprint(r.Anchor))
	case named(r.Anchor):
		r.add(FaultAnchorMismatch, "%q is not signed by the configured corporate root, although it names it: the root of that name that signed it has another key; configure that root (SHA-256 of the configured one: %s)", last.Subject, fingerprint(r.Anchor))
	case slices.ContainsFunc(r.Chain, named):
		r.add(FaultChainSignature, "%q names %q as its issuer, but the signature is not by that certificate's key; ask for the chain again, it has been damaged or mixed up", last.Subject, last.Issuer)
	case isSelfIssued(last):
		r.add(FaultAnchorMismatch, "%q is self-signed; have the request signed under the corporate root", last.Subject)
	default:
		r.add(FaultChainIncomplete, "the certificate of %q, which signed %q, is missing; ask for the whole chain up to the corporate root", last.Issuer, last.Subject)
	}
}

func (r *chainReport) reportOrder(path []*x509.Certificate) {
	var rest []*x509.Certificate
	for _, cert := range r.Chain {
		switch {
		case slices.ContainsFunc(path, cert.Equal):
			rest = append(rest, cert)
		case r.Anchor == nil || !cert.Equal(r.Anchor):
			r.add(FaultChainExtra, "%q (SHA-256 %s) has no part in the path from the issuing CA to the corporate root; remove it", cert.Subject, fingerprint(cert))
		}
	}
	inOrder := slices.EqualFunc(rest, path, (*x509.Certificate).Equal)
	told := slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Code == FaultChainOrder })
	if !inOrder && !told {
		r.add(FaultChainOrder, "the certificates are out of order or repeated; put the issuing CA's first, followed by the one that signed it, and so on")
	}
}

// linked reports whether parent signed cert. A signature with an algorithm too
// weak to be verified is taken by the names: the algorithm is reported apart.
func linked(cert, parent *x509.Certificate) bool {
	if string(cert.RawIssuer) != string(parent.RawSubject) {
		return false
	}
	err := parent.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}
