package certstest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// CA is a certificate with its private key.
type CA struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// PKI is a corporate PKI whose root is good from an hour before Now for ten
// years.
type PKI struct {
	CA            // the root
	Now time.Time // when the PKI was made, in whole seconds
}

// New makes a PKI now, with a root on P-256.
func New(t testing.TB) *PKI {
	t.Helper()
	return NewAt(t, time.Now(), Key(t, P256))
}

// NewAt makes a PKI at a time, with a root key.
func NewAt(t testing.TB, now time.Time, root crypto.Signer) *PKI {
	t.Helper()
	p := &PKI{Now: now.UTC().Truncate(time.Second)}
	p.CA = CA{Key: root}
	p.Cert = p.Issue(t, root.Public(), Options{CommonName: "Example Corp Root CA", PathLen: NoPathLen, NotAfter: p.Now.AddDate(10, 0, 0), selfSigned: true})
	return p
}

// NoPathLen is a certificate without a path length constraint.
const NoPathLen = -1

// Options says how a CA certificate is made. The zero value makes a good
// issuing CA: path length 0, keyCertSign and cRLSign, five years.
type Options struct {
	CommonName string
	// Parent signs; nil means the root.
	Parent *CA
	// NotBefore is an hour before Now if zero, NotAfter five years after it.
	NotBefore, NotAfter time.Time
	// PathLen is the path length constraint, or NoPathLen.
	PathLen int
	NotCA   bool
	// KeyUsage is keyCertSign and cRLSign if zero.
	KeyUsage     x509.KeyUsage
	NoKeyUsage   bool
	ExtKeyUsages []x509.ExtKeyUsage
	// Algorithm is what the parent's key signs with by default if zero.
	Algorithm x509.SignatureAlgorithm
	// NoSubjectKeyID and NoAuthorityKeyID leave the identifiers out;
	// AuthorityKeyID replaces the parent's.
	NoSubjectKeyID, NoAuthorityKeyID bool
	AuthorityKeyID                   []byte
	// Edit changes the template last: name and policy constraints, extensions.
	Edit func(*x509.Certificate)

	selfSigned bool
}

// Issue signs a CA certificate for a public key.
func (p *PKI) Issue(t testing.TB, key crypto.PublicKey, o Options) *x509.Certificate {
	t.Helper()
	template := p.template(t, key, o)
	parent := p.CA
	if o.Parent != nil {
		parent = *o.Parent
	}
	if o.selfSigned {
		parent.Cert = template
	}
	signedBy := *parent.Cert
	switch {
	case o.NoAuthorityKeyID:
		signedBy.SubjectKeyId = nil
	case o.AuthorityKeyID != nil:
		signedBy.SubjectKeyId = o.AuthorityKeyID
	}
	der, err := x509.CreateCertificate(rand.Reader, template, &signedBy, key, parent.Key)
	if err != nil {
		t.Fatalf("corporate PKI: signing %q: %v", o.CommonName, err)
	}
	return parse(t, der)
}

// IssueForRequest signs a CA certificate for a request in DER, as a corporate
// PKI does: it takes the key and the name, and checks the signature.
func (p *PKI) IssueForRequest(t testing.TB, der []byte, o Options) *x509.Certificate {
	t.Helper()
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatalf("corporate PKI: %v", err)
	}
	if err := request.CheckSignature(); err != nil {
		t.Fatalf("corporate PKI: %v", err)
	}
	if o.CommonName == "" {
		o.CommonName = request.Subject.CommonName
	}
	return p.Issue(t, request.PublicKey, o)
}

// Intermediate makes a key on P-256 and signs a CA certificate for it.
func (p *PKI) Intermediate(t testing.TB, o Options) *CA {
	t.Helper()
	key := Key(t, P256)
	return &CA{Cert: p.Issue(t, key.Public(), o), Key: key}
}

func (p *PKI) template(t testing.TB, key crypto.PublicKey, o Options) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          serialNumber(t),
		Subject:               pkix.Name{CommonName: orElse(o.CommonName, "Example Corp Device CA"), Organization: []string{"Example Corp"}},
		NotBefore:             orElse(o.NotBefore, p.Now.Add(-time.Hour)),
		NotAfter:              orElse(o.NotAfter, p.Now.AddDate(5, 0, 0)),
		BasicConstraintsValid: true,
		IsCA:                  !o.NotCA,
		MaxPathLen:            o.PathLen,
		MaxPathLenZero:        o.PathLen == 0,
		KeyUsage:              orElse(o.KeyUsage, x509.KeyUsageCertSign|x509.KeyUsageCRLSign),
		ExtKeyUsage:           o.ExtKeyUsages,
		SignatureAlgorithm:    o.Algorithm,
		SubjectKeyId:          keyID(t, key),
	}
	if o.NotCA {
		template.MaxPathLen, template.MaxPathLenZero = 0, false
	}
	if o.NoKeyUsage {
		template.KeyUsage = 0
	}
	if o.NoSubjectKeyID {
		// crypto/x509 gives every CA a subject key identifier; so the CA bit is
		// written by hand: SEQUENCE { TRUE, 0 }.
		template.SubjectKeyId, template.IsCA = nil, false
		template.MaxPathLen, template.MaxPathLenZero = 0, false
		template.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0}}}
	}
	if o.Edit != nil {
		o.Edit(template)
	}
	return template
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func keyID(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(spki)
	return sum[:20]
}

func serialNumber(t testing.TB) *big.Int {
	t.Helper()
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	raw[0] = 0x7f&raw[0] | 1
	return new(big.Int).SetBytes(raw)
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
