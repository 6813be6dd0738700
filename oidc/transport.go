package oidc

import (
	"fmt"
	"io"
	"net/http"
)

// maxAnswer bounds what a provider may answer, in bytes. Beyond it an answer
// ends early, and then does not parse.
const maxAnswer = 1 << 20

// carefulClient returns client, or one that waits askTimeout where it is nil,
// with a transport that bounds answers and never speaks plain HTTP to another
// machine, wherever discovery or a redirect points.
func carefulClient(client *http.Client) *http.Client {
	careful := http.Client{Timeout: askTimeout}
	if client != nil {
		careful = *client
	}
	inner := careful.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	careful.Transport = carefulTransport{inner}
	return &careful
}

type carefulTransport struct{ inner http.RoundTripper }

func (t carefulTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !trustworthy(r.URL) {
		return nil, fmt.Errorf("the provider names %s://%s, which is not https", r.URL.Scheme, r.URL.Host)
	}
	response, err := t.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = boundedBody{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}

type boundedBody struct {
	io.Reader
	io.Closer
}
