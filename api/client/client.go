// Package client speaks to the REST door, for the command line and for programs.
// What the server refuses is a *problem.Problem in the error's chain; CodeOf
// tells its code.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
)

// ErrUnreachable is wrapped where no answer of the server came through.
var ErrUnreachable = errors.New("server unreachable")

// Config says where the server is and who calls.
type Config struct {
	// Server is the api listener's https URL, such as https://127.0.0.1:9443.
	Server string
	// Token returns the bearer token for a call; it is asked for each one. nil
	// sends none.
	Token func(context.Context) (string, error)
	// CAFile is a file of PEM certificates that the server's certificate must
	// chain to, instead of the machine's own. Empty takes the machine's.
	CAFile    string
	UserAgent string
}

// Client calls one server. It may be used concurrently.
type Client struct {
	base      *url.URL
	http      *http.Client
	patient   *http.Client // waits for an answer for ever
	token     func(context.Context) (string, error)
	userAgent string
}

// Bounds of a call.
const (
	dialTimeout   = 10 * time.Second
	headerTimeout = time.Minute
	maxAnswer     = 128 << 20 // a part of the log with its longest records
	maxProblem    = 64 << 10
)

// New checks c and calls nobody yet. The client speaks TLS 1.3 with the server
// itself: it follows no redirect and no proxy of the environment, for it carries
// a secret.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.Server)
	if err != nil || base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("server: it is an https URL such as https://touchmark.example.com:9443")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	trust := &tls.Config{MinVersion: tls.VersionTLS13}
	if c.CAFile != "" {
		if trust.RootCAs, err = readCAs(c.CAFile); err != nil {
			return nil, err
		}
	}
	return &Client{
		base: base, token: c.Token, userAgent: c.UserAgent, http: newHTTP(trust, headerTimeout), patient: newHTTP(trust, 0),
	}, nil
}

// newHTTP makes what sends requests. Headers of an answer come within a time, or
// any time where that is 0.
func newHTTP(trust *tls.Config, headers time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: trust, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headers,
			ForceAttemptHTTP2: true, IdleConnTimeout: headerTimeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func readCAs(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("CA file %s: no certificate in it; it is PEM, and begins with -----BEGIN CERTIFICATE-----", path)
	}
	return pool, nil
}

// CodeOf returns why a call failed: the server's code, Unavailable where the
// server could not be reached, or "" for what went wrong on this side.
func CodeOf(err error) enroll.Code {
	var refused *problem.Problem
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.Is(err, ErrUnreachable):
		return enroll.Unavailable
	default:
		return ""
	}
}
