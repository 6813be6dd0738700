package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

// provider is an OpenID Connect provider whose one person is signed in as soon as
// they are asked to sign in. Its access tokens last a second, so that each
// command after that has to refresh; each refresh token works once.
type provider struct {
	*httptest.Server
	signer jose.Signer
	keys   jose.JSONWebKeySet

	mu      sync.Mutex // guards what follows
	refresh int        // the number of the refresh token that is good; 0 for none
	ended   bool       // no refresh token is good
	group   string     // that the person is in
}

// provide starts a provider, and sets ISSUER to it. With "end" it ends the
// sign-in of the one that runs; with "group" it puts the person into another; with
// "token" it writes an access token of somebody, in groups, into a file.
func provide(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case neg || len(args) > 0 && args[0] != "end" && (args[0] != "group" || len(args) != 2) && (args[0] != "token" || len(args) < 3):
		ts.Fatalf("usage: provider [end | group NAME | token FILE SUBJECT GROUP...]")
	case len(args) > 0 && args[0] == "token":
		query := url.Values{"sub": {args[2]}, "groups": args[3:]}
		answer, err := http.Post(ts.Getenv("ISSUER")+"/someone?"+query.Encode(), "", nil)
		ts.Check(err)
		token, err := io.ReadAll(answer.Body)
		ts.Check(errors.Join(err, answer.Body.Close(), os.WriteFile(ts.MkAbs(args[1]), token, 0o600)))
		return
	case len(args) > 0:
		answer, err := http.Post(ts.Getenv("ISSUER")+"/"+strings.Join(args, "/"), "", nil)
		ts.Check(err)
		ts.Check(answer.Body.Close())
		return
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	ts.Check(err)
	p := &provider{group: "touchmark-auditors", keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "1", Algorithm: "EdDSA", Use: "sig"}}}}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: "1"}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	ts.Check(err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		say(w, map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/keys", "token_endpoint": p.URL + "/token",
			"device_authorization_endpoint": p.URL + "/device",
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { say(w, p.keys) })
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, _ *http.Request) {
		say(w, map[string]any{
			"device_code": "dc", "user_code": "ABCD-EFGH", "verification_uri": p.URL + "/activate", "expires_in": 60, "interval": 1,
		})
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /someone", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		fmt.Fprint(w, p.access(query.Get("sub"), query.Get("sub"), "touchmark-cli", query["groups"], "someone-"+query.Get("sub")))
	})
	mux.HandleFunc("POST /end", func(http.ResponseWriter, *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended = true
	})
	mux.HandleFunc("POST /group/{name}", func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.group = r.PathValue("name")
	})
	p.Server = httptest.NewServer(mux)
	ts.Defer(p.Close)
	ts.Setenv("ISSUER", p.URL)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.FormValue("grant_type") == "refresh_token" && (p.ended || r.FormValue("refresh_token") != fmt.Sprint("rt", p.refresh)) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "invalid_grant"}`)
		return
	}
	p.refresh++
	p.ended = false
	access := p.access("ida", "Ida Auditor", r.FormValue("client_id"), []string{p.group}, fmt.Sprint(p.refresh))
	say(w, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 1, "refresh_token": fmt.Sprint("rt", p.refresh),
	})
}

// access makes an access token, which is good for five minutes.
func (p *provider) access(subject, name, client string, groups []string, id string) string {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.URL, "sub": subject, "aud": "touchmark", "client_id": client, "name": name,
		"groups": groups, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": id,
	})
	if err != nil {
		panic(err)
	}
	signed, err := p.signer.Sign(claims)
	if err != nil {
		panic(err)
	}
	access, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return access
}

func say(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}
