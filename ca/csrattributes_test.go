package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func ecdsaKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	return certstest.Key(t, certstest.P256).(*ecdsa.PrivateKey)
}

// bindings are the names of two TLS connections, in base64, and what they are.
func bindings() (unique, exporter string, uniqueIs, exporterIs []byte) {
	uniqueIs, exporterIs = bytes.Repeat([]byte{0xfb}, ca.TLSUniqueSize), bytes.Repeat([]byte{0xff}, ca.TLSExporterSize)
	return base64.StdEncoding.EncodeToString(uniqueIs), base64.StdEncoding.EncodeToString(exporterIs), uniqueIs, exporterIs
}

func TestChannelBinding(t *testing.T) {
	unique, exporter, uniqueIs, exporterIs := bindings()
	password := certstest.ChallengePassword
	typed := func(tag int, value string) certstest.Attribute {
		der, err := asn1.Marshal(asn1.RawValue{Tag: tag, Bytes: []byte(value)})
		if err != nil {
			t.Fatal(err)
		}
		return certstest.Attribute{ID: password("").ID, Values: [][]byte{der}}
	}
	values := func(v ...[]byte) certstest.Attribute {
		return certstest.Attribute{ID: password("").ID, Values: v}
	}
	other := certstest.Attribute{ID: asn1.ObjectIdentifier{1, 2, 3}, Values: [][]byte{{5, 0}, {5, 0}}}
	for name, test := range map[string]struct {
		attributes []certstest.Attribute
		want       []byte
		refused    string
	}{
		"nothing":                      {},
		"other attributes":             {attributes: []certstest.Attribute{other, other}},
		"tls-unique":                   {attributes: []certstest.Attribute{other, password(unique)}, want: uniqueIs},
		"tls-exporter":                 {attributes: []certstest.Attribute{password(exporter)}, want: exporterIs},
		"a line":                       {attributes: []certstest.Attribute{password(unique + "\r\n")}, want: uniqueIs},
		"PrintableString":              {attributes: []certstest.Attribute{typed(asn1.TagPrintableString, unique)}, want: uniqueIs},
		"IA5String":                    {attributes: []certstest.Attribute{typed(asn1.TagIA5String, unique)}, want: uniqueIs},
		"TeletexString":                {attributes: []certstest.Attribute{typed(asn1.TagT61String, unique)}, want: uniqueIs},
		"RFC 7894":                     {attributes: []certstest.Attribute{certstest.IdentityLinking(exporter)}, want: exporterIs},
		"RFC 7894 before the password": {attributes: []certstest.Attribute{password(unique), certstest.IdentityLinking(exporter)}, want: exporterIs},
		"somebody's password":          {attributes: []certstest.Attribute{password("correct horse")}},
		"an empty password":            {attributes: []certstest.Attribute{password("")}},
		"base64 of another length":     {attributes: []certstest.Attribute{password("AAAAAAAAAAAAAAAAAAAA")}},
		"base64url":                    {attributes: []certstest.Attribute{password(strings.ReplaceAll(unique, "+", "-"))}},
		"base64 with bits left over":   {attributes: []certstest.Attribute{password(strings.TrimSuffix(exporter, "8=") + "9=")}},
		"255 characters":               {attributes: []certstest.Attribute{password(strings.Repeat("é", 255))}},
		"BMPString":                    {attributes: []certstest.Attribute{typed(asn1.TagBMPString, "\x00a\x00b")}},
		"256 characters":               {attributes: []certstest.Attribute{password(strings.Repeat("a", 256))}, refused: "255"},
		"no UTF-8":                     {attributes: []certstest.Attribute{password("\xff")}, refused: "UTF-8"},
		"a long BMPString":             {attributes: []certstest.Attribute{typed(asn1.TagBMPString, strings.Repeat("a", 2000))}, refused: "255"},
		"octets":                       {attributes: []certstest.Attribute{typed(asn1.TagOctetString, unique)}, refused: "not text"},
		"twice":                        {attributes: []certstest.Attribute{password(unique), password(unique)}, refused: "once"},
		"two values":                   {attributes: []certstest.Attribute{values(certstest.UTF8String(unique), certstest.UTF8String("x"))}, refused: "one value"},
		"no value":                     {attributes: []certstest.Attribute{values()}, refused: "one value"},
		"RFC 7894 of something else":   {attributes: []certstest.Attribute{certstest.IdentityLinking("correct horse")}, refused: "estIdentityLinking"},
	} {
		t.Run(name, func(t *testing.T) {
			csr, err := ca.ParseCertificateRequest(certstest.CSRWith(t, ecdsaKey(t), test.attributes...))
			if err != nil {
				t.Fatal(err)
			}
			got, err := csr.ChannelBinding()
			if test.refused != "" {
				if !errors.Is(err, ca.ErrBadCSR) || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("%x, %v; want ErrBadCSR that says %q", got, err, test.refused)
				}
				return
			}
			if err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("%x, %v; want %x", got, err, test.want)
			}
		})
	}
}

// What openssl writes is read: a password as openssl asks for it, and a request
// without any attribute.
func TestChannelBindingOfOpenSSL(t *testing.T) {
	unique, _, uniqueIs, _ := bindings()
	for name, test := range map[string]struct {
		config string
		want   []byte
	}{
		"no attributes": {"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n", nil},
		"a password":    {"[req]\ndistinguished_name=dn\nprompt=no\nattributes=a\n[dn]\nCN=x\n[a]\nchallengePassword=" + unique + "\n", uniqueIs},
	} {
		t.Run(name, func(t *testing.T) {
			out := certstest.OpenSSL(t, nil, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
				"-config", certstest.File(t, "openssl.cnf", []byte(test.config)), "-keyout", certstest.File(t, "key.pem", nil))
			block, _ := pem.Decode([]byte(out[strings.Index(out, "-----BEGIN"):]))
			csr, err := ca.ParseCertificateRequest(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := csr.ChannelBinding(); err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("%x, %v; want %x", got, err, test.want)
			}
		})
	}
}
