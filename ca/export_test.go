package ca

import (
	"crypto/x509"
	"testing"
)

// InfoOf returns the part of a request that is signed.
func InfoOf(t testing.TB, csr []byte) []byte {
	t.Helper()
	parsed, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.RawTBSCertificateRequest
}

// ChannelBindingOf is CertificateRequest.ChannelBinding of a request of which only
// the part that is signed is there, for fuzzing.
func ChannelBindingOf(info []byte) ([]byte, error) { return requestInfo(info).channelBinding() }
