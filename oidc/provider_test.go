package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// provider is a small OpenID Connect provider that can be told to misbehave.
type provider struct {
	*httptest.Server
	asked atomic.Int32 // for its keys

	mu        sync.Mutex // guards the rest
	keys      []map[string]any
	metadata  map[string]any   // on top of the usual
	serveKeys http.HandlerFunc // instead of keys; nil for those
	down      bool
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	return start(t, httptest.NewServer)
}

func start(t *testing.T, serve func(http.Handler) *httptest.Server) *provider {
	t.Helper()
	p := &provider{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		metadata := map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/keys", "token_endpoint": p.URL + "/token",
			"device_authorization_endpoint": p.URL + "/device",
		}
		p.mu.Lock()
		maps.Copy(metadata, p.metadata)
		p.mu.Unlock()
		p.answer(w, metadata)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		p.mu.Lock()
		keys, serve := p.keys, p.serveKeys
		p.mu.Unlock()
		if serve != nil {
			serve(w, r)
			return
		}
		p.answer(w, map[string]any{"keys": keys})
	})
	p.Server = serve(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}

func (p *provider) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *provider) publish(keys ...signingKey) {
	var set []map[string]any
	for _, k := range keys {
		set = append(set, k.jwk())
	}
	p.publishSet(set...)
}

// publishSet publishes whatever it is given.
func (p *provider) publishSet(keys ...map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

// signingKey signs tokens by hand, so that they may be wrong in any way.
type signingKey struct {
	id     string
	signer crypto.Signer
}

func newRSA(t testing.TB, id string) signingKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{id, key}
}

func newP256(t testing.TB, id string) signingKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{id, key}
}

func newEd25519(t testing.TB, id string) signingKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{id, key}
}

func (k signingKey) jwk() map[string]any {
	switch public := k.signer.Public().(type) {
	case *rsa.PublicKey:
		return map[string]any{
			"kty": "RSA", "kid": k.id, "use": "sig", "alg": "RS256",
			"n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes()),
		}
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err)
		}
		return map[string]any{"kty": "EC", "kid": k.id, "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "kid": k.id, "crv": "Ed25519", "x": b64(public)}
	default:
		panic("unknown key")
	}
}

func (k signingKey) sign(input string) []byte {
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch key := k.signer.(type) {
	case *ecdsa.PrivateKey:
		r, s, signErr := ecdsa.Sign(rand.Reader, key, digest[:])
		err = signErr
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	default:
		signature, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	if err != nil {
		panic(err)
	}
	return signature
}

func (k signingKey) algorithm() string {
	switch k.signer.(type) {
	case *rsa.PrivateKey:
		return "RS256"
	case *ecdsa.PrivateKey:
		return "ES256"
	default:
		return "EdDSA"
	}
}

func b64(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64(text)
}

func decoded(part string) []byte {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		panic(err)
	}
	return text
}

// token signs claims, on top of what every good token carries, with a header on
// top of the usual one. A nil value leaves a member out.
func (p *provider) token(k signingKey, header, claims map[string]any) string {
	h := map[string]any{"alg": k.algorithm(), "kid": k.id, "typ": "at+jwt"}
	c := map[string]any{
		"iss": p.URL, "sub": "alice", "aud": "touchmark", "groups": []string{"pki-admins"},
		"exp": now.Add(2 * time.Hour).Unix(), "iat": now.Unix(), "client_id": "cli",
	}
	maps.Copy(h, header)
	maps.Copy(c, claims)
	maps.DeleteFunc(h, func(_ string, v any) bool { return v == nil })
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return k.signed(part(h), part(c))
}

// signed signs a header and claims that are encoded already.
func (k signingKey) signed(header, claims string) string {
	input := header + "." + claims
	return input + "." + b64(k.sign(input))
}

var now = time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// verifierOf makes a verifier of p's tokens, after change had its way.
func verifierOf(t *testing.T, p *provider, change func(*oidc.ProviderConfig)) (*oidc.Verifier, *clock) {
	t.Helper()
	config := oidc.ProviderConfig{Issuer: p.URL, Audiences: []string{"touchmark"}}
	if change != nil {
		change(&config)
	}
	at := &clock{now: now}
	v, err := oidc.New(oidc.Config{
		Providers: []oidc.ProviderConfig{config}, Clock: at.Now,
		Roles: map[string]identity.Role{"pki-admins": identity.Admin, "line": identity.Station},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, at
}
