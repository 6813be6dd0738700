package contender

import (
	"context"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
)

// floor is the bare server beside this package.
type floor struct {
	process        *Process
	device, status string
	issuer         []byte
}

// StartFloor runs the floor server, program, with its log in dir.
func StartFloor(ctx context.Context, program, dir string) (Contender, error) {
	addrs, err := freeAddrs(2)
	if err != nil {
		return nil, err
	}
	process, err := start(dir, "floor", program, "-dir", dir, "-device-addr", addrs[0], "-status-addr", addrs[1])
	if err != nil {
		return nil, err
	}
	f := &floor{process: process, device: addrs[0], status: addrs[1]}
	if err := process.ready(ctx, f.device); err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	f.issuer, err = readCertificate(filepath.Join(dir, "issuer.pem"))
	return f, err
}

// readCertificate returns the first certificate of a PEM file, DER.
func readCertificate(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New(path + " holds no certificate in PEM")
	}
	return block.Bytes, nil
}

func (f *floor) Name() string       { return "floor" }
func (f *floor) Process() *Process  { return f.process }
func (f *floor) DeviceAddr() string { return f.device }
func (f *floor) StatusAddr() string { return f.status }
func (f *floor) Issuer() []byte     { return f.issuer }

// Enrolments sends a secret as long as a ticket, which the floor ignores.
func (f *floor) Enrolments(_ context.Context, identities []Identity, once bool) ([][]byte, error) {
	requests := make([][]byte, len(identities))
	for i := range identities {
		requests[i] = estEnrolment(&identities[i], "0123456789ABCDEFGHIJKLMNOP", once)
	}
	return requests, nil
}

func (f *floor) Renewal(identity *Identity) ([]byte, error) { return estRenewal(identity), nil }
func (f *floor) Certificate(body []byte) ([]byte, error)    { return estCertificate(body) }
func (f *floor) Settle(context.Context, Kind, int) error    { return nil } // an answer is durable: that is all of it
