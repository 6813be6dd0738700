package oidc_test

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

type m = map[string]any

func TestVerifyTellsWhoCalls(t *testing.T) {
	p := startProvider(t)
	rsaKey, ecKey, edKey := newRSA(t, "rsa"), newP256(t, "ec"), newEd25519(t, "ed")
	p.publish(rsaKey, ecKey, edKey)
	v, _ := verifierOf(t, p, nil)
	admin := []identity.Grant{{Role: identity.Admin, Fleet: identity.RootFleet}}
	station := identity.Grant{Role: identity.Station, Fleet: identity.RootFleet}
	alice := identity.Principal{Kind: identity.OIDC, Issuer: p.URL, Subject: "alice", Groups: []string{"pki-admins"}, Name: "cli", Grants: admin}
	named := alice
	named.Name = "Alice A."
	both := alice
	both.Groups, both.Grants = []string{"line", "pki-admins", "x"}, []identity.Grant{station, admin[0]}
	nobody := alice
	nobody.Groups, nobody.Grants = nil, nil
	inGroup := nobody
	inGroup.Groups = []string{"break-glass"}
	for name, c := range map[string]struct {
		token string
		want  identity.Principal
	}{
		"RFC 9068":                  {p.token(rsaKey, nil, nil), alice},
		"ES256":                     {p.token(ecKey, nil, nil), alice},
		"EdDSA":                     {p.token(edKey, nil, nil), alice},
		"typ JWT":                   {p.token(rsaKey, m{"typ": "JWT"}, nil), alice},
		"typ as media type":         {p.token(rsaKey, m{"typ": "application/AT+jwt"}, nil), alice},
		"no kid":                    {p.token(ecKey, m{"kid": nil}, nil), alice},
		"name":                      {p.token(rsaKey, nil, m{"name": "Alice A."}), named},
		"name that would split":     {p.token(rsaKey, nil, m{"name": "Alice\nroot"}), alice},
		"name that turns around":    {p.token(rsaKey, nil, m{"name": "\u202etoor"}), alice},
		"several groups":            {p.token(rsaKey, nil, m{"groups": []string{"line", "x", "pki-admins", "line"}}), both},
		"one group as text":         {p.token(rsaKey, nil, m{"groups": "pki-admins"}), alice},
		"no groups":                 {p.token(rsaKey, nil, m{"groups": nil}), nobody},
		"groups of another kind":    {p.token(rsaKey, nil, m{"groups": []any{1, nil, m{}}}), nobody},
		"several audiences":         {p.token(rsaKey, nil, m{"aud": []string{"other", "touchmark"}}), alice},
		"just expired":              {p.token(rsaKey, nil, m{"exp": now.Add(-4 * time.Second).Unix()}), alice},
		"provider's clock ahead":    {p.token(rsaKey, nil, m{"nbf": now.Add(50 * time.Second).Unix()}), alice},
		"RFC 9068 with ID claims":   {p.token(rsaKey, nil, m{"nonce": "n"}), alice},
		"own client with scope":     {p.token(rsaKey, m{"typ": "JWT"}, m{"client_id": "touchmark", "scope": "api"}), withName(alice, "touchmark")},
		"break-glass is no subject": {p.token(rsaKey, nil, m{"groups": "break-glass"}), inGroup},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), c.token)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func withName(p identity.Principal, name string) identity.Principal {
	p.Name = name
	return p
}

func TestVerifyTakesIDTokensByOption(t *testing.T) {
	p := startProvider(t)
	key := newRSA(t, "1")
	p.publish(key)
	v, _ := verifierOf(t, p, func(c *oidc.ProviderConfig) {
		c.AcceptIDTokens, c.Audiences, c.GroupsClaim, c.SubjectClaim = true, []string{"console"}, "https://example.com/roles", "oid"
	})
	who, err := v.Verify(t.Context(), p.token(key, m{"typ": nil}, m{
		"aud": "console", "nonce": "n", "groups": nil, "https://example.com/roles": []string{"line"}, "oid": "0815",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if who.Subject != "0815" || len(who.Grants) != 1 || who.Grants[0].Role != identity.Station {
		t.Errorf("got %+v", who)
	}
}

func TestKeyRotation(t *testing.T) {
	p := startProvider(t)
	first, second := newRSA(t, "1"), newRSA(t, "2")
	p.publish(first)
	v, at := verifierOf(t, p, nil)
	mustVerify(t, v, p.token(first, nil, nil))
	p.publish(second)
	mustVerify(t, v, p.token(second, nil, nil))
	mustRefuse(t, v, p.token(first, nil, nil), enroll.Unauthenticated)

	p.publish(first)
	at.add(2 * time.Hour)
	mustRefuse(t, v, p.token(second, nil, m{"exp": now.Add(9 * time.Hour).Unix()}), enroll.Unauthenticated)
}

func TestInventedKeysDoNotHammerTheProvider(t *testing.T) {
	p := startProvider(t)
	key := newRSA(t, "1")
	p.publish(key)
	v, at := verifierOf(t, p, nil)
	mustVerify(t, v, p.token(key, nil, nil))
	invented := p.token(signingKey{"invented", key.signer}, nil, nil)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { mustRefuse(t, v, invented, enroll.Unauthenticated) })
	}
	callers.Wait()
	if asked := p.asked.Load(); asked > 5 {
		t.Errorf("the provider was asked %d times for 50 tokens with an invented key", asked)
	}
	mustVerify(t, v, p.token(key, nil, nil))

	rotated := newRSA(t, "2")
	p.publish(rotated)
	at.add(time.Minute)
	mustVerify(t, v, p.token(rotated, nil, nil))
}

func TestOutage(t *testing.T) {
	p := startProvider(t)
	key := newRSA(t, "1")
	p.publish(key)
	v, at := verifierOf(t, p, nil)
	long := p.token(key, nil, m{"exp": now.Add(100 * time.Hour).Unix()})

	p.setDown(true)
	mustRefuse(t, v, long, enroll.Unavailable)
	p.setDown(false)
	at.add(10 * time.Second)
	mustVerify(t, v, long)

	p.setDown(true)
	at.add(50 * time.Hour)
	mustVerify(t, v, long)
	unseen := p.token(signingKey{"2", key.signer}, nil, m{"exp": now.Add(100 * time.Hour).Unix()})
	for range 10 { // more than may be asked at once
		mustRefuse(t, v, unseen, enroll.Unavailable)
	}
	p.setDown(false)
	at.add(time.Minute)
	mustRefuse(t, v, unseen, enroll.Unauthenticated)
}

func mustVerify(t *testing.T, v *oidc.Verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func mustRefuse(t *testing.T, v *oidc.Verifier, token string, want enroll.Code) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	var refusal *enroll.Refusal
	if !errors.As(err, &refusal) || refusal.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if want == enroll.Unavailable && refusal != nil && refusal.RetryAfter <= 0 {
		t.Error("does not say when to try again")
	}
}
