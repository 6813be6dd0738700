package hostile_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// forge makes the certificates that nobody should believe.
func (s *site) forge(t *testing.T) {
	t.Helper()
	s.key = s.issuingKey(t)
	own, err := x509.ParseCertificate(s.shown["device"].Certificate[0])
	check(t, err)
	stranger := certstest.New(t)
	key := certstest.Key(t, certstest.P256)

	name := func() *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: own.SerialNumber, Subject: own.Subject, URIs: own.URIs, NotBefore: own.NotBefore, NotAfter: own.NotAfter,
			ExtKeyUsage: own.ExtKeyUsage, KeyUsage: own.KeyUsage,
		}
	}
	signed := func(as string, template, parent *x509.Certificate, by crypto.Signer) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
		check(t, err)
		s.shown[as] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		return der
	}
	signed("self-signed, of a device's name", name(), name(), key)
	signed("another CA's, of a device's name", name(), stranger.Cert, stranger.Key)
	// Even who has the issuing key must have got it recorded.
	signed("the issuer's, never recorded", name(), s.lab.Site.Issuer, s.key)
	fresh := name()
	fresh.SerialNumber = new(big.Int).Add(own.SerialNumber, big.NewInt(1))
	signed("the issuer's, of another serial number", fresh, s.lab.Site.Issuer, s.key)
	old := name()
	old.NotBefore, old.NotAfter = time.Now().AddDate(-2, 0, 0), time.Now().AddDate(-1, 0, 0)
	signed("another CA's, expired", old, stranger.Cert, stranger.Key)
	odd := name()
	odd.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 9}, Critical: true, Value: []byte{5, 0}}}
	signed("with a critical extension that nobody knows", odd, s.lab.Site.Issuer, s.key)
	short := name()
	short.SerialNumber = big.NewInt(1)
	signed("with serial number 1", short, stranger.Cert, stranger.Key)
	evil := name()
	evil.Subject = pkix.Name{CommonName: "\x1b[2J<script>\u202e=cmd", Organization: []string{"a\nb"}}
	signed("with control characters in its name", evil, stranger.Cert, stranger.Key)
	long := name()
	long.DNSNames = slices.Repeat([]string{"a.very.long.name.example"}, 800)
	signed("of 20 KiB", long, stranger.Cert, stranger.Key)
	der := signed("with ten others behind it", name(), stranger.Cert, stranger.Key)
	chain := slices.Repeat([][]byte{stranger.Cert.Raw}, 10)
	s.shown["with ten others behind it"] = tls.Certificate{Certificate: append([][]byte{der}, chain...), PrivateKey: key}
	s.shown["with a hundred others behind it"] = tls.Certificate{Certificate: append([][]byte{der}, slices.Repeat(chain, 10)...), PrivateKey: key}
	s.shown["a device's behind a stranger's"] = tls.Certificate{Certificate: [][]byte{der, own.Raw}, PrivateKey: key}
	// The device's own certificate, and somebody else's key.
	s.shown["a device's without its key"] = tls.Certificate{Certificate: [][]byte{own.Raw}, PrivateKey: key, Leaf: &x509.Certificate{PublicKey: key.Public()}}
	for as, der := range map[string][]byte{
		"of DER that is broken": der[:len(der)-10], "of no DER at all": []byte("hello"), "of nothing": {},
		"with explicit parameters of its curve": explicitCurve(t, der),
	} {
		s.shown[as] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: &x509.Certificate{PublicKey: key.Public()}}
	}
	weak := certstest.Key(t, certstest.RSA1024)
	der, err = x509.CreateCertificate(rand.Reader, name(), stranger.Cert, weak.Public(), stranger.Key)
	check(t, err)
	s.shown["of RSA 1024"] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: weak}
}

// explicitCurve replaces the name of P-256 in a certificate by rubbish of the same
// length, in the place of the curve's parameters.
func explicitCurve(t *testing.T, der []byte) []byte {
	t.Helper()
	name, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	check(t, err)
	parameters, err := asn1.Marshal(elliptic.P256().Params().BitSize)
	check(t, err)
	broken := slices.Clone(der)
	for i := range broken {
		if len(broken)-i >= len(name) && slices.Equal(broken[i:i+len(name)], name) {
			copy(broken[i:], append([]byte{0x30, byte(len(name) - 2)}, append(parameters, make([]byte, len(name)-2-len(parameters))...)...))
			return broken
		}
	}
	t.Fatal("the certificate is not of P-256")
	return nil
}
