package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// How long what the root signs is good for.
const (
	rootLifetime    = 10 * 365 * 24 * time.Hour
	issuingLifetime = 5 * 365 * 24 * time.Hour
	crlLifetime     = 365 * 24 * time.Hour
	backdate        = time.Hour
)

// root plays the corporate PKI. Its key lies in a file as it is: a lab is for
// trying things out.
type root struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	now         time.Time
}

func newRoot(now time.Time) (*root, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the root's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Touchmark Lab"}, CommonName: "Touchmark Lab Corporate Root"},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(rootLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	r := &root{key: key, certificate: template, now: now}
	r.certificate, err = r.certify(template, key.Public())
	return r, err
}

// sign answers a CSR (PEM) for an issuing CA as a corporate PKI would.
func (r *root) sign(csr []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return nil, errors.New("sign the issuing CA: no CSR in PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("sign the issuing CA: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("sign the issuing CA: %w", err)
	}
	return r.certify(&x509.Certificate{
		Subject:               request.Subject,
		NotBefore:             r.now.Add(-backdate),
		NotAfter:              r.now.Add(issuingLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, request.PublicKey)
}

func (r *root) certify(template *x509.Certificate, key any) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", template.Subject, err)
	}
	template.SerialNumber = serial.SetBit(serial, 126, 1) // of one length, and never zero
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", template.Subject, err)
	}
	id := sha256.Sum256(spki)
	template.SubjectKeyId = id[:20] // RFC 7093, section 2, method 4 over the whole structure
	der, err := x509.CreateCertificate(rand.Reader, template, r.certificate, key, r.key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", template.Subject, err)
	}
	return x509.ParseCertificate(der)
}

// crl returns the root's CRL in PEM: it has revoked nothing.
func (r *root) crl() ([]byte, error) {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: r.now.Add(-backdate), NextUpdate: r.now.Add(crlLifetime),
	}, r.certificate, r.key)
	if err != nil {
		return nil, fmt.Errorf("sign the root's CRL: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// keyPEM returns the root's key, PKCS#8, not encrypted.
func (r *root) keyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(r.key)
	if err != nil {
		return nil, fmt.Errorf("encode the root's key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
