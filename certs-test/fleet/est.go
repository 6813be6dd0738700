package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/touchmark/touchmark/enroll"
)

// enrol is RFC 7030, section 4.2.1, with HTTP Basic. It returns the certificate.
func (d *doors) enrol(ctx context.Context, node int, serial, ticket string, csr []byte) ([]byte, error) {
	request, err := d.estRequest(ctx, node, "simpleenroll", csr)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(serial, ticket)
	return certificateOf(exchange(d.devices, request))
}

// renew is RFC 7030, section 4.2.2, on a connection of its own, which proves the
// possession of the old certificate's key.
func (d *doors) renew(ctx context.Context, node int, old *Certificate, csr []byte) ([]byte, error) {
	request, err := d.estRequest(ctx, node, "simplereenroll", csr)
	if err != nil {
		return nil, err
	}
	by := newHTTPClient(&tls.Config{
		RootCAs: d.site.Roots, MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{old.Leaf.Raw, d.site.Issuer.Raw}, PrivateKey: old.Identity.Key}},
	}, d.patience)
	defer by.CloseIdleConnections()
	return certificateOf(exchange(by, request))
}

func (d *doors) estRequest(ctx context.Context, node int, operation string, csr []byte) (*http.Request, error) {
	body := base64.StdEncoding.AppendEncode(nil, csr)
	address := "https://" + d.site.Nodes[node].Device + "/.well-known/est/" + operation
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/pkcs10")
	request.Header.Set("Content-Transfer-Encoding", "base64")
	return request, nil
}

// certificateOf reads the certificate out of an answer of EST.
func certificateOf(status int, body []byte, err error) ([]byte, error) {
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusUnauthorized: // which says nothing
		return nil, &refusal{enroll.Unauthenticated, "401"}
	case status != http.StatusOK:
		text := strings.TrimSpace(string(body))
		code, _, _ := strings.Cut(text, ":")
		return nil, sorted(enroll.Code(code), fmt.Sprintf("%d %s", status, text))
	}
	return CertificateIn(body)
}
