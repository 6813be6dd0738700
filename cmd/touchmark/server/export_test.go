package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/enroll"
)

// RunOn lets tests bring a store that fails.
var RunOn = runOn

// LimitConnections is limitConnections.
var LimitConnections = limitConnections

func now() (earliest, latest time.Time) { return time.Now(), time.Now() }

// KeepOwn issues the listeners' certificate and keeps it good until ctx is done.
// It returns how a listener gets it.
func KeepOwn(ctx context.Context, issue func(context.Context, enroll.Own) (enroll.Issued, error)) (func() (*tls.Certificate, error), error) {
	o := newOwnCertificate(issue, now, Config{
		Settings: &config.Settings{DNSNames: []string{"localhost"}}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	first, err := o.issue(ctx)
	if err != nil {
		return nil, err
	}
	go o.keep(ctx, first)
	return func() (*tls.Certificate, error) { return o.get(nil) }, nil
}

// Drained reads what a handler leaves of a body.
var Drained = drained
