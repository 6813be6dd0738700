package ca_test

import (
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func TestParseCertificatesPEM(t *testing.T) {
	pki := certstest.New(t)
	root := string(ca.EncodeCertificatesPEM(pki.Cert.Raw))
	certs, err := ca.ParseCertificatesPEM([]byte("subject=CN = x\n"+root+"\ntext between\n"+root), 2)
	if err != nil || len(certs) != 2 {
		t.Fatalf("%d certificates, %v; want 2", len(certs), err)
	}
	for name, test := range map[string]struct{ text, word string }{
		"empty":       {"", "no PEM block"},
		"too many":    {root + root + root, "more than 2"},
		"too large":   {strings.Repeat("x", 1<<20), "at most"},
		"private key": {root + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PRIVATE KEY"},
		"cut":         {root + root[:len(root)/2], "1 can be read"},
		"garbled":     {strings.Replace(root, "M", "!", 1) + root, "1 can be read"},
		"not DER":     {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "block 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ca.ParseCertificatesPEM([]byte(test.text), 2); err == nil || !strings.Contains(err.Error(), test.word) {
				t.Errorf("error is %v, want one saying %q", err, test.word)
			}
		})
	}
}
