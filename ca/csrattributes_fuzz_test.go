package ca_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// FuzzChannelBinding reads the attributes of requests, whose signature is another
// matter. What is read as a binding is of one of the two sizes, and is read again from
// a request that is made with it.
func FuzzChannelBinding(f *testing.F) {
	unique, exporter, _, _ := bindings()
	key := ecdsaKey(f)
	for _, attributes := range [][]certstest.Attribute{
		nil,
		{certstest.ChallengePassword(unique)},
		{certstest.ChallengePassword(exporter), certstest.IdentityLinking(unique)},
		{certstest.ChallengePassword("correct horse"), certstest.ChallengePassword("")},
		{{ID: certstest.ChallengePassword("").ID}},
	} {
		f.Add(ca.InfoOf(f, certstest.CSRWith(f, key, attributes...)))
	}
	f.Fuzz(func(t *testing.T, info []byte) {
		binding, err := ca.ChannelBindingOf(info)
		if err != nil {
			if !errors.Is(err, ca.ErrBadCSR) {
				t.Errorf("error without a sentinel: %v", err)
			}
			return
		}
		if binding == nil {
			return
		}
		if len(binding) != ca.TLSUniqueSize && len(binding) != ca.TLSExporterSize {
			t.Fatalf("a binding of %d octets", len(binding))
		}
		csr, err := ca.ParseCertificateRequest(certstest.CSRWith(t, key, certstest.ChallengePassword(base64.StdEncoding.EncodeToString(binding))))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := csr.ChannelBinding(); err != nil || string(again) != string(binding) {
			t.Errorf("%x is read again as %x (%v)", binding, again, err)
		}
	})
}
