package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
)

// What every listener gives a client.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second
	answerTimeout  = 60 * time.Second // from the end of the header; a door may ask for more
	idleTimeout    = 2 * time.Minute
	maxHeader      = 16 << 10
	// grace is how long requests in flight have when the process is told to end.
	grace = 25 * time.Second
)

// listener is one of the four, bound but not yet serving.
type listener struct {
	name   string
	bound  net.Listener
	server *http.Server
}

// bind takes the address, so that one in use is told before anything is served.
func bind(ctx context.Context, name string, at config.Bind, handler http.Handler, log *slog.Logger) (*listener, error) {
	var lc net.ListenConfig
	bound, err := lc.Listen(ctx, "tcp", at.Addr)
	if err != nil {
		return nil, fmt.Errorf("%s listener: %w", name, err)
	}
	tcp, ok := bound.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s listener: %s is not TCP", name, bound.Addr()), bound.Close())
	}
	l := &listener{
		name:  name,
		bound: limitConnections(tcp, at.MaxConnections),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: headerTimeout,
			ReadTimeout:       requestTimeout,
			WriteTimeout:      answerTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeader,
			// What a client does wrong below HTTP is its own affair.
			ErrorLog:  slog.NewLogLogger(log.With("listener", name).Handler(), slog.LevelDebug),
			Protocols: new(http.Protocols),
		},
	}
	l.server.Protocols.SetHTTP1(true)
	return l, nil
}

// secure puts TLS on the listener.
func (l *listener) secure(c *tls.Config) *listener {
	c.NextProtos = []string{"http/1.1"}
	if l.server.Protocols.HTTP2() {
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	l.server.TLSConfig = c
	return l
}

// serve returns when the listener was shut down, or why it broke.
func (l *listener) serve() error {
	var err error
	if l.server.TLSConfig != nil {
		err = l.server.ServeTLS(l.bound, "", "")
	} else {
		err = l.server.Serve(l.bound)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("%s listener: %w", l.name, err)
}

// finish stops listening and waits for what is in flight until ctx is done.
func (l *listener) finish(ctx context.Context) error {
	if err := l.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("%s listener: requests in flight did not end in time: %w", l.name, err), l.server.Close())
	}
	return nil
}

// deviceTLS asks for a client certificate and leaves the judging to the doors, so
// that an expired or unknown one gets an answer in HTTP.
func deviceTLS(certificate certificateFunc) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12, // some clients speak no better
		CipherSuites:   deviceCiphers(),
		GetCertificate: certificate,
		ClientAuth:     tls.RequestClientCert,
		// Possession of the client's key is proved anew on each connection.
		SessionTicketsDisabled: true,
		// strongSwan takes an answer only where it comes in one record.
		DynamicRecordSizingDisabled: true,
	}
}

// deviceCiphers are what TLS 1.2 may use: forward secrecy and AEAD alone. Go's own
// choice has AES in CBC mode with SHA-1 too, which no client that we know of needs.
func deviceCiphers() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

func apiTLS(certificate certificateFunc) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certificate}
}

type certificateFunc = func(*tls.ClientHelloInfo) (*tls.Certificate, error)
