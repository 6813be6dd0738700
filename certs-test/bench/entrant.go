package main

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/load"
)

// clientTLS is how devices connect. They do not check the server's certificate:
// it costs the load tool alone, takes from the server the cores that both share,
// and everything is on the loopback.
func clientTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
}

// entrant is a contender and what the benchmark holds of it.
type entrant struct {
	contender.Contender
	// pool are enrolled devices, each with its newest certificate.
	pool []contender.Identity
	// hot and cold are OCSP requests for certificates of its own. Each cold one is
	// sent once; coldSent is how many were.
	hot, cold [][]byte
	coldSent  int
}

// enrolment prepares an enrolment of each identity.
func (e *entrant) enrolment(ctx context.Context, identities []contender.Identity, kept bool) (load.Load, error) {
	requests, err := e.Enrolments(ctx, identities, !kept)
	return load.Load{
		Addr: e.DeviceAddr(), TLS: clientTLS(), KeepAlive: kept, Count: len(requests),
		Request: func(i int) []byte { return requests[i] },
	}, err
}

// renewal prepares a renewal of each of the first n devices of the pool.
func (e *entrant) renewal(n int) (load.Load, error) {
	requests := make([][]byte, n)
	certificates := make([]*tls.Certificate, n)
	for i := range requests {
		var err error
		if requests[i], err = e.Renewal(&e.pool[i]); err != nil {
			return load.Load{}, err
		}
		certificates[i] = e.pool[i].TLS()
	}
	return load.Load{
		Addr: e.DeviceAddr(), TLS: clientTLS(), Count: n,
		Request:     func(i int) []byte { return requests[i] },
		Certificate: func(i int) *tls.Certificate { return certificates[i] },
	}, nil
}

// asking prepares n OCSP requests, which go round through requests.
func (e *entrant) asking(requests [][]byte, n int) load.Load {
	return load.Load{
		Addr: e.StatusAddr(), KeepAlive: true, Count: n,
		Request: func(i int) []byte { return requests[i%len(requests)] },
	}
}

// keep adds to the pool what was issued to identities, up to limit devices.
func (e *entrant) keep(identities []contender.Identity, bodies [][]byte, limit int) error {
	for i, body := range bodies {
		if body == nil || len(e.pool) >= limit {
			continue
		}
		var err error
		identity := identities[i]
		if identity.Certificate, err = e.Certificate(body); err != nil {
			return fmt.Errorf("%s: read what was issued: %w", e.Name(), err)
		}
		e.pool = append(e.pool, identity)
	}
	return nil
}

// renewed gives the pool's devices their new certificates.
func (e *entrant) renewed(bodies [][]byte) error {
	for i, body := range bodies {
		if body == nil {
			continue
		}
		der, err := e.Certificate(body)
		if err != nil {
			return fmt.Errorf("%s: read what was renewed: %w", e.Name(), err)
		}
		e.pool[i].Certificate = der
	}
	return nil
}

// quietly drives a load without measuring it.
func (e *entrant) quietly(ctx context.Context, l load.Load) error {
	l.Begin, l.End = func() error { return nil }, func(int) error { return nil }
	_, err := load.Run(ctx, l)
	return err
}
