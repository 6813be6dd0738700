package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/certificates/cas/apiv1"
	"github.com/smallstep/certificates/cas/softcas"
	"github.com/smallstep/pkcs7"
	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// TestEncodingIsThatOfCryptoX509 holds the encoder to crypto/x509, octet for
// octet, over every kind of certificate, key and issuer.
func TestEncodingIsThatOfCryptoX509(t *testing.T) {
	list := append(kinds(),
		kind{"names in UTF-8", ca.ProfileConfig{}, ca.Subject{CommonName: "Wärme*20 & @_", SerialNumber: "SN-1.a", URIs: []string{"urn:a", "https://b/?c=d"}}, certstest.P256, certstest.P256},
		kind{"every printable", ca.ProfileConfig{}, ca.Subject{CommonName: "aZ09 '()+,-./:=?", URIs: []string{"urn:a"}}, certstest.P256, certstest.P256},
		kind{"many names", ca.ProfileConfig{Purpose: ca.PurposeServer}, manyNames(), certstest.P256, certstest.P256},
		kind{"after 2050", ca.ProfileConfig{Lifetime: ca.MaxLifetime}, thermometer(), certstest.P256, certstest.P256},
		kind{"long-lived RSA under RSA", ca.ProfileConfig{Lifetime: ca.MaxLifetime, NoRevAvail: true}, thermometer(), certstest.RSA2048, certstest.RSA2048},
	)
	for _, k := range list {
		t.Run(k.name, func(t *testing.T) {
			c := newCorporate(t, k.issuer)
			c.issuer = newIssuer(t, c.PKI, c.key, certstest.Options{NotAfter: c.Now.AddDate(40, 0, 0)})
			c.compare(t, profile(t, k.profile), certstest.Key(t, k.key).Public(), k.subject)
		})
	}
	t.Run("no public URL", func(t *testing.T) {
		c := newCorporate(t, certstest.P256)
		var err error
		c.issuer, err = ca.NewIssuer(ca.IssuerConfig{Chain: c.issuer.Chain(), Anchor: c.Cert, Signer: c.key})
		if err != nil {
			t.Fatal(err)
		}
		c.compare(t, profile(t, ca.ProfileConfig{}), certstest.Key(t, certstest.P256).Public(), thermometer())
	})
}

// manyNames take more than 255 and more than 65,535 octets.
func manyNames() ca.Subject {
	s := ca.Subject{CommonName: "many"}
	for range 64 {
		s.DNSNames = append(s.DNSNames, strings.Repeat("a.", 100)+"example")
		s.URIs = append(s.URIs, "https://example.com/"+strings.Repeat("x", 480))
		s.IPs = append(s.IPs, net.IPv4(10, 0, 0, 1), net.ParseIP("fe80::1"))
	}
	s.IPs = s.IPs[:64]
	return s
}

// FuzzEncoding gives the encoder names and lifetimes that nobody thought of.
func FuzzEncoding(f *testing.F) {
	f.Add("TH20-SN1", "SN1", "urn:dev:ops:32473-TH20-SN1", "localhost", []byte{127, 0, 0, 1}, uint32(86400), byte(0))
	f.Add("Wärme", "", "https://a/ä", "*.example.com", bytes.Repeat([]byte{255}, 16), uint32(60), byte(1))
	f.Add("", "1", "urn:x", "", []byte{}, uint32(1<<30), byte(2))
	f.Add("Touchmark OCSP responder", "", "", "", []byte{}, uint32(3600), byte(3))
	pki := certstest.New(f)
	key := certstest.Key(f, certstest.P256)
	c := corporate{pki, newIssuer(f, pki, key, certstest.Options{NotAfter: pki.Now.AddDate(40, 0, 0)}), key}
	device := certstest.Key(f, certstest.Ed25519).Public()
	f.Fuzz(func(t *testing.T, name, serial, uri, host string, ip []byte, seconds uint32, which byte) {
		config := ca.ProfileConfig{Name: "fuzz", Lifetime: time.Duration(seconds) * time.Second}
		config.Purpose = []ca.Purpose{ca.PurposeDevice, ca.PurposeServer, ca.PurposeDevice, ca.PurposeOCSPResponder}[which%4]
		config.NoRevAvail = which%4 == 2
		p, err := ca.NewProfile(config)
		if err != nil {
			return
		}
		subject := ca.Subject{CommonName: name, SerialNumber: serial}
		if uri != "" {
			subject.URIs = []string{uri}
		}
		if host != "" {
			subject.DNSNames = []string{host}
		}
		if len(ip) > 0 {
			subject.IPs = []net.IP{ip}
		}
		if _, err := c.issuer.Prepare(p, device, subject, nil, c.Now, rand.Reader); err != nil {
			return // refused, as it should be
		}
		c.compare(t, p, device, subject)
	})
}

