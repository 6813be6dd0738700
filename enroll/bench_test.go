package enroll_test

import (
	"crypto/ecdsa"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// stopwatch adds up where the path's time goes.
type stopwatch struct {
	mu   sync.Mutex // guards took
	took map[enroll.Step]time.Duration
}

func (s *stopwatch) Step(step enroll.Step, took time.Duration, _ enroll.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[step] += took
}

func (s *stopwatch) Count(enroll.Counter, int) {}

// cpu is the CPU time that the process has used.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkIssue runs the path without network, 64 callers at once, on the
// embedded store with its real fsyncs. Besides the time it reports CPU per
// operation and how long a caller was in each step (waiting included).
func BenchmarkIssue(b *testing.B) {
	watch := func() (*stopwatch, rigOption) {
		s := &stopwatch{took: map[enroll.Step]time.Duration{}}
		return s, func(c *enroll.Config) { c.Observer = s }
	}
	measure := func(b *testing.B, s *stopwatch, do func(i int) error) {
		b.SetParallelism(32)
		var next atomic.Int64
		clear(s.took)
		before := cpu(b)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := do(int(next.Add(1) - 1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.StopTimer()
		b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		for step, took := range s.took {
			b.ReportMetric(float64(took.Microseconds())/float64(b.N), string(step)+"-µs/op")
		}
	}
	b.Run("enrol", func(b *testing.B) {
		s, option := watch()
		r := newRig(b, option)
		order := r.order(enroll.MaxQuantity)
		tickets, requests := make([]string, b.N), make([][]byte, b.N)
		for from := 0; from < b.N; from += enroll.MaxTicketsPerDraw {
			var serials []string
			for i := from; i < min(from+enroll.MaxTicketsPerDraw, b.N); i++ {
				serials = append(serials, serialOf(i))
			}
			drawn, err := r.DrawTickets(b.Context(), r.admin, string(order.ID), serials)
			check(b, err)
			for i, ticket := range drawn {
				tickets[from+i] = ticket.Ticket
			}
		}
		for i := range requests {
			requests[i] = csr(b, newKey(b))
		}
		measure(b, s, func(i int) error {
			_, err := r.Issue(b.Context(), enroll.Request{
				Evidence: enroll.TicketEvidence{User: serialOf(i), Secret: tickets[i]}, CSR: requests[i], Source: "192.0.2.1",
			})
			return err
		})
	})
	b.Run("renew", func(b *testing.B) {
		const devices = 256
		s, option := watch()
		r := newRig(b, option)
		order := r.order(devices)
		current := make([]enroll.Issued, devices)
		keys := make([]*ecdsa.PrivateKey, devices)
		requests := make([][]byte, devices)
		for i := range current {
			keys[i] = newKey(b)
			requests[i] = csr(b, keys[i])
			var err error
			current[i], err = r.vouch(order, serialOf(i), keys[i])
			check(b, err)
		}
		locks := make([]sync.Mutex, devices)
		measure(b, s, func(i int) error {
			if i%(devices*50) == 0 {
				r.clock.advance(12 * time.Hour) // so that nobody renews in a loop
			}
			i %= devices
			locks[i].Lock()
			defer locks[i].Unlock()
			issued, err := r.Issue(b.Context(), enroll.Request{Evidence: enroll.CertificateEvidence{DER: current[i].DER}, CSR: requests[i]})
			if err == nil {
				current[i] = issued
			}
			return err
		})
	})
}

// BenchmarkSteps measures what an issuance is made of, one at a time.
func BenchmarkSteps(b *testing.B) {
	issuer, key := newIssuer(b, nil), newKey(b)
	request := csr(b, key)
	usual := profile(b, ca.ProfileConfig{Name: "default"})
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	names := ca.Subject{CommonName: "TH20-SN1", SerialNumber: "SN1", URIs: []string{identity.ExamplePEN.URN("TH20-SN1")}}
	b.Run("parse CSR", func(b *testing.B) {
		for b.Loop() {
			_, err := ca.ParseCertificateRequest(request)
			check(b, err)
		}
	})
	b.Run("decide and sign", func(b *testing.B) {
		for b.Loop() {
			prepared, err := issuer.Prepare(usual, key.Public(), names, nil, now, zero{})
			check(b, err)
			_, err = issuer.Sign(b.Context(), prepared)
			check(b, err)
		}
	})
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }
