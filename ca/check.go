package ca

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"net/url"
	"slices"
)

// check is the second hand: it reads the signed certificate with a parser that
// knows nothing of how it was encoded, compares it with the decisions, and
// verifies the signature with the issuer's public key, so that neither a mistake
// here nor a broken key gets out.
func (p *Prepared) check(der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("%w: serial number %s: %w", ErrMismatch, p.serial, err)
	}
	if err := p.compare(cert); err != nil {
		return err
	}
	if err := p.issuer.chain[0].CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		return fmt.Errorf("%w: the key returned a wrong signature: %w", ErrMismatch, err)
	}
	return nil
}

// compare looks at every field.
func (p *Prepared) compare(cert *x509.Certificate) error {
	issuing := p.issuer.chain[0]
	serial, err := SerialFromInt(cert.SerialNumber)
	for _, fact := range []struct {
		name string
		ok   bool
	}{
		{"version", cert.Version == 3},
		{"serial number", err == nil && serial == p.serial && serial.NotAfter().Equal(cert.NotAfter)},
		{"signature algorithm", cert.SignatureAlgorithm == p.issuer.scheme.algorithm},
		{"issuer", bytes.Equal(cert.RawIssuer, issuing.RawSubject)},
		{"notBefore", cert.NotBefore.Equal(p.notBefore)},
		{"notAfter", cert.NotAfter.Equal(p.notAfter)},
		{"subject", p.names.areSubject(cert.Subject)},
		{"public key", bytes.Equal(cert.RawSubjectPublicKeyInfo, p.spki)},
		{"subject alternative names", p.names.areAlternativeNames(cert)},
		{"key usage", cert.KeyUsage == p.keyUsage()},
		{"extended key usage", len(cert.ExtKeyUsage) == 1 && cert.ExtKeyUsage[0] == p.extKeyUsage() && len(cert.UnknownExtKeyUsage) == 0},
		{"basic constraints", cert.BasicConstraintsValid && !cert.IsCA},
		{"subject key identifier", bytes.Equal(cert.SubjectKeyId, p.keyID)},
		{"authority key identifier", bytes.Equal(cert.AuthorityKeyId, issuing.SubjectKeyId)},
		{"CRL distribution point", slices.Equal(cert.CRLDistributionPoints, one(p.crlURL()))},
		{"OCSP address", slices.Equal(cert.OCSPServer, one(p.ocspURL()))},
		{"issuer address", slices.Equal(cert.IssuingCertificateURL, one(p.certificateURL()))},
		{"set of extensions", areExactly(cert.Extensions, p.extensions())},
	} {
		if !fact.ok {
			return fmt.Errorf("%w: %s of serial number %s", ErrMismatch, fact.name, p.serial)
		}
	}
	return nil
}

func (n names) areSubject(subject pkix.Name) bool {
	attributes := 0
	for _, name := range []string{n.commonName, n.serialNumber} {
		if name != "" {
			attributes++
		}
	}
	return subject.CommonName == n.commonName && subject.SerialNumber == n.serialNumber && len(subject.Names) == attributes
}

func (n names) areAlternativeNames(cert *x509.Certificate) bool {
	sameURI := func(a, b *url.URL) bool { return a.String() == b.String() }
	return slices.EqualFunc(cert.URIs, n.uris, sameURI) && slices.Equal(cert.DNSNames, n.dnsNames) &&
		slices.EqualFunc(cert.IPAddresses, n.ips, net.IP.Equal) && len(cert.EmailAddresses) == 0
}

// extension is what is expected of one: that it is there, and how critical.
// The value is expected where nothing else looks into it.
type extension struct {
	id       asn1.ObjectIdentifier
	critical bool
	value    []byte
}

// areExactly reports whether these are the expected extensions and no others.
// crypto/x509 has refused repeated ones.
func areExactly(have []pkix.Extension, want []extension) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, w.is) {
			return false
		}
	}
	return len(have) == len(want)
}

func (e extension) is(have pkix.Extension) bool {
	return have.Id.Equal(e.id) && have.Critical == e.critical && (e.value == nil || bytes.Equal(have.Value, e.value))
}

// extensions lists what the certificate must carry, and nothing else.
func (p *Prepared) extensions() []extension {
	list := []extension{
		{id: asn1.ObjectIdentifier{2, 5, 29, 14}},                 // subjectKeyIdentifier
		{id: asn1.ObjectIdentifier{2, 5, 29, 15}, critical: true}, // keyUsage
		{id: asn1.ObjectIdentifier{2, 5, 29, 19}, critical: true}, // basicConstraints
		{id: asn1.ObjectIdentifier{2, 5, 29, 35}},                 // authorityKeyIdentifier
		{id: asn1.ObjectIdentifier{2, 5, 29, 37}},                 // extKeyUsage
	}
	if p.names.alternative() {
		list = append(list, extension{id: asn1.ObjectIdentifier{2, 5, 29, 17}, critical: p.names.nameless()}) // subjectAltName
	}
	if p.crlURL() != "" {
		list = append(list, extension{id: asn1.ObjectIdentifier{2, 5, 29, 31}}) // cRLDistributionPoints
	}
	if p.ocspURL() != "" || p.certificateURL() != "" {
		list = append(list, extension{id: oidAuthorityInfoAccess()})
	}
	if p.profile.NoRevAvail() {
		list = append(list, extension{id: oidNoRevAvail(), value: asn1.NullBytes})
	}
	if p.profile.Purpose() == PurposeOCSPResponder {
		list = append(list, extension{id: oidOCSPNoCheck(), value: asn1.NullBytes})
	}
	return list
}

func one(address string) []string {
	if address == "" {
		return nil
	}
	return []string{address}
}
