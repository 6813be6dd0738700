package fleet

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/crypto/ocsp"
)

// ocsp asks a node about a certificate (RFC 6960) and checks who answered.
func (d *doors) ocsp(ctx context.Context, node int, leaf *x509.Certificate) (*ocsp.Response, error) {
	question, err := ocsp.CreateRequest(leaf, d.site.Issuer, nil)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.site.Nodes[node].Status+"/ocsp", bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	status, body, err := exchange(d.public, request)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%w: OCSP answered with status %d", errOpen, status)
	}
	answer, err := ocsp.ParseResponseForCert(body, leaf, d.site.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: OCSP: %w", errOpen, err) // tryLater among others
	}
	return answer, nil
}

// crl fetches a CRL of a certificate's CRL distribution point from a node,
// whatever host the point names, and checks its signature.
func (d *doors) crl(ctx context.Context, node int, point string) (*x509.RevocationList, error) {
	address, err := url.Parse(point)
	if err != nil {
		return nil, fmt.Errorf("CRL distribution point: %w", err)
	}
	address.Host = d.site.Nodes[node].Status
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	status, body, err := exchange(d.public, request)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answered with status %d", errOpen, address, status)
	}
	list, err := x509.ParseRevocationList(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	if err := list.CheckSignatureFrom(d.site.Issuer); err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return list, nil
}
