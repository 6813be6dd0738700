package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkCertificate checks one CA certificate of the path, which has below
// other CA certificates under it. The issuing CA has none, the anchor most.
func (r *chainReport) checkCertificate(cert *x509.Certificate, below int) {
	isAnchor := r.Anchor != nil && cert.Equal(r.Anchor)
	r.checkCA(cert, below, isAnchor)
	r.checkUsages(cert, isAnchor)
	r.checkConstraints(cert, below, isAnchor)
	r.checkStrength(cert, below, isAnchor)
	r.checkValidity(cert)
}

// checkCA follows RFC 5280, sections 4.2.1.9 and 6.1.4 (k) to (m). Roots of
// version 1 have no extensions, and are trusted because they are configured.
func (r *chainReport) checkCA(cert *x509.Certificate, below int, isAnchor bool) {
	if isAnchor && cert.Version == 1 {
		return
	}
	if !cert.BasicConstraintsValid || !cert.IsCA {
		r.add(FaultNotCA, "%q is not a CA certificate (basicConstraints, cA); have it issued from a subordinate CA template, with cA TRUE", cert.Subject)
		return
	}
	if cert.MaxPathLen >= 0 && cert.MaxPathLen < below {
		r.add(FaultPathLength, "%q allows %d CAs under it (pathLenConstraint), but the chain has %d; have the issuing CA signed higher up, or that CA issued again with a path length of at least %d",
			cert.Subject, cert.MaxPathLen, below, below)
	}
}

// checkUsages follows RFC 5280, sections 4.2.1.3 and 4.2.1.12. Extended key
// usages of a CA limit what is under it: not in RFC 5280, but in OpenSSL,
// Windows and Go. Many roots in use have no key usage at all, which limits
// nothing.
func (r *chainReport) checkUsages(cert *x509.Certificate, isAnchor bool) {
	if cert.Version == 3 && !(isAnchor && cert.KeyUsage == 0) {
		var missing []string
		if cert.KeyUsage&x509.KeyUsageCertSign == 0 {
			missing = append(missing, "keyCertSign")
		}
		if cert.KeyUsage&x509.KeyUsageCRLSign == 0 {
			missing = append(missing, "cRLSign")
		}
		if len(missing) > 0 {
			r.add(FaultKeyUsage, "%q lacks the key usage %s; have it issued again with keyCertSign and cRLSign", cert.Subject, strings.Join(missing, " and "))
		}
	}
	if len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0 || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return
	}
	var excluded []string
	for _, need := range r.neededUsages() {
		if !slices.Contains(cert.ExtKeyUsage, need.usage) {
			excluded = append(excluded, need.name)
		}
	}
	if len(excluded) > 0 {
		r.add(FaultExtendedKeyUsage, "%q is limited to extended key usages without %s; have it issued again without an extendedKeyUsage extension, or with %s in it",
			cert.Subject, strings.Join(excluded, " and "), strings.Join(excluded, " and "))
	}
}

type neededUsage struct {
	usage x509.ExtKeyUsage
	name  string
}

func (r *chainReport) neededUsages() []neededUsage {
	needs := []neededUsage{
		{x509.ExtKeyUsageClientAuth, "clientAuth (for the devices)"},
		{x509.ExtKeyUsageOCSPSigning, "OCSPSigning (for the OCSP responder)"},
	}
	if !r.NoListeners {
		needs = append(needs, neededUsage{x509.ExtKeyUsageServerAuth, "serverAuth (for Touchmark's own listeners)"})
	}
	return needs
}

// checkStrength looks at the certificate's key and at the signature on it; the
// signature on an anchor protects nothing.
func (r *chainReport) checkStrength(cert *x509.Certificate, below int, isAnchor bool) {
	if below == 0 {
		if err := CheckPublicKey(cert.PublicKey); err != nil {
			r.add(FaultWeakKey, "the key of %q is not strong enough: %v", cert.Subject, err)
		}
	} else if weakness := weakParentKey(cert); weakness != "" {
		r.add(FaultWeakKey, "the key of %q is not strong enough: %s; have the issuing CA signed by a stronger one", cert.Subject, weakness)
	}
	if isAnchor {
		return
	}
	switch cert.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.DSAWithSHA256:
		r.add(FaultSignatureAlgorithm, "%q is signed with %s, which programs refuse; have it signed with SHA-256 or better", cert.Subject, cert.SignatureAlgorithm)
	case x509.UnknownSignatureAlgorithm:
		r.add(FaultSignatureAlgorithm, "%q is signed with an algorithm that is not known here; have it signed with ECDSA or RSA and SHA-256 or better", cert.Subject)
	default:
	}
}

// weakParentKey is milder than CheckPublicKey: a corporate root with an
// exponent of 3 is not ours to refuse.
func weakParentKey(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits {
			return fmt.Sprintf("RSA of %d bits", bits)
		}
	case *ecdsa.PublicKey:
		if key.Params().BitSize < 256 {
			return "curve " + key.Params().Name
		}
	case nil:
		return "an algorithm that is not known here"
	}
	return ""
}

func (r *chainReport) checkValidity(cert *x509.Certificate) {
	day := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
	switch {
	case r.Now.Before(cert.NotBefore):
		r.add(FaultNotYetValid, "%q is not valid before %s, and it is %s; wait, or set this machine's clock", cert.Subject, day(cert.NotBefore), day(r.Now))
	case !r.Now.Before(cert.NotAfter):
		r.add(FaultExpired, "%q expired on %s; have it issued again", cert.Subject, day(cert.NotAfter))
	case cert.NotAfter.Sub(r.Now) < r.LongestLifetime:
		r.add(FaultValidityTooShort, "%q expires on %s, in %s, but the longest profile issues for %s; have it issued for longer, or shorten the profile",
			cert.Subject, day(cert.NotAfter), cert.NotAfter.Sub(r.Now).Round(time.Minute), r.LongestLifetime)
	}
}

// checkKeyIDs follows RFC 5280, section 4.2.1.1: programs find the next
// certificate of a chain by these identifiers. One that is missing misleads
// nobody.
func (r *chainReport) checkKeyIDs(cert, parent *x509.Certificate) {
	if len(cert.AuthorityKeyId) > 0 && len(parent.SubjectKeyId) > 0 && !bytes.Equal(cert.AuthorityKeyId, parent.SubjectKeyId) {
		r.add(FaultAuthorityKeyID, "%q names another key of %q as its authority (%x, want %x); have it issued again", cert.Subject, parent.Subject, cert.AuthorityKeyId, parent.SubjectKeyId)
	}
}

func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}
