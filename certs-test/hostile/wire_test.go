package hostile_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// address is where a listener is.
func (s *site) address(on listener) string {
	node := s.lab.Site.Nodes[0]
	switch on {
	case device:
		return node.Device
	case api:
		return node.API
	case status:
		return node.Status
	default:
		return s.metrics
	}
}

// dial connects, from an address of the loopback's where one is named.
func (s *site) dial(on listener, from string, limit time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: limit}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	connection, err := dialer.DialContext(context.Background(), "tcp", s.address(on))
	if err != nil {
		return nil, err
	}
	return connection, connection.SetDeadline(time.Now().Add(limit))
}

// secure is dial and a handshake, where the listener has TLS.
func (s *site) secure(on listener, from string, c *tls.Config, limit time.Duration) (net.Conn, error) {
	plain, err := s.dial(on, from, limit)
	if err != nil || on == status || on == metrics {
		return plain, err
	}
	c = c.Clone()
	c.RootCAs, c.ServerName = s.lab.Site.Roots, "localhost"
	secured := tls.Client(plain, c)
	if err := secured.HandshakeContext(context.Background()); err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	return secured, nil
}

// identity is a TLS configuration that shows a certificate.
func (s *site) identity(by string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if by != "" {
		shown, found := s.shown[by]
		if !found {
			panic("there is no certificate " + by)
		}
		// It is shown whatever issuers the server names.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
	}
	return c
}

// exchange sends a row's request and reads what comes back.
func (s *site) exchange(r row) (answer, error) {
	if r.do != nil {
		return r.do(s)
	}
	connection, err := s.secure(r.on, r.from, s.identity(r.by), r.within())
	if err != nil {
		return alerted(err)
	}
	defer connection.Close()
	return send(connection, r.send)
}

// send writes a request while it reads the answer, which may come before the request
// has ended.
func send(connection net.Conn, request []byte) (answer, error) {
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		_, _ = connection.Write(request) // who is refused early may be cut off
	}()
	method, _, _ := strings.Cut(string(request[:min(len(request), 16)]), " ")
	got, err := readAnswers(connection, method)
	_ = connection.Close() // which ends the writing too
	<-wrote
	return orHung(got, err)
}

// orHung makes an answer of a limit that ran out.
func orHung(got answer, err error) (answer, error) {
	if err == nil {
		return got, nil
	}
	if hung(err) {
		return said("hung"), nil
	}
	return alerted(err)
}

// alerted makes an answer of an alert of TLS's, or of a connection that was closed.
func alerted(err error) (answer, error) {
	var alert tls.AlertError
	var remote *net.OpError
	switch {
	case errors.As(err, &remote) && remote.Op == "remote error":
		return said("alert: %s", strings.TrimPrefix(remote.Err.Error(), "tls: ")), nil
	case errors.As(err, &alert):
		return said("alert: %s", alert.Error()), nil
	case hung(err):
		return said("hung"), nil
	case ended(err):
		return said("closed"), nil
	}
	return answer{}, err
}

// bare sends octets straight over TCP and tells what came: alerts of TLS by number,
// HTTP by its status.
func bare(on listener, octets []byte) func(*site) (answer, error) {
	return func(s *site) (answer, error) {
		connection, err := s.dial(on, "", usualLimit)
		if err != nil {
			return answer{}, err
		}
		defer connection.Close()
		if _, err := connection.Write(octets); err != nil {
			return alerted(err)
		}
		got, err := io.ReadAll(connection)
		switch {
		case err != nil && !ended(err):
			return orHung(answer{}, err)
		case len(got) == 0:
			return said("closed"), nil
		case got[0] == 0x15 && len(got) >= 7: // RFC 8446, section 5.1
			return said("alert %d", got[6]), nil
		case strings.HasPrefix(string(got), "HTTP/"):
			return readAnswers(strings.NewReader(string(got)), "GET")
		case got[0] == 0x16 && len(got) >= 6 && got[5] == 2: // its hello, and more
			return said("a hello"), nil
		default:
			return said("%d octets of a record of type %d", len(got), got[0]), nil
		}
	}
}

// request writes a request of HTTP/1.1 that ends its connection.
func request(method, target string, headers string, body string) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, target, headers)
	if body != "" || method == "POST" || method == "PATCH" || method == "PUT" {
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(body))
	}
	return []byte(text.String() + "\r\n" + body)
}

func (r row) within() time.Duration {
	if r.limit == 0 {
		return usualLimit
	}
	return r.limit
}
