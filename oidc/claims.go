package oidc

import (
	"slices"
	"strings"
	"time"
)

// Clocks differ a little between a provider and us. A token that is used at once
// must not be refused for a provider that is ahead; one that expired may live on
// only as long as honest clocks drift.
const (
	expiryLeeway    = 5 * time.Second
	notBeforeLeeway = time.Minute
)

// claims are a token's, after its signature held.
type claims map[string]any

// checkClaims holds what the token says of itself against the provider's
// configuration and the time.
func (p *provider) checkClaims(c claims, s shape, now time.Time) error {
	expiry, ok := c.date("exp")
	if !ok {
		return refuse("the token has no expiry")
	}
	if late := now.Sub(expiry); late >= expiryLeeway {
		return refuse("the token expired %s ago; sign in again", late.Round(time.Second))
	}
	if start, ok := c.date("nbf"); ok {
		if early := start.Sub(now); early > notBeforeLeeway {
			return refuse("the token is not valid for another %s; compare this server's clock with the provider's", early.Round(time.Second))
		}
	}
	if !slices.ContainsFunc(c.texts("aud"), func(a string) bool { return slices.Contains(p.Audiences, a) }) {
		return refuse("the token is for another audience; this server takes %s", strings.Join(p.Audiences, ", "))
	}
	if _, bound := c["cnf"]; bound {
		// RFC 7800: whoever presents it must prove to hold a key, which a bearer
		// cannot.
		return refuse("the token is bound to a key; ask the provider for a bearer token")
	}
	if !p.AcceptIDTokens && c.isIDToken(s) {
		return refuse("this is an ID token; present the access token")
	}
	return nil
}

// isIDToken tells ID tokens from access tokens. Only RFC 9068 marks access
// tokens; elsewhere it goes by what only ID tokens carry (OpenID Connect Core
// 1.0, sections 2 and 3.3.2.11; Keycloak says typ ID), and by an audience that is
// the client itself where no scope says what the token opens.
func (c claims) isIDToken(s shape) bool {
	if s.isAccessToken() {
		return false
	}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash"} {
		if _, carries := c[name]; carries {
			return true
		}
	}
	if c.text("typ") == "ID" {
		return true
	}
	_, scope := c["scope"]
	_, scp := c["scp"]
	client := c.text("azp")
	if client == "" {
		client = c.text("client_id")
	}
	return !scope && !scp && client != "" && slices.Equal(c.texts("aud"), []string{client})
}

func (c claims) text(name string) string {
	text, _ := c[name].(string)
	return text
}

func (c claims) texts(name string) []string { return textsOf(c[name]) }

// textsOf reads the value of a claim that is a text or a list of texts; anything
// else in it is passed over.
func textsOf(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		var texts []string
		for _, item := range value {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	default:
		return nil
	}
}

// date reads a NumericDate (RFC 7519, section 2). One that is no plausible time
// counts as missing.
func (c claims) date(name string) (time.Time, bool) {
	seconds, ok := c[name].(float64)
	if !ok || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}
