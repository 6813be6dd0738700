package est

import (
	"encoding/asn1"
	"fmt"
)

// csrAttributes returns the DER of CsrAttrs (RFC 7030, section 4.5.2). It asks
// for a P-256 key and ECDSA with SHA-256, the best that the smallest devices can
// do, and for nothing else, because nothing else is taken from a CSR. It says so
// twice, as RFC 9908, section 3.4, has it: once for clients of RFC 7030 and once
// as a template, whose subject and attributes are left to the client.
func csrAttributes() ([]byte, error) {
	p256 := algorithm{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Parameters: asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}}
	attributes := struct {
		Key       keyAttribute
		Signature asn1.ObjectIdentifier
		Template  templateAttribute
	}{
		Key:       keyAttribute{Type: p256.Algorithm, Values: []asn1.ObjectIdentifier{p256.Parameters}},
		Signature: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, // ecdsa-with-SHA256
		Template: templateAttribute{
			Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 61}, // id-aa-certificationRequestInfoTemplate
			Values: []requestTemplate{{
				Key:        keyTemplate{Algorithm: p256},
				Attributes: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true},
			}},
		},
	}
	der, err := asn1.Marshal(attributes)
	if err != nil {
		return nil, fmt.Errorf("encode the answer of EST csrattrs: %w", err)
	}
	return der, nil
}

type keyAttribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.ObjectIdentifier `asn1:"set"`
}

type templateAttribute struct {
	Type   asn1.ObjectIdentifier
	Values []requestTemplate `asn1:"set"`
}

// requestTemplate is CertificationRequestInfoTemplate without a subject.
type requestTemplate struct {
	Version    int
	Key        keyTemplate `asn1:"tag:0"`
	Attributes asn1.RawValue
}

type keyTemplate struct {
	Algorithm algorithm
}

type algorithm struct {
	Algorithm, Parameters asn1.ObjectIdentifier
}
