package oidc_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// TestClaimPaths finds groups and subject wherever providers put them.
func TestClaimPaths(t *testing.T) {
	p := startProvider(t)
	key := newEd25519(t, "ed")
	p.publish(key)
	nested := m{"groups": nil, "realm_access": m{"roles": []string{"line"}}}
	for name, c := range map[string]struct {
		claim  string
		claims m
		want   []string
	}{
		"Keycloak's realm":              {"realm_access.roles", nested, []string{"line"}},
		"Keycloak's realm, by pointer":  {"/realm_access/roles", nested, []string{"line"}},
		"Keycloak's client":             {"/resource_access/my.client/roles", m{"resource_access": m{"my.client": m{"roles": []string{"line"}}}}, []string{"line"}},
		"Auth0":                         {"https://example.com/groups", m{"https://example.com/groups": []string{"line"}}, []string{"line"}},
		"Auth0, by pointer":             {"/https:~1~1example.com~1groups", m{"https://example.com/groups": []string{"line"}}, []string{"line"}},
		"Cognito":                       {"cognito:groups", m{"cognito:groups": []string{"line"}}, []string{"line"}},
		"a tilde and a slash":           {"/~01/~1", m{"~1": m{"/": "line"}}, []string{"line"}},
		"a name goes before a path":     {"a.b", m{"a.b": []string{"name"}, "a": m{"b": []string{"path"}}}, []string{"name"}},
		"even if it lists nothing":      {"a.b", m{"a.b": []string{}, "a": m{"b": []string{"path"}}}, nil},
		"a pointer is never a name":     {"/a/b", m{"/a/b": []string{"name"}, "a": m{"b": []string{"path"}}}, []string{"path"}},
		"a pointer has no dots":         {"/a.b", m{"a": m{"b": []string{"path"}}}, nil},
		"a name that is no path":        {"a..b", m{"a": m{"": m{"b": []string{"path"}}}}, nil},
		"a path that ends in an object": {"realm_access", nested, nil},
		"a path through a list":         {"/groups/0", m{"groups": []any{[]string{"line"}}}, nil},
		"a path through a text":         {"groups.line", m{"groups": "line"}, nil},
		"a path to nowhere":             {"x.y.z", nested, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := verifierOf(t, p, func(c2 *oidc.ProviderConfig) { c2.GroupsClaim = c.claim })
			who, err := v.Verify(t.Context(), p.token(key, nil, c.claims))
			if err != nil || !slices.Equal(who.Groups, c.want) {
				t.Errorf("%s lists %q, %v, want %q", c.claim, who.Groups, err, c.want)
			}
		})
	}
	for claim, claims := range map[string]m{
		"oid": {"oid": "0815"}, "/user/id": {"user": m{"id": "0815"}}, "user.id": {"user": m{"id": "0815"}}, "https://example.com/id": {"https://example.com/id": "0815"},
	} {
		v, _ := verifierOf(t, p, func(c *oidc.ProviderConfig) { c.SubjectClaim = claim })
		if who, err := v.Verify(t.Context(), p.token(key, nil, claims)); err != nil || who.Subject != "0815" {
			t.Errorf("%s names %q, %v", claim, who.Subject, err)
		}
		_, err := v.Verify(t.Context(), p.token(key, nil, nil))
		if err == nil || !strings.Contains(err.Error(), "the token's "+claim+" claim") {
			t.Errorf("without %s: %v", claim, err)
		}
	}
}

// TestGroups takes what a token names, whether a role is configured for it or not.
func TestGroups(t *testing.T) {
	p := startProvider(t)
	key := newEd25519(t, "ed")
	p.publish(key)
	v, _ := verifierOf(t, p, nil)
	admin := []identity.Grant{{Role: identity.Admin, Fleet: identity.RootFleet}}
	longest := strings.Repeat("g", oidc.MaxGroup)
	for name, c := range map[string]struct {
		groups any
		want   []string
		grants []identity.Grant
	}{
		"none":                      {[]string{}, nil, nil},
		"sorted, each once":         {[]string{"b", "pki-admins", "a", "b"}, []string{"a", "b", "pki-admins"}, admin},
		"as the provider names it":  {[]string{"/Staff/PKI Admins", "0b9f-11", "ä"}, []string{"/Staff/PKI Admins", "0b9f-11", "ä"}, nil},
		"as long as may be":         {[]string{longest}, []string{longest}, nil},
		"passed over: too long":     {[]string{longest + "g", "a"}, []string{"a"}, nil},
		"passed over: not printed":  {[]string{"pki-admins\n", "pki-admins\u200b", "\u202esnimda-ikp", "a"}, []string{"a"}, nil},
		"passed over: no name":      {[]any{"", nil, 7, m{"name": "pki-admins"}, []string{"pki-admins"}, "a"}, []string{"a"}, nil},
		"as many as may be":         {numbered(oidc.MaxGroups), sorted(numbered(oidc.MaxGroups)), admin},
		"many, but often the same":  {slices.Concat(numbered(300), numbered(300)), sorted(numbered(300)), admin},
		"in capitals it is another": {[]string{"PKI-Admins"}, []string{"PKI-Admins"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := v.Verify(t.Context(), p.token(key, nil, m{"groups": c.groups, "Groups": []string{"line"}}))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(who.Groups, c.want) || !reflect.DeepEqual(who.Grants, c.grants) {
				t.Errorf("got %q, %v", who.Groups, who.Grants)
			}
		})
	}
}

func sorted(groups []string) []string {
	slices.Sort(groups)
	return groups
}

// TestAppRolesOutliveTooManyGroups is the way out that a refusal names: roles that
// Entra sends whole, though it leaves out the groups.
func TestAppRolesOutliveTooManyGroups(t *testing.T) {
	p := startProvider(t)
	key := newEd25519(t, "ed")
	p.publish(key)
	v, _ := verifierOf(t, p, func(c *oidc.ProviderConfig) { c.GroupsClaim, c.SubjectClaim = "roles", "oid" })
	who, err := v.Verify(t.Context(), p.token(key, nil, m{
		"oid": "0815", "roles": []string{"line"}, "groups": nil, "hasgroups": true,
		"_claim_names": m{"groups": "src1"}, "_claim_sources": m{"src1": m{"endpoint": "https://graph.example.com"}},
	}))
	if err != nil || !slices.Equal(who.Groups, []string{"line"}) {
		t.Errorf("got %+v, %v", who, err)
	}
}

// TestHeadersThatNameKeysAreIgnored takes a good token for what it is, and asks
// nobody whom its header names.
func TestHeadersThatNameKeysAreIgnored(t *testing.T) {
	h := startHostile(t, newKeyring(t), false, nil)
	for name, header := range map[string]m{
		"jwk": {"jwk": h.foreign.jwk()}, "jku": {"jku": h.elsewhere.URL}, "x5u": {"x5u": h.elsewhere.URL},
	} {
		if _, err := h.verifier.Verify(t.Context(), h.provider.token(h.rsa, header, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if strayed := h.strayed.Load(); strayed > 0 {
		t.Errorf("a server elsewhere was asked %d times", strayed)
	}
}
