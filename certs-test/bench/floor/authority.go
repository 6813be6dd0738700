package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"

	"golang.org/x/crypto/ocsp"
)

// authority signs with P-256 keys that live as long as the process: the
// issuer's, and that of an OCSP responder that the issuer named.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	responder   *x509.Certificate
	answering   *ecdsa.PrivateKey
}

// newAuthority makes a self-signed issuer and its OCSP responder, good for a day.
func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key}
	template := forADay(now, "Floor CA")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	template.SubjectKeyId = []byte("floor")
	a.certificate = template // CreateCertificate reads only names and key identifiers of its parent
	if a.certificate, err = a.sign(template, &key.PublicKey); err != nil {
		return nil, err
	}
	if a.answering, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	template = forADay(now, "Floor OCSP")
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	a.responder, err = a.sign(template, &a.answering.PublicKey)
	return a, err
}

func forADay(now time.Time, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func (a *authority) sign(template *x509.Certificate, public *ecdsa.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// server returns the certificate of the TLS listener.
func (a *authority) server(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := forADay(now, "localhost")
	template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf, err := a.sign(template, &key.PublicKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, a.certificate.Raw}, PrivateKey: key}, nil
}

// issue checks that a CSR was signed by the key in it, and returns a certificate,
// DER, for that key and the CSR's subject.
func (a *authority) issue(csr []byte, now time.Time) ([]byte, error) {
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check the CSR: %w", err)
	}
	number := make([]byte, 16)
	if _, err := rand.Read(number); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(number), Subject: request.Subject,
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		OCSPServer: []string{"http://127.0.0.1/ocsp"}, CRLDistributionPoints: []string{"http://127.0.0.1/floor.crl"},
	}
	return x509.CreateCertificate(rand.Reader, template, a.certificate, request.PublicKey, a.key)
}

// answer signs an OCSP response (RFC 6960) that calls whatever is asked for good.
func (a *authority) answer(request []byte, now time.Time) ([]byte, error) {
	asked, err := ocsp.ParseRequest(request)
	if err != nil {
		return nil, err
	}
	return ocsp.CreateResponse(a.certificate, a.responder, ocsp.Response{
		Status: ocsp.Good, SerialNumber: asked.SerialNumber, IssuerHash: asked.HashAlgorithm,
		ThisUpdate: now, NextUpdate: now.Add(time.Hour), Certificate: a.responder,
	}, a.answering)
}
