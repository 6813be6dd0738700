package server_test

import (
	"crypto/tls"
	"slices"
	"testing"
)

// The device listener offers TLS 1.2 with forward secrecy and AEAD alone (RFC 9325,
// section 4.2); a client that has nothing else gets no connection.
func TestCiphersOfTheDeviceListener(t *testing.T) {
	r := start(t, asItIs).ready(t)
	want := []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		conn, err := tls.Dial("tcp", r.settings.Device.Addr, &tls.Config{
			RootCAs: r.roots(t), MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID},
		})
		if err == nil {
			_ = conn.Close()
		}
		if taken := err == nil; taken != slices.Contains(want, suite.ID) {
			t.Errorf("%s: taken %v (%v)", suite.Name, taken, err)
		}
	}
}
