package oidc_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

const npmProvider = "../certs-test/oidc-provider"

// startNPM starts the real provider that the demo uses too and returns its
// issuer.
func startNPM(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(npmProvider + "/node_modules/oidc-provider"); err != nil {
		t.Fatalf("the npm provider is not installed (%v); run scripts/setup", err)
	}
	server := exec.Command("node", "server.mjs")
	server.Dir = npmProvider
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
	var ready struct{ Issuer string }
	if err != nil || json.Unmarshal([]byte(line), &ready) != nil || ready.Issuer == "" {
		t.Fatalf("the npm provider said %q, %v", line, err)
	}
	return ready.Issuer
}

func TestRealProvider(t *testing.T) {
	issuer := startNPM(t)
	v, err := oidc.New(oidc.Config{
		Providers: []oidc.ProviderConfig{{Issuer: issuer, Audiences: []string{"touchmark"}}},
		Roles:     map[string]identity.Role{"touchmark-admins": identity.Admin, "touchmark-stations": identity.Station},
		Clock:     time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	admin := []identity.Grant{{Role: identity.Admin, Fleet: identity.RootFleet}}

	t.Run("services", func(t *testing.T) {
		for service, want := range map[string][]identity.Grant{
			"alice-admin": admin,
			"station-1":   {{Role: identity.Station, Fleet: identity.RootFleet}},
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

	t.Run("person", func(t *testing.T) {
		c := oidc.LoginConfig{Issuer: issuer, ClientID: "touchmark-cli", Prompt: func(_, complete, _ string) {
			approve := exec.Command("node", "approve.mjs", complete, "alice")
			approve.Dir = npmProvider
			if out, err := approve.CombinedOutput(); err != nil {
				t.Errorf("approve: %v\n%s", err, out)
			}
		}}
		token, err := oidc.Login(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		checkAlice(t, v, token, admin)
		if _, err := v.Verify(t.Context(), token.ID); token.ID == "" || err == nil {
			t.Error("took an ID token, or got none to try")
		}
		token, err = oidc.Refresh(t.Context(), c, token.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		checkAlice(t, v, token, admin)
	})
}

func checkAlice(t *testing.T, v *oidc.Verifier, token oidc.Token, want []identity.Grant) {
	t.Helper()
	who, err := v.Verify(t.Context(), token.Access)
	if err != nil {
		t.Fatal(err)
	}
	if who.Subject != "alice" || !reflect.DeepEqual(who.Grants, want) {
		t.Errorf("alice is %+v", who)
	}
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
