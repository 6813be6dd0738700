package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// maxCertificatePEM is the size allowed for each certificate of a PEM file,
// with the explanations that openssl puts before it.
const maxCertificatePEM = 64 << 10

// ParseCertificatesPEM reads the certificates of a PEM file in their order: at
// least one, at most limit (1 or more), each with up to 64 KiB of text. Text
// outside the blocks is ignored (RFC 7468, section 2), blocks of another kind
// and broken blocks are errors.
func ParseCertificatesPEM(data []byte, limit int) ([]*x509.Certificate, error) {
	if len(data) > limit*maxCertificatePEM {
		return nil, fmt.Errorf("certificates: %d octets of PEM, at most %d are accepted", len(data), limit*maxCertificatePEM)
	}
	all := data
	var certs []*x509.Certificate
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("certificates: PEM block %d is %.40q; keep the CERTIFICATE blocks only", len(certs)+1, block.Type)
		}
		if len(certs) == limit {
			return nil, fmt.Errorf("certificates: more than %d", limit)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificates: PEM block %d: %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	// pem.Decode steps over blocks that it cannot read; a chain must not lose a link so.
	if begun := bytes.Count(all, []byte("-----BEGIN ")); begun != len(certs) {
		return nil, fmt.Errorf("certificates: %d PEM blocks begin and %d can be read; is the file cut or garbled?", begun, len(certs))
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("certificates: no PEM block; a certificate begins with -----BEGIN CERTIFICATE-----")
	}
	return certs, nil
}

// EncodeCertificatesPEM writes DER certificates as PEM, one after the other.
func EncodeCertificatesPEM(ders ...[]byte) []byte {
	var out bytes.Buffer
	for _, der := range ders {
		// A bytes.Buffer takes all, and a block without headers is always encodable.
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return out.Bytes()
}
