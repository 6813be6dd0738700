package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Verifier tells who holds a token. It may be used concurrently.
type Verifier struct {
	providers map[string]*provider // by issuer
	roles     map[string]identity.Role
	clock     func() time.Time
}

// provider is one issuer whose tokens are believed.
type provider struct {
	ProviderConfig
	keys *keySet
}

// New checks c, reports every fault at once, and asks no provider anything yet.
func New(c Config) (*Verifier, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configure sign-in: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{providers: map[string]*provider{}, roles: c.Roles, clock: c.Clock}
	client := carefulClient(c.HTTPClient)
	for _, p := range c.Providers {
		p.setDefaults()
		log := c.Log.With("issuer", p.Issuer)
		v.providers[p.Issuer] = &provider{ProviderConfig: p, keys: newKeySet(p.Issuer, client, c.Clock, log)}
	}
	return v, nil
}

// Verify returns whoever the token was issued to. It refuses, as an
// *enroll.Refusal, with Unauthenticated what is not a JWT access token of a
// configured provider for this server, signed with a key that the provider
// publishes, in its time; and with Unavailable when the provider cannot be asked
// for the key, and did not publish it before. A principal without a configured group is returned, and may do
// nothing.
func (v *Verifier) Verify(ctx context.Context, token string) (identity.Principal, error) {
	shape, err := parseShape(token)
	if err != nil {
		return identity.Principal{}, err
	}
	p, known := v.providers[shape.issuer]
	if !known {
		return identity.Principal{}, refuse("the token's issuer is not configured on this server")
	}
	if err := p.checkHeader(shape); err != nil {
		return identity.Principal{}, err
	}
	claims, err := p.checkSignature(ctx, token, shape)
	if err != nil {
		return identity.Principal{}, err
	}
	if err := p.checkClaims(claims, shape, v.clock()); err != nil {
		return identity.Principal{}, err
	}
	return p.principal(claims, v.roles)
}

// checkHeader refuses what no key needs to be fetched for.
func (p *provider) checkHeader(s shape) error {
	if !slices.Contains(p.Algorithms, s.algorithm) {
		return refuse("the token's signature algorithm is not allowed; this server takes %s", strings.Join(p.Algorithms, ", "))
	}
	switch {
	case s.isAccessToken(), s.kind == "jwt", s.kind == "" && p.AcceptIDTokens:
		return nil
	default:
		return refuse("the token's typ is neither at+jwt (RFC 9068) nor JWT")
	}
}

// checkSignature returns the claims once their signature holds.
func (p *provider) checkSignature(ctx context.Context, token string, s shape) (claims, error) {
	keys, err := p.keys.candidates(ctx, s)
	if err != nil {
		return nil, err
	}
	// Audience and times are judged in checkClaims, with several audiences and a
	// leeway, which go-oidc does not know.
	verifier := gooidc.NewVerifier(p.Issuer, &gooidc.StaticKeySet{PublicKeys: keys}, &gooidc.Config{
		SupportedSigningAlgs: p.Algorithms, SkipClientIDCheck: true, SkipExpiryCheck: true,
	})
	verified, err := verifier.Verify(ctx, token)
	if err != nil {
		return nil, refuse("the token's signature or claims do not hold")
	}
	var c claims
	if err := verified.Claims(&c); err != nil {
		return nil, refuse("the token's claims are malformed")
	}
	return c, nil
}

// refuse says what is wrong with a token. No part of the token may stand in it.
func refuse(format string, args ...any) *enroll.Refusal {
	return enroll.Refuse(enroll.Unauthenticated, format, args...)
}
