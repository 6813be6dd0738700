package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// maxAnchors is how many CA certificates a file may hold: machines ship some 150.
const maxAnchors = 1_000

// clientTrusting returns an HTTP client that judges servers by the machine's CAs
// and those in the PEM text of the file at path.
func clientTrusting(path string, text []byte) (*http.Client, error) {
	certificates, err := ca.ParseCertificatesPEM(text, maxAnchors)
	if err != nil {
		return nil, fmt.Errorf("the providers' CAs %s: %w", path, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without CAs of its own
	}
	for _, certificate := range certificates {
		pool.AddCert(certificate)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}
