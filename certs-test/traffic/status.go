package traffic

import (
	"context"
	"crypto/x509"
	"net/http"

	"golang.org/x/crypto/ocsp"
)

// OCSP asks about a certificate (RFC 6960). The status is that of package
// golang.org/x/crypto/ocsp; -1 where there is none.
func (c *Clients) OCSP(ctx context.Context, leaf *x509.Certificate) (status int, answer Answer) {
	question, err := ocsp.CreateRequest(leaf, c.Site.Issuer, nil)
	if err != nil {
		return -1, Answer{Err: err}
	}
	answer = c.Send(ctx, Request{
		Method: http.MethodPost, URL: "http://" + c.Site.Nodes[0].Status + "/ocsp", MediaType: "application/ocsp-request", Body: question,
	})
	if !answer.OK() {
		return -1, answer
	}
	said, err := ocsp.ParseResponseForCert(answer.Body, leaf, c.Site.Issuer)
	if err != nil {
		answer.Err = err
		return -1, answer
	}
	return said.Status, answer
}

// Get fetches a path of the status listener.
func (c *Clients) Get(ctx context.Context, path string) Answer {
	return c.Send(ctx, Request{Method: http.MethodGet, URL: "http://" + c.Site.Nodes[0].Status + path})
}
