package oidc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

func TestNewReportsEveryFault(t *testing.T) {
	good := oidc.ProviderConfig{Issuer: "https://login.example.com", Audiences: []string{"touchmark"}}
	_, err := oidc.New(oidc.Config{
		Providers: []oidc.ProviderConfig{
			good, good,
			{Issuer: "http://login.example.com", Audiences: []string{""}},
			{Issuer: "ftp://localhost", Audiences: []string{"a"}, Algorithms: []string{"none", "HS256"}},
			{Issuer: "https://login.example.com?tenant=1", Audiences: []string{"a"}},
			{},
			{Issuer: "https://login.example.com/#", Audiences: []string{"a"}, GroupsClaim: "/a~b", SubjectClaim: "/a//b"},
			{
				Issuer: "https://login.example.org", Audiences: []string{"a"}, GroupsClaim: strings.Repeat("g", 257), SubjectClaim: "email",
				Roles: map[string]identity.Role{"c": "root", "": identity.Admin, "d\n": identity.Admin},
			},
		},
		Roles: map[string]identity.Role{"a": "root", "b": identity.BreakGlassRole, "": identity.Admin},
	})
	if err == nil {
		t.Fatal("took it")
	}
	for _, word := range []string{
		"no clock", "providers[1].issuer", "providers[2].issuer", "providers[2].audience", "providers[3].issuer",
		`"none"`, `"HS256"`, "providers[4].issuer", "providers[5].issuer", "providers[5].audience", "\nroles.a", "\nroles.b", "\nroles: a group has no name",
		"providers[6].issuer", "providers[6].groups_claim", "providers[6].subject_claim", "providers[7].groups_claim", "providers[7].subject_claim",
		"providers[7].roles.c", "providers[7].roles: a group has no name", "providers[7].roles: the group \"d\\n\"",
	} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("does not name %s:\n%v", word, err)
		}
	}
}

func TestNewTakesLoopbackProvidersThatAreDown(t *testing.T) {
	for _, issuer := range []string{"http://127.0.0.1:1", "http://[::1]:1/realm", "http://localhost:1", "https://login.example.com/"} {
		_, err := oidc.New(oidc.Config{
			Providers: []oidc.ProviderConfig{{Issuer: issuer, Audiences: []string{"touchmark"}}}, Clock: time.Now,
		})
		if err != nil {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

// TestSubjectsThatPassOn refuses claims that become somebody else's, in whatever
// form they are written.
func TestSubjectsThatPassOn(t *testing.T) {
	configured := func(claim string) error {
		_, err := oidc.New(oidc.Config{
			Providers: []oidc.ProviderConfig{{Issuer: "https://login.example.com", Audiences: []string{"touchmark"}, SubjectClaim: claim}}, Clock: time.Now,
		})
		return err
	}
	for _, claim := range []string{
		"email", "preferred_username", "upn", "unique_name", "nickname", "name", "Email", "emails", "mail",
		"/email", "user.email", "/user/email", "https://example.com/email", "/https:~1~1example.com~1email",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "cognito:email",
	} {
		err := configured(claim)
		if err == nil || !strings.Contains(err.Error(), "oidc.providers[0].subject_claim: ") || !strings.Contains(err.Error(), "somebody else's") {
			t.Errorf("%s: %v", claim, err)
		}
	}
	for _, claim := range []string{"", "sub", "oid", "https://example.com/id", "/email/id", "email_id", "cognito:username"} {
		if err := configured(claim); err != nil {
			t.Errorf("%s: %v", claim, err)
		}
	}
}
