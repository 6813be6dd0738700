package contender_test

import (
	"context"
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/load"
)

// TestFloorFromOutside builds the floor and goes the way of the benchmark: enrol,
// renew, and read the figures of the process.
func TestFloorFromOutside(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "floor-program")
	build := exec.Command("go", "build", "-o", program, "../floor")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	floor, err := contender.StartFloor(t.Context(), program, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := floor.Process().Stop(); err != nil {
			t.Error(err)
		}
	})
	identities, err := contender.NewIdentities("test", 20)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := floor.Enrolments(t.Context(), identities, true)
	if err != nil {
		t.Fatal(err)
	}
	certificates := drive(t.Context(), t, floor, func(i int) []byte { return requests[i] }, identities)
	for i := range identities {
		identities[i].Certificate = certificates[i]
	}
	renewed := drive(t.Context(), t, floor, func(i int) []byte {
		request, err := floor.Renewal(&identities[i])
		if err != nil {
			t.Error(err)
		}
		return request
	}, identities)
	if string(renewed[0]) == string(certificates[0]) {
		t.Error("a renewal gave the same certificate")
	}
	if used, err := floor.Process().CPU(); err != nil || used.Total() < 0 {
		t.Errorf("CPU: %v, %v", used, err)
	}
	if err := floor.Process().ForgetPeak(); err != nil {
		t.Error(err)
	}
	if peak, err := floor.Process().PeakMemory(); err != nil || peak < 1<<20 {
		t.Errorf("peak memory: %d, %v", peak, err)
	}
}

// drive sends a request for each identity and returns the certificates.
func drive(ctx context.Context, t *testing.T, c contender.Contender, request func(int) []byte, identities []contender.Identity) [][]byte {
	t.Helper()
	result, err := load.Run(ctx, load.Load{
		Addr: c.DeviceAddr(), TLS: &tls.Config{InsecureSkipVerify: true}, Concurrency: 4, Count: len(identities), For: time.Hour,
		Request: request, Begin: func() error { return nil }, End: func(int) error { return nil },
		Certificate: func(i int) *tls.Certificate {
			if identities[i].Certificate == nil {
				return &tls.Certificate{}
			}
			return identities[i].TLS()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	certificates := make([][]byte, len(result.Bodies))
	for i, body := range result.Bodies {
		if certificates[i], err = c.Certificate(body); err != nil {
			t.Fatal(err)
		}
	}
	return certificates
}
