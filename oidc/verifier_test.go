package oidc_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"reflect"
	"strings"
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
	alice := identity.Principal{Kind: identity.OIDC, Issuer: p.URL, Subject: "alice", Name: "cli", Grants: admin}
	named := alice
	named.Name = "Alice A."
	both := alice
	both.Grants = []identity.Grant{station, admin[0]}
	nobody := alice
	nobody.Grants = nil
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
		"break-glass is no subject": {p.token(rsaKey, nil, m{"groups": "break-glass"}), nobody},
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

func TestVerifyRefuses(t *testing.T) {
	p := startProvider(t)
	key, other := newRSA(t, "rsa"), newRSA(t, "rsa")
	p.publish(key)
	v, _ := verifierOf(t, p, nil)
	good := p.token(key, nil, nil)
	parts := strings.Split(good, ".")
	public, err := x509.MarshalPKIXPublicKey(key.signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	hs256 := part(m{"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}) + "." + parts[1]
	for name, c := range map[string]struct{ token, word string }{
		"empty":                  {"", "not a JWT"},
		"opaque":                 {"2YotnFZFEjr1zCsicMWpAA", "opaque"},
		"encrypted":              {good + ".x.y", "encrypted"},
		"huge":                   {good + strings.Repeat("A", oidc.MaxToken), "longer than"},
		"no base64":              {"{}." + parts[1] + "." + parts[2], "well-formed"},
		"no JSON":                {b64([]byte("x")) + "." + parts[1] + "." + parts[2], "well-formed"},
		"alg none":               {part(m{"alg": "none", "typ": "JWT"}) + "." + parts[1] + ".", "algorithm"},
		"alg none, signed":       {part(m{"alg": "none", "typ": "JWT"}) + "." + parts[1] + "." + parts[2], "algorithm"},
		"HS256 with public PEM":  {forge(hs256, publicPEM), "algorithm"},
		"HS256 with public DER":  {forge(hs256, public), "algorithm"},
		"alg not allowed":        {p.token(key, m{"alg": "RS512"}, nil), "algorithm"},
		"alg of another key":     {p.token(key, m{"alg": "ES256"}, nil), "publish"},
		"unknown critical":       {p.token(key, m{"crit": []string{"x"}, "x": 1}, nil), "hold"},
		"key in the header":      {p.token(other, m{"jwk": other.jwk()}, nil), "hold"},
		"signature of other key": {p.token(other, nil, nil), "hold"},
		"no signature":           {parts[0] + "." + parts[1] + ".", "hold"},
		"payload exchanged":      {parts[0] + "." + strings.Split(p.token(key, nil, m{"sub": "eve"}), ".")[1] + "." + parts[2], "hold"},
		"unknown issuer":         {p.token(key, nil, m{"iss": "https://evil.example"}), "issuer"},
		"issuer with slash":      {p.token(key, nil, m{"iss": p.URL + "/"}), "issuer"},
		"no issuer":              {p.token(key, nil, m{"iss": nil}), "issuer"},
		"other audience":         {p.token(key, nil, m{"aud": "other"}), "another audience"},
		"audience a prefix":      {p.token(key, nil, m{"aud": []string{"touch", "touchmark2"}}), "another audience"},
		"no audience":            {p.token(key, nil, m{"aud": nil}), "another audience"},
		"expired":                {p.token(key, nil, m{"exp": now.Add(-3 * time.Minute).Unix()}), "expired 3m0s ago"},
		"no expiry":              {p.token(key, nil, m{"exp": nil}), "no expiry"},
		"expiry out of reach":    {p.token(key, nil, m{"exp": 1e300}), "no expiry"},
		"not yet valid":          {p.token(key, nil, m{"nbf": now.Add(5 * time.Minute).Unix()}), "not valid for another 5m0s"},
		"no typ":                 {p.token(key, m{"typ": nil}, nil), "typ"},
		"logout token":           {p.token(key, m{"typ": "logout+jwt"}, nil), "typ"},
		"DPoP proof":             {p.token(key, m{"typ": "dpop+jwt"}, nil), "typ"},
		"bound to a key":         {p.token(key, nil, m{"cnf": m{"jkt": "x"}}), "bound"},
		"ID token by nonce":      {p.token(key, m{"typ": "JWT"}, m{"nonce": "n"}), "ID token"},
		"ID token by at_hash":    {p.token(key, m{"typ": "JWT"}, m{"at_hash": "h"}), "ID token"},
		"ID token of Keycloak":   {p.token(key, m{"typ": "JWT"}, m{"typ": "ID"}), "ID token"},
		"ID token by audience":   {p.token(key, m{"typ": "JWT"}, m{"azp": "touchmark"}), "ID token"},
		"no subject":             {p.token(key, nil, m{"sub": nil}), "sub claim"},
		"subject that splits":    {p.token(key, nil, m{"sub": "a\nb"}), "sub claim"},
		"subject turns around":   {p.token(key, nil, m{"sub": "alice\u202etoor"}), "printable"},
		"subject not seen":       {p.token(key, nil, m{"sub": "alice\u200b"}), "printable"},
		"subject too long":       {p.token(key, nil, m{"sub": strings.Repeat("a", 256)}), "sub claim"},
		"subject no text":        {p.token(key, nil, m{"sub": 7}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := v.Verify(t.Context(), c.token)
			var refusal *enroll.Refusal
			if !errors.As(err, &refusal) || refusal.Code != enroll.Unauthenticated {
				t.Fatalf("got %+v and error %v, want %s", who, err, enroll.Unauthenticated)
			}
			if !strings.Contains(refusal.Message, c.word) {
				t.Errorf("message %q does not speak of %q", refusal.Message, c.word)
			}
			for echoed := range strings.SplitSeq(c.token, ".") {
				if len(echoed) > 8 && strings.Contains(refusal.Message, echoed) {
					t.Errorf("message %q echoes the token", refusal.Message)
				}
			}
		})
	}
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

// unplugged is a network that reaches nobody.
type unplugged struct{}

func (unplugged) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("unplugged")
}

func FuzzVerify(f *testing.F) {
	v, err := oidc.New(oidc.Config{
		Providers:  []oidc.ProviderConfig{{Issuer: "https://login.example.com", Audiences: []string{"touchmark"}}},
		HTTPClient: &http.Client{Transport: unplugged{}},
		Clock:      func() time.Time { return now },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("a.b.c")
	f.Add(part(m{"alg": "none"}) + "." + part(m{"iss": "https://login.example.com"}) + ".")
	f.Add(part(m{"alg": "RS256", "typ": "JWT"}) + "." + part(m{"iss": "https://login.example.com"}) + ".AA")
	f.Add(part(m{"alg": "RS256", "typ": "JWT"}) + "." + part(m{"iss": "https://evil.example.com"}) + ".AA")
	f.Fuzz(func(t *testing.T, token string) {
		who, err := v.Verify(t.Context(), token)
		var refusal *enroll.Refusal
		if !errors.As(err, &refusal) {
			t.Errorf("got %+v and error %v for a token that nobody signed", who, err)
		}
	})
}
