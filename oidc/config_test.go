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
		},
		Roles: map[string]identity.Role{"a": "root", "b": identity.BreakGlassRole, "": identity.Admin},
	})
	if err == nil {
		t.Fatal("took it")
	}
	for _, word := range []string{
		"no clock", "providers[1].issuer", "providers[2].issuer", "providers[2].audience", "providers[3].issuer",
		`"none"`, `"HS256"`, "providers[4].issuer", "providers[5].issuer", "providers[5].audience", "roles.a", "roles.b", "no name",
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
