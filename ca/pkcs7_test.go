package ca_test

import (
	"bytes"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestCertsOnlyKeepsTheOrder(t *testing.T) {
	c := newCorporate(t, certstest.P256)
	der, err := ca.CertsOnly(c.issuer.Certificate().Raw, c.Cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	out := certstest.OpenSSL(t, der, "pkcs7", "-inform", "DER", "-print_certs")
	certs, err := ca.ParseCertificatesPEM([]byte(out), 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(certs) != 2 || !bytes.Equal(certs[0].Raw, c.issuer.Certificate().Raw) || !bytes.Equal(certs[1].Raw, c.Cert.Raw) {
		t.Errorf("openssl reads %d certificates, want the issuer's and the root's:\n%s", len(certs), out)
	}
	certstest.CertTool(t, der, "--p7-info", "--inder")
	if _, err := ca.CertsOnly(); err == nil {
		t.Error("a message without certificates was made")
	}
}
