package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/oidc"
)

// deviceFlow is a provider's device authorization endpoint, and a token endpoint
// that gives the answers in turn.
type deviceFlow struct {
	*httptest.Server
	asked   url.Values // what the device endpoint was asked
	redeem  []url.Values
	answers []string
}

func startDeviceFlow(t *testing.T, device string, answers ...string) *deviceFlow {
	t.Helper()
	f := &deviceFlow{answers: answers}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(m{
			"issuer": f.URL, "jwks_uri": f.URL + "/keys", "token_endpoint": f.URL + "/token",
			"device_authorization_endpoint": f.URL + "/device",
		})
	})
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.asked = r.PostForm
		fmt.Fprint(w, device)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.redeem = append(f.redeem, r.PostForm)
		answer := f.answers[min(len(f.redeem), len(f.answers))-1]
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(answer, `"error"`) {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, answer)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

const (
	deviceCode = `{"device_code": "dc", "user_code": "ABCD-EFGH", "verification_uri": "https://x/device",
		"verification_uri_complete": "https://x/device?user_code=ABCD-EFGH", "expires_in": 600, "interval": 1}`
	pending = `{"error": "authorization_pending"}`
	signed  = `{"access_token": "at", "token_type": "Bearer", "refresh_token": "rt", "id_token": "it", "expires_in": 3600}`
)

func TestLogin(t *testing.T) {
	f := startDeviceFlow(t, deviceCode, pending, signed)
	var prompted []string
	token, err := oidc.Login(t.Context(), oidc.LoginConfig{
		Issuer: f.URL, ClientID: "cli", Audience: "touchmark", Resource: "urn:touchmark:api",
		Prompt: func(uri, complete, code string) { prompted = []string{uri, complete, code} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if token.Access != "at" || token.Refresh != "rt" || token.ID != "it" || token.Expiry.IsZero() {
		t.Error("not the token that the provider sent")
	}
	if len(prompted) != 3 || prompted[0] != "https://x/device" || prompted[1] == "" || prompted[2] != "ABCD-EFGH" {
		t.Errorf("prompted %q", prompted)
	}
	if f.asked.Get("client_id") != "cli" || f.asked.Get("scope") != "openid offline_access" ||
		f.asked.Get("audience") != "touchmark" || f.asked.Get("resource") != "urn:touchmark:api" {
		t.Errorf("asked for %v", f.asked)
	}
	if f.redeem[1].Get("device_code") != "dc" {
		t.Errorf("redeemed %v", f.redeem[1])
	}
	for _, printed := range []string{fmt.Sprint(token), fmt.Sprintf("%+v", token), fmt.Sprintf("%#v", token)} {
		if printed != "REDACTED" {
			t.Errorf("prints as %q", printed)
		}
	}
}

func TestLoginFails(t *testing.T) {
	for name, c := range map[string]struct {
		device, answer, word string
		again                bool
	}{
		"denied":                {deviceCode, `{"error": "access_denied"}`, "no", true},
		"expired":               {deviceCode, `{"error": "expired_token"}`, "expired", true},
		"expires while pending": {strings.Replace(deviceCode, "600", "2", 1), pending, "expired", true},
		"other error":           {deviceCode, `{"error": "invalid_client", "error_description": "who?"}`, "who?", false},
		"incomplete":            {`{"device_code": "dc", "interval": -7}`, signed, "incomplete", false},
		"interval from hell":    {strings.Replace(deviceCode, `"interval": 1`, `"interval": -9`, 1), `{"error": "access_denied"}`, "no", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startDeviceFlow(t, c.device, c.answer)
			_, err := oidc.Login(t.Context(), oidc.LoginConfig{Issuer: f.URL, ClientID: "cli", Prompt: func(_, _, _ string) {}})
			if err == nil || !strings.Contains(err.Error(), c.word) || errors.Is(err, oidc.ErrSignInAgain) != c.again {
				t.Errorf("got %v, want %q, sign in again %v", err, c.word, c.again)
			}
		})
	}
}

func TestLoginEndsWithItsContext(t *testing.T) {
	f := startDeviceFlow(t, deviceCode, pending)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := oidc.Login(ctx, oidc.LoginConfig{Issuer: f.URL, ClientID: "cli", Prompt: func(_, _, _ string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLoginSpeaksToOthersByTLSOnly(t *testing.T) {
	_, err := oidc.Login(t.Context(), oidc.LoginConfig{Issuer: "http://login.example.com", ClientID: "cli", Prompt: func(_, _, _ string) {}})
	if err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("got %v", err)
	}
}

func TestRefresh(t *testing.T) {
	f := startDeviceFlow(t, deviceCode, `{"access_token": "at2", "token_type": "Bearer"}`, `{"error": "invalid_grant"}`)
	c := oidc.LoginConfig{Issuer: f.URL, ClientID: "cli"}
	token, err := oidc.Refresh(t.Context(), c, "rt")
	if err != nil {
		t.Fatal(err)
	}
	if token.Access != "at2" || token.Refresh != "rt" {
		t.Error("lost the refresh token, or not the new access token")
	}
	if sent := f.redeem[0]; sent.Get("grant_type") != "refresh_token" || sent.Get("refresh_token") != "rt" || sent.Get("client_id") != "cli" {
		t.Errorf("sent %v", sent)
	}
	if _, err := oidc.Refresh(t.Context(), c, "rt"); !errors.Is(err, oidc.ErrSignInAgain) {
		t.Errorf("got %v", err)
	}
	if _, err := oidc.Refresh(t.Context(), c, ""); !errors.Is(err, oidc.ErrSignInAgain) {
		t.Errorf("got %v", err)
	}
}
