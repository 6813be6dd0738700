package oidc_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/oidc"
)

const fuzzIssuer = "https://login.example.com"

// published is a network on which the provider of fuzzIssuer publishes this text
// as its keys; empty for one that reaches nobody.
type published string

func (p published) RoundTrip(r *http.Request) (*http.Response, error) {
	if p == "" {
		return nil, errors.New("unplugged")
	}
	text := string(p)
	if r.URL.Path != "/keys" {
		text = `{"issuer": "` + fuzzIssuer + `", "jwks_uri": "` + fuzzIssuer + `/keys"}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text)),
	}, nil
}

// fuzzVerifier believes the provider of fuzzIssuer.
func fuzzVerifier(keys string, claim string) (*oidc.Verifier, error) {
	return oidc.New(oidc.Config{
		Providers:  []oidc.ProviderConfig{{Issuer: fuzzIssuer, Audiences: []string{"touchmark"}, GroupsClaim: claim}},
		HTTPClient: &http.Client{Transport: published(keys)},
		Clock:      func() time.Time { return now },
	})
}

func FuzzVerify(f *testing.F) {
	v, err := fuzzVerifier("", "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("a.b.c")
	f.Add(part(m{"alg": "none"}) + "." + part(m{"iss": fuzzIssuer}) + ".")
	f.Add(part(m{"alg": "RS256", "typ": "JWT"}) + "." + part(m{"iss": fuzzIssuer}) + ".AA")
	f.Add(part(m{"alg": "RS256", "typ": "JWT"}) + "." + part(m{"iss": "https://evil.example.com"}) + ".AA")
	f.Add(part(m{"alg": "RS256", "typ": "JWT", "crit": []string{"b64"}}) + "." + part(m{"iss": fuzzIssuer}) + ".AA")
	f.Add(b64([]byte(`{"alg":"RS256","alg":"none"}`)) + "." + part(m{"iss": fuzzIssuer}) + ".AA")
	f.Fuzz(func(t *testing.T, token string) {
		who, err := v.Verify(t.Context(), token)
		var refusal *enroll.Refusal
		if !errors.As(err, &refusal) {
			t.Errorf("got %+v and error %v for a token that nobody signed", who, err)
		}
	})
}

// FuzzClaims signs any claims at all, and holds whoever comes of them to what a
// principal is.
func FuzzClaims(f *testing.F) {
	key := newEd25519(f, "ed")
	keys := `{"keys": [` + string(decoded(part(key.jwk()))) + `]}`
	rest := `"iss":"` + fuzzIssuer + `","aud":"touchmark","exp":4000000000}`
	for _, claims := range []string{
		`{"sub":"alice","groups":["a","b","a"],`, `{"sub":"alice","realm_access":{"roles":["a"]},`, `{"sub":"alice","groups":{"groups":"a"},`,
		`{"sub":"alice","_claim_names":{"groups":"src1"},`, `{"sub":"alice","hasgroups":true,`, `{"sub":"alice","groups":"src1","_claim_sources":{"src1":{}},`,
		`{"sub":"alice","sub":"bob",`, `{"sub":"a@b.example","email":"A@B.example",`, `{"sub":7,`, `{"sub":"alice","groups":[null,7,{},["a"],""],`, `[`,
	} {
		f.Add([]byte(claims+rest), "groups")
		f.Add([]byte(claims+rest), "/realm_access/roles")
		f.Add([]byte(claims+rest), "realm_access.roles")
	}
	f.Add([]byte(`{"sub":"alice","a/b":{"~":["x"]},`+rest), "/a~1b/~0")
	f.Fuzz(func(t *testing.T, claims []byte, claim string) {
		v, err := fuzzVerifier(keys, claim)
		if err != nil {
			return // no claim; the error says so
		}
		who, err := v.Verify(t.Context(), key.signed(part(m{"alg": "EdDSA", "typ": "at+jwt"}), b64(claims)))
		var refusal *enroll.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Code != enroll.Unauthenticated {
				t.Errorf("error %v", err)
			}
			return
		}
		switch {
		case who.Issuer != fuzzIssuer || who.Subject == "" || len(who.Subject) > 255 || !utf8.ValidString(who.Subject):
			t.Errorf("subject %q of %q", who.Subject, who.Issuer)
		case len(who.Groups) > oidc.MaxGroups || !slices.IsSorted(who.Groups) || len(slices.Compact(slices.Clone(who.Groups))) != len(who.Groups):
			t.Errorf("groups %q", who.Groups)
		case slices.ContainsFunc(who.Groups, func(g string) bool {
			return g == "" || len(g) > oidc.MaxGroup || strings.ContainsAny(g, "\n\x00\u202e")
		}):
			t.Errorf("groups %q", who.Groups)
		}
	})
}

// FuzzClaimPath writes names as a JSON Pointer, which must lead to the claim that
// they name, whatever they are.
func FuzzClaimPath(f *testing.F) {
	key := newEd25519(f, "ed")
	keys := `{"keys": [` + string(decoded(part(key.jwk()))) + `]}`
	f.Add("realm_access", "roles")
	f.Add("https://example.com/groups", "a.b")
	f.Add("~1", "~0/~")
	f.Add("_claim_names", "x")
	f.Add("\xca", "\x9a")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, outer, inner string) {
		claims := m{outer: m{inner: []string{"found"}}}
		maps.Copy(claims, m{"iss": fuzzIssuer, "aud": "touchmark", "exp": now.Add(time.Hour).Unix(), "sub": "alice"})
		if _, ours := claims[outer].(m); !ours || !utf8.ValidString(outer) || !utf8.ValidString(inner) || outer == "_claim_names" || outer == "cnf" {
			return // it means something by itself, or is no JSON
		}
		escape := strings.NewReplacer("~", "~0", "/", "~1")
		pointer := "/" + escape.Replace(outer) + "/" + escape.Replace(inner)
		v, err := fuzzVerifier(keys, pointer)
		if err != nil {
			return // too long, empty or not to be printed; the error says so
		}
		who, err := v.Verify(t.Context(), key.signed(part(m{"alg": "EdDSA", "typ": "at+jwt"}), part(claims)))
		if err != nil || !slices.Equal(who.Groups, []string{"found"}) {
			t.Errorf("%q leads to %q, %v", pointer, who.Groups, err)
		}
	})
}

// FuzzKeys has the provider publish any text at all beside a key. A token that
// another key signed is refused; one that it signed is not, whatever value stands
// beside it.
func FuzzKeys(f *testing.F) {
	key, foreign := newEd25519(f, "ed"), newEd25519(f, "ed")
	good := decoded(part(key.jwk()))
	claims := part(m{"iss": fuzzIssuer, "aud": "touchmark", "exp": now.Add(time.Hour).Unix(), "sub": "alice"})
	forged := foreign.signed(part(m{"alg": "EdDSA", "typ": "at+jwt"}), claims)
	genuine := key.signed(part(m{"alg": "EdDSA", "typ": "at+jwt"}), claims)
	f.Add(good)
	f.Add([]byte(`{"kty":"oct","k":"AAAA"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA","key_ops":["verify"]}`))
	f.Add([]byte(`7], "keys": [`))
	f.Fuzz(func(t *testing.T, other []byte) {
		v, err := fuzzVerifier(`{"keys": [`+string(other)+`,`+string(good)+`]}`, "")
		if err != nil {
			t.Fatal(err)
		}
		var refusal *enroll.Refusal
		if who, err := v.Verify(t.Context(), forged); !errors.As(err, &refusal) {
			t.Errorf("got %+v and error %v for a token that nobody signed", who, err)
		}
		_, err = v.Verify(t.Context(), genuine)
		if err != nil && (json.Valid(other) || !errors.As(err, &refusal)) {
			t.Errorf("error %v", err)
		}
	})
}
