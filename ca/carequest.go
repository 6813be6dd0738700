package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// NewCARequest makes the PKCS#10 request, in PEM, with which a corporate PKI is
// asked for an issuing CA's certificate. It asks for what the issuer needs:
// basicConstraints CA with path length 0, keyUsage keyCertSign and cRLSign, both
// critical (RFC 5280, sections 4.2.1.9 and 4.2.1.3). commonName is required;
// org may be empty; both are up to 64 characters.
func NewCARequest(signer crypto.Signer, commonName, org string) ([]byte, error) {
	if commonName == "" {
		return nil, errors.New("CA request: a common name is required, such as \"Example Corp Device CA 1\"")
	}
	for _, name := range []string{commonName, org} {
		if err := checkCommonName(name); err != nil {
			return nil, fmt.Errorf("CA request: %w", err)
		}
	}
	if err := CheckPublicKey(signer.Public()); err != nil {
		return nil, fmt.Errorf("CA request: %w", err)
	}
	scheme, err := schemeFor(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("CA request: %w", err)
	}
	constraints, err := asn1.Marshal(struct {
		IsCA       bool
		PathLength int
	}{true, 0})
	if err != nil {
		return nil, fmt.Errorf("CA request: %w", err)
	}
	// Bits 5 and 6 of KeyUsage, counted from the left; one bit is unused.
	usage, err := asn1.Marshal(asn1.BitString{Bytes: []byte{0x06}, BitLength: 7})
	if err != nil {
		return nil, fmt.Errorf("CA request: %w", err)
	}
	template := &x509.CertificateRequest{
		Subject:            pkix.Name{CommonName: commonName, Organization: one(org)},
		SignatureAlgorithm: scheme.algorithm,
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: constraints},
			{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: usage},
		},
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, signer)
	if err != nil {
		return nil, fmt.Errorf("CA request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
