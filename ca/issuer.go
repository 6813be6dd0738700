package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 6960 certIDs name issuers by SHA-1; nothing is protected by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// IssuerConfig is what an [Issuer] is made of.
type IssuerConfig struct {
	// Chain begins with the issuing CA's certificate; each certificate is
	// followed by the one that signed it. The anchor may stand at the end.
	Chain []*x509.Certificate
	// Anchor is the corporate root. It may be nil if it ends the Chain.
	Anchor *x509.Certificate
	// Signer holds the issuing CA's private key. It must be safe for concurrent
	// use, as the standard library's and smallstep's KMS signers are.
	Signer crypto.Signer
	// PublicURL is status.public_url, http or https, without query. Addresses in
	// certificates begin with it. When it is empty, certificates name no CRL, no
	// OCSP responder and no issuer certificate, and no CRLs can be signed.
	PublicURL string
}

// Issuer signs certificates and CRLs with one intermediate CA. It is safe for
// concurrent use.
type Issuer struct {
	id        string
	chain     []*x509.Certificate // issuing first, without the anchor
	anchor    *x509.Certificate
	notAfter  time.Time
	signer    crypto.Signer
	scheme    signatureScheme
	publicURL string
	forms     map[kind]form
	certIDs   map[crypto.Hash]certID
}

// certID is how OCSP names an issuer (RFC 6960, section 4.1.1).
type certID struct{ nameHash, keyHash []byte }

// NewIssuer checks that key, chain and anchor belong together. Whether a
// corporate PKI returned a fit certificate is for [CheckChain] to say; an
// expired issuer is accepted, for it still signs CRLs.
func NewIssuer(config IssuerConfig) (*Issuer, error) {
	chain, anchor, err := splitChain(config.Chain, config.Anchor)
	if err != nil {
		return nil, err
	}
	issuing := chain[0]
	if config.Signer == nil {
		return nil, errors.New("issuer: no signer; open the issuing key first")
	}
	if !samePublicKey(config.Signer.Public(), issuing.PublicKey) {
		return nil, fmt.Errorf("issuer %q: the key does not belong to the certificate; open the key that its request was made with", issuing.Subject)
	}
	publicURL, err := checkPublicURL(config.PublicURL)
	if err != nil {
		return nil, err
	}
	scheme, err := schemeFor(issuing.PublicKey)
	if err != nil {
		return nil, err
	}
	certIDs, err := certIDsOf(issuing)
	if err != nil {
		return nil, err
	}
	if len(issuing.SubjectKeyId) == 0 {
		chain[0] = withKeyID(issuing, certIDs[crypto.SHA1].keyHash)
	}
	notAfter := anchor.NotAfter
	for _, cert := range chain {
		if cert.NotAfter.Before(notAfter) {
			notAfter = cert.NotAfter
		}
	}
	i := &Issuer{
		id: IssuerID(issuing), chain: chain, anchor: anchor, notAfter: notAfter.UTC(),
		signer: config.Signer, scheme: scheme, publicURL: publicURL, certIDs: certIDs,
	}
	i.forms = formsOf(i)
	return i, nil
}

