package oidc

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Verifier tells who holds a token. It may be used concurrently.
type Verifier struct {
	providers map[string]*provider // by issuer
	clock     func() time.Time
	client    *http.Client // as it was configured
}

// provider is one issuer whose tokens are believed.
type provider struct {
	ProviderConfig
	subject, groups claimPath
	roles           map[string]identity.Role // of its groups
	keys            *keySet
}

// New checks c, reports every fault at once, and asks no provider anything yet.
func New(c Config) (*Verifier, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configure sign-in: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{providers: map[string]*provider{}, clock: c.Clock, client: c.HTTPClient}
	for _, p := range c.Providers {
		v.providers[p.Issuer] = newProvider(c, p)
	}
	return v, nil
}

// newProvider makes what a valid configuration says.
func newProvider(c Config, config ProviderConfig) *provider {
	config.setDefaults()
	p := &provider{ProviderConfig: config, roles: c.rolesAt(config)}
	p.subject, _ = parseClaimPath(config.SubjectClaim) // validated
	p.groups, _ = parseClaimPath(config.GroupsClaim)
	client := carefulClient(c.HTTPClient, config.Issuer)
	p.keys = newKeySet(config.Issuer, client, c.Clock, c.Log.With("issuer", config.Issuer))
	return p
}

// rolesAt returns what the groups of a provider may do.
func (c Config) rolesAt(p ProviderConfig) map[string]identity.Role {
	if p.Roles != nil {
		return maps.Clone(p.Roles)
	}
	return maps.Clone(c.Roles)
}

// Verify returns whoever the token was issued to. It refuses, as an
// *enroll.Refusal, with Unauthenticated what is not a JWT access token of a
// configured provider for this server, signed with a key that the provider
// publishes, in its time; and with Unavailable when the provider cannot be asked
// for the key, and did not publish it before. A principal without a configured
// group is returned, and may do nothing; one whose groups cannot be known, because
// the token leaves them out or names more than MaxGroups, is refused.
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
	return p.principal(claims)
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
	payload, verified := checkedBy(keys, token, s)
	if !verified {
		return nil, refuse("the token's signature does not hold")
	}
	// As in decodePart. go-oidc's verifier is not used, because it reads claims
	// otherwise: without case, and the last of several with one name.
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil || c.text("iss") != p.Issuer {
		return nil, refuse("the token's claims are malformed, or one stands there twice")
	}
	return c, nil
}

// checkedBy returns what the token carries, if one of the keys signed it with the
// algorithm that it names.
func checkedBy(keys []crypto.PublicKey, token string, s shape) (payload []byte, verified bool) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm)})
	if err != nil {
		return nil, false
	}
	for _, key := range keys {
		if payload, err := signed.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// refuse says what is wrong with a token. No part of the token may stand in it.
func refuse(format string, args ...any) *enroll.Refusal {
	return enroll.Refuse(enroll.Unauthenticated, format, args...)
}
