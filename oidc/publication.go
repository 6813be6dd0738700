package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

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

// parseKeys reads a JWK set and leaves out what signs nothing for us: unknown
// kinds of key, as RFC 7517, section 5, wants it, and secret or encryption keys.
func parseKeys(text []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("the provider's keys are no JWK set: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the provider publishes no key that could sign a token")
	}
	return keys, nil
}
