package enroll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
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

// errGone is what becomes of a request whose caller went away, or closed its side of
// the connection, while the key had not had long to sign.
func errGone() error {
	return fmt.Errorf("the caller gave the request up before its certificate was signed: %w", context.Canceled)
}

// errNoKeyNow is what a caller is told when the key does not sign.
func errNoKeyNow() error {
	return &Refusal{Code: Unavailable, Message: "the issuing key cannot be used just now; try again", RetryAfter: 5 * time.Second}
}

// do signs what was prepared, once there is a place for it.
func (g *signing) do(ctx context.Context, issuer *ca.Issuer, prepared *ca.Prepared) (*ca.Signed, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return nil, g.givenUp(ctx, began)
	}
	sign := g.apart
	if issuer.HasKeyInMemory() {
		sign = g.here
	}
	signed, err := sign(ctx, issuer, prepared)
	switch {
	case errors.Is(err, ca.ErrNoSignature): // before the contexts', which it may hold
		return nil, fmt.Errorf("%w: %w", errNoKeyNow(), err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, g.givenUp(ctx, began)
	}
	return signed, err
}

// givenUp says why a signature was not waited for any longer: the key is to blame
// where the caller waited for half of the longest time, and left or not.
func (g *signing) givenUp(ctx context.Context, began time.Time) error {
	if errors.Is(ctx.Err(), context.Canceled) && time.Since(began) < g.wait/2 {
		return errGone()
	}
	return errSlowKey()
}

// here signs with a key that takes processor time and never waits: a goroutine
// for it would cost a twelfth of the whole issuance in growing its stack.
func (g *signing) here(ctx context.Context, issuer *ca.Issuer, prepared *ca.Prepared) (*ca.Signed, error) {
	defer func() { <-g.places }()
	return issuer.Sign(ctx, prepared)
}

// apart signs with a key that may hang: then it keeps its place, not its caller.
func (g *signing) apart(ctx context.Context, issuer *ca.Issuer, prepared *ca.Prepared) (*ca.Signed, error) {
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
		return out.signed, out.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sign makes the certificate that was decided, outside any transaction.
func (s *Service) sign(ctx context.Context, p *plan, request *opened) (signed *ca.Signed, err error) {
	done := s.watch(StepSign)
	defer func() { done(err) }()
	id := p.device.ID
	names := []string{s.pen.URN(id)}
	if owner := p.namedOwner(); owner != "" {
		urn, err := identity.PersonURN(owner)
		if err != nil {
			return nil, err
		}
		names = append(names, urn)
	}
	prepared, err := s.prepare(p.issuer, p.profile, request.public, ca.Subject{
		CommonName:   string(id),
		SerialNumber: string(id.SerialNumber()),
		URIs:         names,
	}, s.clock.look().Earliest)
	if err != nil {
		return nil, err
	}
	signed, err = s.signing.do(ctx, p.issuer, prepared)
	if errors.Is(err, context.Canceled) && !errors.Is(err, ca.ErrNoSignature) {
		s.log.DebugContext(ctx, "nothing was issued", "request", RequestID(ctx), "error", err)
	}
	return signed, err
}
