package oidc

import (
	"fmt"
	"net/http"
	"net/url"
)

// Bounds of what a provider may answer.
const (
	maxAnswer    = 1 << 20 // bytes
	maxRedirects = 3
)

// carefulClient returns client, or one that waits askTimeout where it is nil,
// which asks a provider, by its issuer, no more than it is configured for: answers
// are bounded, a redirect stays on its host, and plain HTTP is spoken with this
// machine alone, and only if the issuer does, so that no provider elsewhere sends
// us to what listens here.
func carefulClient(client *http.Client, issuer string) *http.Client {
	careful := http.Client{Timeout: askTimeout}
	if client != nil {
		careful = *client
	}
	inner := careful.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	u, err := url.Parse(issuer)
	careful.Transport = carefulTransport{inner: inner, plain: err == nil && u.Scheme == "http"}
	careful.CheckRedirect = checkRedirect
	return &careful
}

// checkRedirect is for http.Client.CheckRedirect. What is elsewhere the provider
// names in its metadata; it has no need to redirect there.
func checkRedirect(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	if to.URL.Scheme != from.Scheme || to.URL.Host != from.Host {
		return fmt.Errorf("the provider redirects from %s://%s to another host, %s://%s", from.Scheme, from.Host, to.URL.Scheme, to.URL.Host)
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("the provider redirects more than %d times", maxRedirects)
	}
	return nil
}

type carefulTransport struct {
	inner http.RoundTripper
	plain bool // whether this machine may be asked by plain HTTP
}

func (t carefulTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !(t.plain && trustworthy(r.URL)) {
		return nil, fmt.Errorf("the provider names %s://%s, which is not https", r.URL.Scheme, r.URL.Host)
	}
	response, err := t.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	// An answer that is longer ends with an error.
	response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	return response, nil
}
