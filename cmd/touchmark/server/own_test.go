package server_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/cmd/touchmark/server"
	"github.com/touchmark/touchmark/enroll"
)

// TestOwnCertificateRenewsByItself runs for three days in no time, on one of which
// nothing can be issued for an hour.
func TestOwnCertificateRenewsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var asked atomic.Int32
		issue := func(_ context.Context, own enroll.Own) (enroll.Issued, error) {
			since := time.Since(begin)
			asked.Add(1)
			if since >= 16*time.Hour && since < 17*time.Hour {
				return enroll.Issued{}, errors.New("the HSM sleeps")
			}
			serial, err := ca.NewSerial(rand.Reader, time.Now().Add(own.Lifetime))
			return enroll.Issued{Certificate: enroll.Certificate{Serial: serial, DER: []byte(since.String())}, Chain: [][]byte{[]byte("issuing")}}, err
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		get, err := server.KeepOwn(ctx, issue)
		if err != nil {
			t.Fatal(err)
		}
		now := func() string {
			t.Helper()
			synctest.Wait()
			certificate, err := get()
			if err != nil || len(certificate.Certificate) != 2 {
				t.Fatalf("certificate %v, error %v", certificate, err)
			}
			return string(certificate.Certificate[0])
		}
		if got := now(); got != "0s" {
			t.Errorf("at first it is of %s", got)
		}
		time.Sleep(16*time.Hour + 30*time.Minute)
		if got := now(); got != "0s" {
			t.Errorf("while nothing can be issued it is of %s", got)
		}
		time.Sleep(30*time.Minute + time.Second)
		if got := now(); got != "17h0m0s" {
			t.Errorf("when it can again it is of %s", got)
		}
		if n := asked.Load(); n != 62 { // at the start, once a minute from 16:00 to 16:59, and at 17:00
			t.Errorf("it was asked for %d times", n)
		}
		time.Sleep(16 * time.Hour)
		if got := now(); got != "33h0m0s" {
			t.Errorf("after another two thirds of its life it is of %s", got)
		}
	})
}
