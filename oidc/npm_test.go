package oidc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

const npmProvider = "../certs-test/oidc-provider"

// npm is what a real provider says of itself.
type npm struct {
	Issuer string
	Port   int
}

// startNPM starts the real provider that the demo uses too, and returns its issuer.
func startNPM(t *testing.T) string {
	t.Helper()
	return startNPMWith(t).Issuer
}

// startNPMWith starts it with variables of server.mjs.
func startNPMWith(t *testing.T, variables ...string) npm {
	t.Helper()
	if _, err := os.Stat(npmProvider + "/node_modules/oidc-provider"); err != nil {
		t.Fatalf("the npm provider is not installed (%v); run scripts/setup", err)
	}
	server := exec.Command("node", "server.mjs")
	server.Dir = npmProvider
	server.Env = append(os.Environ(), variables...)
	server.Stderr = t.Output()
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("start the npm provider: %v; run scripts/setup", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	var ready npm
	if err != nil || json.Unmarshal([]byte(line), &ready) != nil || ready.Issuer == "" {
		t.Fatalf("the npm provider said %q, %v", line, err)
	}
	return ready
}

// npmVerifier believes real providers.
func npmVerifier(t *testing.T, providers ...oidc.ProviderConfig) *oidc.Verifier {
	t.Helper()
	for i := range providers {
		providers[i].Audiences = []string{"touchmark"}
	}
	v, err := oidc.New(oidc.Config{
		Providers: providers,
		Roles:     map[string]identity.Role{"touchmark-admins": identity.Admin, "touchmark-stations": identity.Station},
		Clock:     time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func onRoot(role identity.Role) []identity.Grant {
	return []identity.Grant{{Role: role, Fleet: identity.RootFleet}}
}

// cli signs in as the command line does; the browser is approve.mjs with this
// argument.
func cli(t *testing.T, issuer, person string) oidc.LoginConfig {
	return oidc.LoginConfig{Issuer: issuer, ClientID: "touchmark-cli", Prompt: func(_, complete, _ string) {
		approve := exec.Command("node", "approve.mjs", complete, person)
		approve.Dir = npmProvider
		if out, err := approve.CombinedOutput(); err != nil {
			t.Errorf("approve: %v\n%s", err, out)
		}
	}}
}

func TestRealProvider(t *testing.T) {
	issuer := startNPM(t)
	v := npmVerifier(t, oidc.ProviderConfig{Issuer: issuer})

	t.Run("services", func(t *testing.T) {
		for service, want := range map[string][]identity.Grant{
			"alice-admin": onRoot(identity.Admin),
			"station-1":   onRoot(identity.Station),
			"nobody":      nil,
		} {
			who, err := v.Verify(t.Context(), serviceToken(t, issuer, service))
			if err != nil {
				t.Fatalf("%s: %v", service, err)
			}
			if who.ID() != "oidc:"+issuer+"#"+service || !reflect.DeepEqual(who.Grants, want) {
				t.Errorf("%s is %+v", service, who)
			}
		}
	})

	t.Run("groups wherever they are", func(t *testing.T) {
		for _, claim := range []string{"groups", "realm_access.roles", "/realm_access/roles", "https://example.com/groups"} {
			v := npmVerifier(t, oidc.ProviderConfig{Issuer: issuer, GroupsClaim: claim})
			for service, want := range map[string][]string{"sam-security": {"touchmark-security"}, "nobody": nil} {
				who, err := v.Verify(t.Context(), serviceToken(t, issuer, service))
				if err != nil || !slices.Equal(who.Groups, want) || who.Grants != nil {
					t.Errorf("by %s %s is %+v, %v", claim, service, who, err)
				}
			}
		}
	})

	t.Run("person", func(t *testing.T) {
		c := cli(t, issuer, "alice")
		token, err := oidc.Login(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		checkAlice(t, v, token)
		if _, err := v.Verify(t.Context(), token.ID); token.ID == "" || err == nil {
			t.Error("took an ID token, or got none to try")
		}
		if _, err := v.Verify(t.Context(), token.Refresh); enroll.AsRefusal(err).Code != enroll.Unauthenticated {
			t.Errorf("a refresh token: %v", err)
		}
		rotate(t, v, c, token)
	})

	t.Run("person who says no", func(t *testing.T) {
		_, err := oidc.Login(t.Context(), cli(t, issuer, "--deny"))
		if !errors.Is(err, oidc.ErrSignInAgain) || !strings.Contains(err.Error(), "said no") {
			t.Errorf("got %v", err)
		}
	})

	t.Run("client that may not", func(t *testing.T) {
		c := cli(t, issuer, "alice")
		c.ClientID = "touchmark-console"
		if _, err := oidc.Login(t.Context(), c); err == nil || errors.Is(err, oidc.ErrSignInAgain) {
			t.Errorf("got %v", err)
		}
	})
}

// rotate refreshes, which replaces the refresh token; whoever uses the old one once
// more ends the sign-in for everybody.
func rotate(t *testing.T, v *oidc.Verifier, c oidc.LoginConfig, first oidc.Token) {
	t.Helper()
	second, err := oidc.Refresh(t.Context(), c, first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	checkAlice(t, v, second)
	third, err := oidc.Refresh(t.Context(), c, second.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	checkAlice(t, v, third)
	if first.Refresh == second.Refresh || second.Refresh == third.Refresh {
		t.Error("the refresh token was not replaced")
	}
	if _, err := oidc.Refresh(t.Context(), c, first.Refresh); !errors.Is(err, oidc.ErrSignInAgain) {
		t.Errorf("the first refresh token, used again: %v", err)
	}
	if _, err := oidc.Refresh(t.Context(), c, third.Refresh); !errors.Is(err, oidc.ErrSignInAgain) {
		t.Errorf("the last refresh token, after one was used twice: %v", err)
	}
}

func checkAlice(t *testing.T, v *oidc.Verifier, token oidc.Token) {
	t.Helper()
	who, err := v.Verify(t.Context(), token.Access)
	if err != nil {
		t.Fatal(err)
	}
	if who.Subject != "alice" || !slices.Equal(who.Groups, []string{"touchmark-admins"}) || !reflect.DeepEqual(who.Grants, onRoot(identity.Admin)) {
		t.Errorf("alice is %+v", who)
	}
}

// TestTwoRealProviders has a partner's provider beside ours, with people and groups
// of the same names, and one that says it were ours.
func TestTwoRealProviders(t *testing.T) {
	ours, partners := startNPM(t), startNPM(t)
	v := npmVerifier(t,
		oidc.ProviderConfig{Issuer: ours},
		oidc.ProviderConfig{Issuer: partners, Roles: map[string]identity.Role{"touchmark-admins": identity.Auditor}},
	)
	us, err := v.Verify(t.Context(), serviceToken(t, ours, "alice-admin"))
	if err != nil {
		t.Fatal(err)
	}
	them, err := v.Verify(t.Context(), serviceToken(t, partners, "alice-admin"))
	if err != nil {
		t.Fatal(err)
	}
	if us.Subject != them.Subject || us.ID() != "oidc:"+ours+"#alice-admin" || them.ID() != "oidc:"+partners+"#alice-admin" {
		t.Errorf("%s and %s are %s and %s", us.Subject, them.Subject, us.ID(), them.ID())
	}
	if !slices.Equal(us.Groups, them.Groups) || !reflect.DeepEqual(us.Grants, onRoot(identity.Admin)) || !reflect.DeepEqual(them.Grants, onRoot(identity.Auditor)) {
		t.Errorf("in %q and %q they have %v and %v", us.Groups, them.Groups, us.Grants, them.Grants)
	}

	for name, c := range map[string]struct {
		verifier *oidc.Verifier
		token    string
		text     string
	}{
		"one provider's token where the other is configured": {npmVerifier(t, oidc.ProviderConfig{Issuer: ours}), serviceToken(t, partners, "alice-admin"), noIssuer},
		"one provider's token with the other's issuer":       {v, renamed(t, serviceToken(t, partners, "alice-admin"), ours), noKey},
		"a provider that says it were the other":             {v, imposter(t, ours), noKey},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := c.verifier.Verify(t.Context(), c.token)
			if refusal := enroll.AsRefusal(err); refusal.Code != enroll.Unauthenticated || refusal.Message != c.text {
				t.Errorf("got %+v, %v", who, err)
			}
		})
	}
}

// renamed is a token with another issuer, and the signature that it had.
func renamed(t *testing.T, token, issuer string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	var claims m
	if err := json.Unmarshal(decoded(parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	claims["iss"] = issuer
	return parts[0] + "." + part(claims) + "." + parts[2]
}

// imposter starts a provider that calls itself by another one's issuer, and returns
// a token of it.
func imposter(t *testing.T, issuer string) string {
	t.Helper()
	return serviceToken(t, fmt.Sprintf("http://127.0.0.1:%d", startNPMWith(t, "ISSUER="+issuer).Port), "alice-admin")
}

// serviceToken fetches a token for a service by client credentials (RFC 6749,
// section 4.4).
func serviceToken(t *testing.T, issuer, service string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(service, service+"-secret")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("%s got no token: %s, %v", service, response.Status, err)
	}
	return answer.Token
}