// IssuerID returns the first eight octets, as 16 hexadecimal digits, of the
// SHA-256 over the certificate's subject and SubjectPublicKeyInfo: a CA is a
// name with a key (RFC 5280, section 6.1), so that an issuer keeps its id, its
// CRLs and its OCSP answers when the root certifies it anew.
func IssuerID(cert *x509.Certificate) string {
	h := sha256.New()
	h.Write(cert.RawSubject)
	h.Write(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// ID identifies the issuer, as [IssuerID] does; it is safe in addresses.
func (i *Issuer) ID() string { return i.id }

// Certificate returns the issuing CA's certificate. It must not be changed.
func (i *Issuer) Certificate() *x509.Certificate { return i.chain[0] }

// Chain returns the certificates that a device sends after its own: the issuing
// CA first, without the anchor.
func (i *Issuer) Chain() []*x509.Certificate { return slices.Clone(i.chain) }

// Anchor returns the corporate root. It must not be changed.
func (i *Issuer) Anchor() *x509.Certificate { return i.anchor }

// NotAfter returns the earliest end of validity in the chain and its anchor:
// no certificate of this issuer is good for longer.
func (i *Issuer) NotAfter() time.Time { return i.notAfter }

// HasKeyInMemory reports whether the issuing key is held by this process, so that
// signing takes processor time and cannot hang as a token or a KMS can.
func (i *Issuer) HasKeyInMemory() bool {
	switch i.signer.(type) {
	case *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey:
		return true
	}
	return false
}

// KeyHealth returns nil while the issuing key is known to sign, or why it does not.
// Keys that cannot tell are well. It does not wait.
func (i *Issuer) KeyHealth() error {
	if key, ok := i.signer.(interface{ Health() error }); ok {
		return key.Health()
	}
	return nil
}

// CRLURL returns the address of a shard's CRL, "{url}/crl/{issuer}/{shard}.crl",
// or "" without a public URL.
func (i *Issuer) CRLURL(shard ShardID) string {
	return i.address("/crl/" + i.id + "/" + string(shard) + ".crl")
}

// OCSPURL returns the address of the OCSP responder, "{url}/ocsp", or "".
func (i *Issuer) OCSPURL() string { return i.address("/ocsp") }

// CertificateURL returns the address of the issuing CA's certificate,
// "{url}/issuer/{id}.cer", or "".
func (i *Issuer) CertificateURL() string { return i.address("/issuer/" + i.id + ".cer") }

func (i *Issuer) address(path string) string {
	if i.publicURL == "" {
		return ""
	}
	return i.publicURL + path
}

// NameHash returns the hash of the issuer's name in OCSP certIDs, with
// crypto.SHA1 or crypto.SHA256; nil for other hashes.
func (i *Issuer) NameHash(hash crypto.Hash) []byte { return slices.Clone(i.certIDs[hash].nameHash) }

// KeyHash returns the hash of the issuer's key in OCSP certIDs, with
// crypto.SHA1 or crypto.SHA256; nil for other hashes.
func (i *Issuer) KeyHash(hash crypto.Hash) []byte { return slices.Clone(i.certIDs[hash].keyHash) }

// Matches reports whether an OCSP certID with these hashes names the issuer.
func (i *Issuer) Matches(hash crypto.Hash, nameHash, keyHash []byte) bool {
	id, known := i.certIDs[hash]
	return known && bytes.Equal(id.nameHash, nameHash) && bytes.Equal(id.keyHash, keyHash)
}

func certIDsOf(cert *x509.Certificate) (map[crypto.Hash]certID, error) {
	key, err := publicKeyBits(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, fmt.Errorf("issuer %q: %w", cert.Subject, err)
	}
	name1, key1 := sha1.Sum(cert.RawSubject), sha1.Sum(key) //nolint:gosec // see the import
	name256, key256 := sha256.Sum256(cert.RawSubject), sha256.Sum256(key)
	return map[crypto.Hash]certID{
		crypto.SHA1:   {name1[:], key1[:]},
		crypto.SHA256: {name256[:], key256[:]},
	}, nil
}

// withKeyID returns a certificate that has no subject key identifier as if it
// had the usual one (RFC 5280, section 4.2.1.2, method 1): what it signs must
// name it, and programs compare the two only where both are there.
func withKeyID(cert *x509.Certificate, id []byte) *x509.Certificate {
	named := *cert
	named.SubjectKeyId = id
	return &named
}

// publicKeyBits returns the content of the subjectPublicKey BIT STRING, without
// the octet that counts unused bits: what key identifiers are hashes of.
func publicKeyBits(spki []byte) ([]byte, error) {
	var info, algorithm cryptobyte.String
	var bits []byte
	input := cryptobyte.String(spki)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!info.ReadASN1BitStringAsBytes(&bits) {
		return nil, errors.New("malformed SubjectPublicKeyInfo")
	}
	return bits, nil
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// splitChain separates the anchor and checks that each certificate is signed by
// the next, the last by the anchor.
func splitChain(chain []*x509.Certificate, anchor *x509.Certificate) ([]*x509.Certificate, *x509.Certificate, error) {
	chain = slices.Clone(chain)
	if len(chain) == 0 {
		return nil, nil, errors.New("issuer: the chain is empty; it begins with the issuing CA's certificate")
	}
	if last := chain[len(chain)-1]; anchor == nil && isSelfIssued(last) {
		anchor = last
	}
	if anchor == nil {
		return nil, nil, errors.New("issuer: no anchor; configure the corporate root")
	}
	if chain[len(chain)-1].Equal(anchor) {
		chain = chain[:len(chain)-1]
	}
	if len(chain) == 0 {
		return nil, nil, errors.New("issuer: the chain holds the anchor alone; put the issuing CA's certificate first")
	}
	for i, cert := range chain {
		parent := anchor
		if i+1 < len(chain) {
			parent = chain[i+1]
		}
		if err := checkSignedBy(cert, parent); err != nil {
			return nil, nil, fmt.Errorf("issuer: certificate %d of the chain, %q, is not signed by %q, which follows: %w", i+1, cert.Subject, parent.Subject, err)
		}
	}
	return chain, anchor, nil
}

func checkSignedBy(cert, parent *x509.Certificate) error {
	if !bytes.Equal(cert.RawIssuer, parent.RawSubject) {
		return fmt.Errorf("it names %q as its issuer", cert.Issuer)
	}
	return cert.CheckSignatureFrom(parent)
}

// isSelfIssued tells a root from an intermediate by its names. Its signature
// says nothing: an anchor is trusted because it is configured.
func isSelfIssued(cert *x509.Certificate) bool { return bytes.Equal(cert.RawSubject, cert.RawIssuer) }

func checkPublicURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || len(text) > 256 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("public URL %.80q: want http://host[:port][/path], ASCII, up to 256 characters", text)
	}
	return strings.TrimRight(text, "/"), nil
}
