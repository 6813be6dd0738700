// Floor is the least that an enrolment server in Go can cost: TLS, the check of
// the CSR's signature, x509.CreateCertificate and one append to a log whose
// fsyncs are shared. No index, policy, identity or audit: Touchmark is measured
// against it, and nobody should run it for anything else.
//
//	POST /.well-known/est/simpleenroll    whoever asks; Basic credentials are ignored
//	POST /.well-known/est/simplereenroll  with a client certificate that it issued
//	POST /ocsp                            plain HTTP; every answer is signed anew and says good
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It writes issuer.pem into its folder before it
// listens.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of the log and of issuer.pem; must exist")
	device := flags.String("device-addr", "127.0.0.1:8443", "listener for EST")
	status := flags.String("status-addr", "127.0.0.1:8080", "listener for OCSP")
	if err := flags.Parse(args); err != nil {
		return err
	}
	issuer, err := newAuthority(time.Now())
	if err != nil {
		return err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.certificate.Raw})
	if err := os.WriteFile(filepath.Join(*dir, "issuer.pem"), certificate, 0o600); err != nil {
		return err
	}
	log, err := openJournal(filepath.Join(*dir, "journal"))
	if err != nil {
		return err
	}
	err = serve(ctx, *device, *status, &door{issuer: issuer, log: log, now: time.Now})
	return errors.Join(err, log.Close())
}

// serve runs both listeners until ctx ends or one of them fails.
func serve(ctx context.Context, deviceAddr, statusAddr string, d *door) error {
	pool := x509.NewCertPool()
	pool.AddCert(d.issuer.certificate)
	leaf, err := d.issuer.server(time.Now())
	if err != nil {
		return err
	}
	device := &http.Server{
		Addr: deviceAddr, Handler: d.est(), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{leaf},
			ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, NextProtos: []string{"http/1.1"},
		},
	}
	status := &http.Server{Addr: statusAddr, Handler: d.status(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- device.ListenAndServeTLS("", "") }()
	go func() { failed <- status.ListenAndServe() }()
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	return errors.Join(err, device.Close(), status.Close())
}
