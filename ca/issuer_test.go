package ca_test

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestIssuerChain(t *testing.T) {
	pki := certstest.New(t)
	policy := pki.Intermediate(t, certstest.Options{CommonName: "Policy CA", PathLen: 1, NotAfter: pki.Now.AddDate(1, 0, 0)})
	key := certstest.Key(t, certstest.P256)
	issuing := pki.Issue(t, key.Public(), certstest.Options{Parent: policy})
	for name, config := range map[string]ca.IssuerConfig{
		"anchor apart":         {Chain: []*x509.Certificate{issuing, policy.Cert}, Anchor: pki.Cert, Signer: key},
		"anchor last":          {Chain: []*x509.Certificate{issuing, policy.Cert, pki.Cert}, Signer: key},
		"anchor last and told": {Chain: []*x509.Certificate{issuing, policy.Cert, pki.Cert}, Anchor: pki.Cert, Signer: key},
	} {
		t.Run(name, func(t *testing.T) {
			issuer, err := ca.NewIssuer(config)
			if err != nil {
				t.Fatal(err)
			}
			chain := issuer.Chain()
			if len(chain) != 2 || !chain[0].Equal(issuing) || !chain[1].Equal(policy.Cert) || !issuer.Certificate().Equal(issuing) || !issuer.Anchor().Equal(pki.Cert) {
				t.Errorf("chain of %d certificates", len(chain))
			}
			if !issuer.NotAfter().Equal(policy.Cert.NotAfter) {
				t.Errorf("NotAfter() = %s, want that of the policy CA, %s", issuer.NotAfter(), policy.Cert.NotAfter)
			}
			if issuer.CRLURL("0-1-0-0") != "" || issuer.OCSPURL() != "" || issuer.CertificateURL() != "" {
				t.Error("an issuer without a public URL has addresses")
			}
		})
	}
}

func TestIssuerRefused(t *testing.T) {
	pki, other := certstest.New(t), certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	cert := pki.Issue(t, key.Public(), certstest.Options{})
	chain := func(c ...*x509.Certificate) []*x509.Certificate { return c }
	for name, test := range map[string]struct {
		config ca.IssuerConfig
		word   string
	}{
		"nothing":        {ca.IssuerConfig{}, "empty"},
		"no anchor":      {ca.IssuerConfig{Chain: chain(cert), Signer: key}, "no anchor"},
		"anchor alone":   {ca.IssuerConfig{Chain: chain(pki.Cert), Signer: pki.Key}, "anchor alone"},
		"wrong anchor":   {ca.IssuerConfig{Chain: chain(cert), Anchor: other.Cert, Signer: key}, "not signed by"},
		"wrong order":    {ca.IssuerConfig{Chain: chain(pki.Cert, cert), Anchor: pki.Cert, Signer: key}, "not signed by"},
		"wrong key":      {ca.IssuerConfig{Chain: chain(cert), Anchor: pki.Cert, Signer: other.Key}, "does not belong"},
		"no signer":      {ca.IssuerConfig{Chain: chain(cert), Anchor: pki.Cert}, "no signer"},
		"URL of a file":  {ca.IssuerConfig{Chain: chain(cert), Anchor: pki.Cert, Signer: key, PublicURL: "file:///x"}, "public URL"},
		"URL with query": {ca.IssuerConfig{Chain: chain(cert), Anchor: pki.Cert, Signer: key, PublicURL: "http://x/?y"}, "public URL"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ca.NewIssuer(test.config); err == nil || !strings.Contains(err.Error(), test.word) {
				t.Errorf("error is %v, want one saying %q", err, test.word)
			}
		})
	}
}

