package ca

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/smallstep/certificates/cas/apiv1"
)

var (
	// ErrSigned means that a Prepared was signed, or tried, before. Two
	// certificates with one serial number must not exist (RFC 5280, section
	// 4.1.2.2); prepare anew.
	ErrSigned = errors.New("already signed")
	// ErrMismatch means that the certificate that came back from signing is not
	// the one that was prepared. It must not leave the process.
	ErrMismatch = errors.New("signed certificate differs from what was prepared")
)

// Signed is a certificate that was signed and found to be what was prepared. It
// must be recorded before it is released.
type Signed struct {
	// DER is the certificate.
	DER []byte
	// Serial is its serial number.
	Serial Serial
	// NotBefore and NotAfter bound its validity, in UTC, in whole seconds.
	NotBefore, NotAfter time.Time
	// IssuerID is [Issuer.ID] of the issuer.
	IssuerID string
	// Shard is the CRL that speaks for it, or "" if none does.
	Shard ShardID
	// KeyHash identifies the certified key.
	KeyHash KeyHash
	// Profile is the name of its profile.
	Profile string
}

// Sign signs what was prepared, once, and checks the result field by field. A
// Prepared is used up by the attempt, also by one that fails. ctx is looked at
// before the key is used; a key that hangs is for the caller to bound. Errors
// wrap [ErrSigned], [ErrMismatch], the context's or the signer's error.
func (i *Issuer) Sign(ctx context.Context, p *Prepared) (*Signed, error) {
	if p == nil || p.issuer != i {
		return nil, errors.New("sign: not prepared by this issuer")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if p.signed.Swap(true) {
		return nil, fmt.Errorf("sign: %w: serial number %s", ErrSigned, p.serial)
	}
	response, err := i.softcas.CreateCertificate(&apiv1.CreateCertificateRequest{
		Template: p.template(),
		Lifetime: p.profile.Lifetime(),
	})
	if err != nil {
		return nil, fmt.Errorf("sign: issuer %s: %w", i.id, err)
	}
	if err := p.check(response.Certificate); err != nil {
		return nil, fmt.Errorf("sign: issuer %s: %w", i.id, err)
	}
	return &Signed{
		DER: response.Certificate.Raw, Serial: p.serial, NotBefore: p.notBefore, NotAfter: p.notAfter,
		IssuerID: i.id, Shard: p.shard, KeyHash: p.keyHash, Profile: p.profile.Name(),
	}, nil
}

// template translates the decisions for crypto/x509, which adds the authority
// key identifier from the issuer's certificate.
func (p *Prepared) template() *x509.Certificate {
	t := &x509.Certificate{
		SerialNumber:          p.serial.Int(),
		Subject:               pkix.Name{CommonName: p.names.commonName, SerialNumber: p.names.serialNumber},
		NotBefore:             p.notBefore,
		NotAfter:              p.notAfter,
		PublicKey:             p.key,
		SignatureAlgorithm:    p.issuer.scheme.algorithm,
		KeyUsage:              p.keyUsage(),
		ExtKeyUsage:           []x509.ExtKeyUsage{p.extKeyUsage()},
		BasicConstraintsValid: true, // and IsCA is false
		SubjectKeyId:          p.keyID,
		URIs:                  p.names.uris,
		DNSNames:              p.names.dnsNames,
		IPAddresses:           p.names.ips,
		CRLDistributionPoints: one(p.crlURL()),
		OCSPServer:            one(p.ocspURL()),
		IssuingCertificateURL: one(p.certificateURL()),
	}
	if p.profile.NoRevAvail() {
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: oidNoRevAvail(), Value: asn1.NullBytes})
	}
	if p.profile.Purpose() == PurposeOCSPResponder {
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: oidOCSPNoCheck(), Value: asn1.NullBytes})
	}
	return t
}

func one(address string) []string {
	if address == "" {
		return nil
	}
	return []string{address}
}

// oidNoRevAvail is id-ce-noRevAvail of RFC 9608, section 2.
func oidNoRevAvail() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 56} }

// oidOCSPNoCheck is id-pkix-ocsp-nocheck of RFC 6960, section 4.2.2.2.1.
func oidOCSPNoCheck() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
}
