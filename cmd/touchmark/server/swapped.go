package server

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

type standingFunc = func(issuer string, groups []string) []identity.Grant

// swapped is a handler in whose place another can be put while it serves. Requests
// that are under way finish where they began.
type swapped struct{ current atomic.Pointer[http.Handler] }

func (s *swapped) set(h http.Handler) { s.current.Store(&h) }

// ServeHTTP implements http.Handler.
func (s *swapped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.current.Load()).ServeHTTP(w, r)
}

// tokens is a rest.Tokens in whose place another can be put likewise.
type tokens struct{ current atomic.Pointer[oidc.Verifier] }

func newTokens(v *oidc.Verifier) *tokens {
	t := &tokens{}
	t.current.Store(v)
	return t
}

// Verify implements rest.Tokens.
func (t *tokens) Verify(ctx context.Context, token string) (identity.Principal, error) {
	return t.current.Load().Verify(ctx, token)
}