func TestIssuerIDOutlivesTheCertificate(t *testing.T) {
	pki := certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	first := newIssuer(t, pki, key, certstest.Options{})
	renewed := newIssuer(t, pki, key, certstest.Options{NotAfter: pki.Now.AddDate(9, 0, 0)})
	renamed := newIssuer(t, pki, key, certstest.Options{CommonName: "Another name"})
	if first.ID() != renewed.ID() {
		t.Errorf("certified anew, the issuer %s is %s", first.ID(), renewed.ID())
	}
	if first.ID() == renamed.ID() {
		t.Error("an issuer of another name has the same id")
	}
	if raw, err := hex.DecodeString(first.ID()); err != nil || len(raw) != 8 {
		t.Errorf("id %q is not 16 hexadecimal digits", first.ID())
	}
}

func TestIssuerAddresses(t *testing.T) {
	pki := certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	cert := pki.Issue(t, key.Public(), certstest.Options{})
	issuer, err := ca.NewIssuer(ca.IssuerConfig{Chain: []*x509.Certificate{cert}, Anchor: pki.Cert, Signer: key, PublicURL: "https://status.example.com:8080/pki/"})
	if err != nil {
		t.Fatal(err)
	}
	const base = "https://status.example.com:8080/pki"
	for got, want := range map[string]string{
		issuer.CRLURL("0-20410-2-3"): base + "/crl/" + issuer.ID() + "/0-20410-2-3.crl",
		issuer.OCSPURL():             base + "/ocsp",
		issuer.CertificateURL():      base + "/issuer/" + issuer.ID() + ".cer",
	} {
		if got != want {
			t.Errorf("address is %s, want %s", got, want)
		}
	}
}

func TestIssuerCertIDs(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	key := spkiBits(t, c.issuer.Certificate())
	name1, name256 := sha1.Sum(c.issuer.Certificate().RawSubject), sha256.Sum256(c.issuer.Certificate().RawSubject)
	key1, key256 := sha1.Sum(key), sha256.Sum256(key)
	if !c.issuer.Matches(crypto.SHA1, name1[:], key1[:]) || !c.issuer.Matches(crypto.SHA256, name256[:], key256[:]) {
		t.Error("the issuer does not know its own certIDs")
	}
	if c.issuer.Matches(crypto.SHA256, name1[:], key1[:]) || c.issuer.Matches(crypto.SHA384, nil, nil) || c.issuer.Matches(crypto.SHA1, key1[:], name1[:]) {
		t.Error("the issuer answers to another's certID")
	}
	if string(c.issuer.NameHash(crypto.SHA1)) != string(name1[:]) || string(c.issuer.KeyHash(crypto.SHA256)) != string(key256[:]) || c.issuer.KeyHash(crypto.MD5) != nil {
		t.Error("NameHash or KeyHash is wrong")
	}
}

// spkiBits returns what OCSP hashes of a key.
func spkiBits(t *testing.T, cert *x509.Certificate) []byte {
	t.Helper()
	// The bits of a P-256 key are the last 65 octets of its SubjectPublicKeyInfo.
	return cert.RawSubjectPublicKeyInfo[len(cert.RawSubjectPublicKeyInfo)-65:]
}

func TestExpiredIssuerIsAccepted(t *testing.T) {
	pki := certstest.New(t)
	key := certstest.Key(t, certstest.P256)
	issuer := newIssuer(t, pki, key, certstest.Options{NotAfter: pki.Now.Add(-time.Second)})
	if _, err := issuer.SignCRL(t.Context(), ca.CRLParams{Shard: "0-1-0-0", Number: 1, ThisUpdate: pki.Now, NextUpdate: pki.Now.Add(time.Hour)}); err != nil {
		t.Errorf("an expired issuer cannot sign its last CRL: %v", err)
	}
}

func TestHasKeyInMemory(t *testing.T) {
	for _, kind := range []certstest.KeyKind{certstest.P256, certstest.RSA2048, certstest.Ed25519} {
		if !newCorporate(t, kind).issuer.HasKeyInMemory() {
			t.Errorf("%s: a key that hangs?", kind)
		}
	}
	key := certstest.Key(t, certstest.P256)
	if newIssuer(t, certstest.New(t), brokenSigner{key, nil}, certstest.Options{}).HasKeyInMemory() {
		t.Error("what a foreign signer does nobody knows")
	}
}
