package ca

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/smallstep/pkcs7"
)

// CertsOnly packs certificates (DER) into a degenerate PKCS#7 SignedData without
// content or signature (RFC 5652, section 5.2; RFC 5272, section 4.1), in the
// order given. EST and SCEP deliver certificates in it.
func CertsOnly(certificates ...[]byte) ([]byte, error) {
	if len(certificates) == 0 {
		return nil, errors.New("certs-only message: no certificate to put in it")
	}
	der, err := pkcs7.DegenerateCertificate(bytes.Join(certificates, nil))
	if err != nil {
		return nil, fmt.Errorf("certs-only message: %w", err)
	}
	return der, nil
}
