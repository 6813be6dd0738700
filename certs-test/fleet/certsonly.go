package fleet

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// contentInfo and signedData are CMS (RFC 5652, sections 3 and 5.1), as far as a
// certs-only message needs them.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      asn1.RawValue `asn1:"set"`
	Content      asn1.RawValue
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      asn1.RawValue `asn1:"set"`
}

// onlyCertificate returns the certificate of a certs-only message that holds one,
// as EST answers do (RFC 7030, section 4.2.3).
func onlyCertificate(der []byte) ([]byte, error) {
	var outer contentInfo
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("not a CMS message: %w", errors.Join(err, trailing(rest)))
	}
	if !outer.Type.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}) {
		return nil, fmt.Errorf("content type %v is not signed data", outer.Type)
	}
	var inner signedData
	if rest, err := asn1.Unmarshal(outer.Content.Bytes, &inner); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("not signed data: %w", errors.Join(err, trailing(rest)))
	}
	var certificate asn1.RawValue
	rest, err := asn1.Unmarshal(inner.Certificates.Bytes, &certificate)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("not one certificate: %w", errors.Join(err, trailing(rest)))
	}
	return bytes.Clone(certificate.FullBytes), nil
}

func trailing(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	return fmt.Errorf("%d bytes follow", len(rest))
}

// CertificateIn returns the certificate, DER, in the body of an answer of EST.
func CertificateIn(body []byte) ([]byte, error) {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(body)))
	if err == nil {
		der, err = onlyCertificate(der)
	}
	if err != nil {
		return nil, fmt.Errorf("the answer holds no certificate: %w", err)
	}
	return der, nil
}
