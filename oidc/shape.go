package oidc

import (
	"encoding/base64"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

// MaxToken bounds a bearer token, in bytes.
const MaxToken = 16 << 10

// shape is what a token claims of itself before anything is verified: enough to
// choose the provider and the key, and believed for nothing else.
type shape struct {
	algorithm string
	keyID     string // empty for none
	kind      string // typ in lower case, without "application/"; empty for none
	issuer    string
}

// isAccessToken reports whether the token says by RFC 9068, section 2.1, what it
// is. Its issuer signs the header too.
func (s shape) isAccessToken() bool { return s.kind == "at+jwt" }

// parseShape splits a JWT in JWS compact serialisation (RFC 7515, section 7.1),
// or refuses it.
func parseShape(token string) (shape, error) {
	if len(token) > MaxToken {
		return shape{}, refuse("the token is longer than %d bytes", MaxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return shape{}, refuse("the token is not a JWT; opaque and encrypted tokens cannot be verified here, so ask the provider for a JWT access token")
	}
	var header struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Type      string          `json:"typ"`
		Critical  json.RawMessage `json:"crit"`
	}
	var payload struct {
		Issuer string `json:"iss"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &payload) {
		return shape{}, refuse("the token is not a well-formed JWT, or names a member twice")
	}
	if header.Critical != nil {
		// RFC 7515, section 4.1.11: whoever does not know an extension refuses, and no
		// token needs one (RFC 7797, section 7, forbids b64 in a JWT).
		return shape{}, refuse("the token's header calls for an extension (crit), and this server knows none")
	}
	// Media types compare without case, and "application/" may be left out
	// (RFC 7515, section 4.1.9).
	kind := strings.TrimPrefix(strings.ToLower(header.Type), "application/")
	return shape{algorithm: header.Algorithm, keyID: header.KeyID, kind: kind, issuer: payload.Issuer}, nil
}

// decodePart reads a part as go-jose reads JSON: names compare with case, and none
// stands there twice, so that no two readers of a token see different things in it
// (RFC 7515, section 4; RFC 7519, section 4).
func decodePart(part string, into any) bool {
	if strings.ContainsAny(part, "\r\n") {
		return false // which package base64 skips
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}
