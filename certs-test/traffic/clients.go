package traffic

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/certs-test/fleet"
)

// Answer is what came of a request.
type Answer struct {
	// Status is that of HTTP; 0 where no answer came, and Err says why.
	Status int
	Header http.Header
	Body   []byte
	Err    error
	Took   time.Duration
}

// OK says whether it was done.
func (a Answer) OK() bool { return a.Err == nil && a.Status/100 == 2 }

// String is a few words on it.
func (a Answer) String() string {
	if a.Err != nil {
		return a.Err.Error()
	}
	return fmt.Sprintf("%d %.100q", a.Status, a.Body)
}

// maxAnswer bounds an answer, in octets.
const maxAnswer = 16 << 20

// Clients are the clients of a site's first node.
type Clients struct {
	Site *fleet.Site
	// Operator is the break-glass administrator.
	Operator *client.Client
	kept     *http.Client // connects as often as there are requests at once
	patience time.Duration
}

// New makes clients, of which most may be under way at once and keep their
// connections. patience is how long each waits for an answer.
func New(site *fleet.Site, most int, patience time.Duration) (*Clients, error) {
	c := &Clients{Site: site, patience: patience}
	transport := c.transport()
	transport.MaxIdleConnsPerHost = most
	c.kept = &http.Client{Transport: transport, Timeout: patience}
	var err error
	c.Operator, err = client.New(client.Config{
		Server: "https://" + site.Nodes[0].API, CAFile: site.RootFile,
		Token: func(context.Context) (string, error) { return site.Token, nil },
	})
	return c, err
}

// Close lets go of the connections.
func (c *Clients) Close() { c.kept.CloseIdleConnections() }

func (c *Clients) transport(certificates ...tls.Certificate) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: c.Site.Roots, MinVersion: tls.VersionTLS13, Certificates: certificates,
	}}
}

// Once returns a client that connects anew, as whoever has the certificates.
func (c *Clients) once(certificates ...tls.Certificate) *http.Client {
	transport := c.transport(certificates...)
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport, Timeout: c.patience}
}

// Request is one as HTTP has it.
type Request struct {
	Method, URL, MediaType string
	Body                   []byte
	// Set adds what else it needs.
	Set func(*http.Request)
}

func (c *Clients) send(ctx context.Context, by *http.Client, r Request) (answer Answer) {
	began := time.Now()
	defer func() { answer.Took = time.Since(began) }()
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Err: err}
	}
	if r.MediaType != "" {
		request.Header.Set("Content-Type", r.MediaType)
	}
	if r.Set != nil {
		r.Set(request)
	}
	response, err := by.Do(request)
	if err != nil {
		return Answer{Err: err}
	}
	defer response.Body.Close()
	answer = Answer{Status: response.StatusCode, Header: response.Header}
	answer.Body, answer.Err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if len(answer.Body) > maxAnswer {
		answer.Err = errors.New("an answer without end")
	}
	return answer
}

// Send sends any request on a connection that is kept.
func (c *Clients) Send(ctx context.Context, r Request) Answer { return c.send(ctx, c.kept, r) }

// SendOnce sends any request on a connection of its own.
func (c *Clients) SendOnce(ctx context.Context, r Request) Answer { return c.send(ctx, c.once(), r) }

// API sends a call of REST as the administrator, on a connection of its own where
// once says so. body is JSON, or nil.
func (c *Clients) API(ctx context.Context, once bool, method, path string, body []byte) Answer {
	by := c.kept
	if once {
		by = c.once()
	}
	r := Request{Method: method, URL: "https://" + c.Site.Nodes[0].API + path, Body: body, Set: func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+c.Site.Token)
	}}
	if body != nil {
		r.MediaType = "application/json"
	}
	return c.send(ctx, by, r)
}