// compare issues a certificate and has crypto/x509, and smallstep's CA, make the
// same.
func (c corporate) compare(t *testing.T, p ca.Profile, key crypto.PublicKey, s ca.Subject) {
	t.Helper()
	signed := c.issue(t, p, key, s)
	have := parse(t, signed.DER)
	template := c.template(t, p, signed, key, s)
	der, err := x509.CreateCertificate(rand.Reader, template, c.issuer.Certificate(), key, c.key)
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, der)
	for _, other := range []*x509.Certificate{want, c.smallstep(t, template, key)} {
		if !bytes.Equal(have.RawTBSCertificate, other.RawTBSCertificate) {
			t.Errorf("encoded as\n%x\nwant\n%x", have.RawTBSCertificate, other.RawTBSCertificate)
		}
	}
	if have.SignatureAlgorithm != want.SignatureAlgorithm {
		t.Errorf("signed with %s, want %s", have.SignatureAlgorithm, want.SignatureAlgorithm)
	}
	if err := have.CheckSignatureFrom(c.issuer.Certificate()); err != nil {
		t.Error(err)
	}
}

// smallstep makes the certificate as step-ca would.
func (c corporate) smallstep(t *testing.T, template *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
	t.Helper()
	soft, err := softcas.New(t.Context(), apiv1.Options{CertificateChain: c.issuer.Chain(), Signer: c.key})
	if err != nil {
		t.Fatal(err)
	}
	asked := *template
	asked.PublicKey = key
	made, err := soft.CreateCertificate(&apiv1.CreateCertificateRequest{Template: &asked, Lifetime: asked.NotAfter.Sub(asked.NotBefore)})
	if err != nil {
		t.Fatal(err)
	}
	return made.Certificate
}

// template says for crypto/x509 what a certificate must hold. Of what was issued
// it takes only what chance and the clock decided.
func (c corporate) template(t *testing.T, p ca.Profile, signed *ca.Signed, key crypto.PublicKey, s ca.Subject) *x509.Certificate {
	t.Helper()
	if len([]rune(s.CommonName)) > 64 {
		s.CommonName = ""
	}
	template := &x509.Certificate{
		SerialNumber: signed.Serial.Int(), NotBefore: signed.NotBefore, NotAfter: signed.NotAfter,
		Subject:  pkix.Name{CommonName: s.CommonName, SerialNumber: s.SerialNumber},
		DNSNames: s.DNSNames, IPAddresses: s.IPs, KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, SubjectKeyId: keyID(t, key),
	}
	for _, uri := range s.URIs {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	if _, is := key.(*rsa.PublicKey); is && p.Purpose() != ca.PurposeOCSPResponder {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{map[ca.Purpose]x509.ExtKeyUsage{
		ca.PurposeDevice: x509.ExtKeyUsageClientAuth, ca.PurposeServer: x509.ExtKeyUsageServerAuth, ca.PurposeOCSPResponder: x509.ExtKeyUsageOCSPSigning,
	}[p.Purpose()]}
	if address := c.issuer.CertificateURL(); address != "" {
		template.IssuingCertificateURL = []string{address}
	}
	switch {
	case p.NoRevAvail():
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: asn1.NullBytes}}
	case p.Purpose() == ca.PurposeOCSPResponder:
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}}
	case c.issuer.OCSPURL() != "":
		template.OCSPServer = []string{c.issuer.OCSPURL()}
		template.CRLDistributionPoints = []string{c.issuer.CRLURL(signed.Shard)}
	}
	return template
}

// keyID is method 1 of RFC 7093, section 2.
func keyID(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256(info.Key.Bytes)
	return id[:20]
}

func TestCertsOnlyIsThatOfSmallstep(t *testing.T) {
	c := newCorporate(t, certstest.RSA2048)
	for _, list := range [][][]byte{{c.Cert.Raw}, {c.issuer.Certificate().Raw, c.Cert.Raw}} {
		have, err := ca.CertsOnly(list...)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pkcs7.DegenerateCertificate(bytes.Join(list, nil))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%d certificates: %x, want %x", len(list), have, want)
		}
	}
}
