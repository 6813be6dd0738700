package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// signing bounds the signatures in flight, so that a slow or hung key (an HSM, a
// cloud's KMS) holds up a bounded number of requests, for a bounded time.
type signing struct {
	places chan struct{}
	wait   time.Duration
}

func newSigning(limits Limits) *signing {
	return &signing{places: make(chan struct{}, limits.Signatures), wait: limits.SignatureWait}
}

// errSlowKey is what a caller is told when the key does not answer in time.
func errSlowKey() error {
	return &Refusal{Code: Unavailable, Message: "the issuing key does not answer in time; try again", RetryAfter: 5 * time.Second}
}

// do signs what was prepared. A key that hangs keeps its place, not its caller.
func (g *signing) do(ctx context.Context, issuer *ca.Issuer, prepared *ca.Prepared) (*ca.Signed, error) {
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return nil, errSlowKey()
	}
	type outcome struct {
		signed *ca.Signed
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() { <-g.places }()
		signed, err := issuer.Sign(ctx, prepared)
		done <- outcome{signed, err}
	}()
	select {
	case out := <-done:
		if errors.Is(out.err, context.DeadlineExceeded) || errors.Is(out.err, context.Canceled) {
			return nil, errSlowKey()
		}
		return out.signed, out.err
	case <-ctx.Done():
		return nil, errSlowKey()
	}
}

// sign makes the certificate that was decided, outside any transaction.
func (s *Service) sign(ctx context.Context, p *plan, request *opened) (signed *ca.Signed, err error) {
	done := s.watch(StepSign)
	defer func() { done(err) }()
	id := p.device.ID
	prepared, err := s.prepare(p.issuer, p.profile, request.csr.PublicKey(), ca.Subject{
		CommonName:   string(id),
		SerialNumber: string(id.SerialNumber()),
		URIs:         []string{s.pen.URN(id)},
	})
	if err != nil {
		return nil, err
	}
	return s.signing.do(ctx, p.issuer, prepared)
}
