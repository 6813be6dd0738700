package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// fetch discovers where the keys are (OpenID Connect Discovery 1.0, section 4)
// and reads them.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	found, err := gooidc.NewProvider(gooidc.ClientContext(ctx, k.client), k.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover: %w", err)
	}
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err := found.Claims(&metadata); err != nil || metadata.Keys == "" {
		return nil, errors.Join(errors.New("discover: the provider names no jwks_uri"), err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metadata.Keys, nil)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", metadata.Keys, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", metadata.Keys, response.Status)
	}
	return parseKeys(body)
}

// Bounds of what a provider may publish. Each key of the bounds' size costs
// whoever sends a token without a key id some hundred microseconds of ours.
const (
	maxKeys    = 100
	leastRSA   = 2048 // bits; RFC 7518, section 3.3
	largestRSA = 8192 // bits
)

// parseKeys reads a JWK set and leaves out what signs nothing for us: unknown
// kinds of key, as RFC 7517, section 5, wants it, secret and encryption keys, RSA
// keys out of bounds, and private keys, which everybody has once they are
// published.
func parseKeys(text []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("the provider's keys are no JWK set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("the provider publishes %d keys; at most %d are read", len(set.Keys), maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.IsPublic() && bounded(key) && maySign(key, raw) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the provider publishes no key that could sign a token")
	}
	return keys, nil
}

func bounded(key jose.JSONWebKey) bool {
	public, isRSA := key.Key.(*rsa.PublicKey)
	return !isRSA || public.N.BitLen() >= leastRSA && public.N.BitLen() <= largestRSA
}

// maySign reports whether a key is said to be for signatures, or for nothing in
// particular (RFC 7517, sections 4.2 and 4.3).
func maySign(key jose.JSONWebKey, raw []byte) bool {
	var purpose struct {
		Operations []string `json:"key_ops"`
	}
	if json.Unmarshal(raw, &purpose) != nil {
		return false
	}
	return (key.Use == "" || key.Use == "sig") && (purpose.Operations == nil || slices.Contains(purpose.Operations, "verify"))
}

// signs reports whether a key is of the kind, and of the curve, that an algorithm
// is for (RFC 7518, section 3.1; RFC 8037, section 3.1), and not said to be for
// another.
func signs(key jose.JSONWebKey, algorithm string) bool {
	if key.Algorithm != "" && key.Algorithm != algorithm {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")
	case *ecdsa.PublicKey:
		curve := map[string]elliptic.Curve{gooidc.ES256: elliptic.P256(), gooidc.ES384: elliptic.P384(), gooidc.ES512: elliptic.P521()}
		return curve[algorithm] == public.Curve
	case ed25519.PublicKey:
		return algorithm == gooidc.EdDSA
	default:
		return false
	}
}
