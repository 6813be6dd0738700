package oidc_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/oidc"
)

// An attack is a token that is not to be believed, with what its provider does to
// have it believed, and what its bearer is told.
type attack struct {
	name  string
	token func(*hostile) string
	text  string
	// code is Unauthenticated unless the provider's keys cannot be had.
	code enroll.Code
	// tls has the provider speak TLS.
	tls bool
	// idToken is for what a server takes by option.
	idToken bool
}

// attacks are all there are.
func attacks() []attack {
	return slices.Concat(signatureAttacks(), shapeAttacks(), claimAttacks(), duplicateAttacks(), groupAttacks(), mixUps(), keyAttacks(), redirectAttacks())
}

// keyring are the keys of all hostile providers, which take a while to make.
type keyring struct {
	rsa     signingKey // published, for RS256
	ec      signingKey // published, for no algorithm in particular
	foreign signingKey // not published
	partner signingKey // published by the partner's provider alone
}

func newKeyring(t *testing.T) keyring {
	t.Helper()
	return keyring{newRSA(t, "rsa"), newP256(t, "ec"), newRSA(t, "foreign"), newRSA(t, "partner")}
}

// hostile is a provider that is believed and should not be, beside that of a
// partner, with a server that is to be believed nothing.
type hostile struct {
	*provider
	keyring
	other     *provider // the partner's
	elsewhere *httptest.Server
	strayed   atomic.Int32 // requests elsewhere
	written   atomic.Int64 // bytes of endless answers
	verifier  *oidc.Verifier
	at        *clock
}

func startHostile(t *testing.T, ring keyring, tls bool, change func(*oidc.ProviderConfig)) *hostile {
	t.Helper()
	h := &hostile{keyring: ring, other: startProvider(t), at: &clock{now: now}}
	h.provider = start(t, httptest.NewServer)
	if tls {
		h.provider = start(t, httptest.NewTLSServer)
	}
	h.publish(ring.rsa, ring.ec)
	h.other.publish(ring.partner)
	h.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h.strayed.Add(1)
		_ = json.NewEncoder(w).Encode(m{"keys": []any{ring.foreign.jwk()}})
	}))
	t.Cleanup(h.elsewhere.Close)
	config := oidc.ProviderConfig{Issuer: h.URL, Audiences: []string{"touchmark"}}
	if change != nil {
		change(&config)
	}
	var err error
	h.verifier, err = oidc.New(oidc.Config{
		Providers:  []oidc.ProviderConfig{config, {Issuer: h.other.URL, Audiences: []string{"touchmark"}}},
		Roles:      map[string]identity.Role{"pki-admins": identity.Admin},
		HTTPClient: &http.Client{Transport: h.Client().Transport, Timeout: time.Minute}, Clock: h.at.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// good is a token that is to be believed.
func (h *hostile) good() string { return h.provider.token(h.rsa, nil, nil) }

// lie publishes keys beside the good ones.
func (h *hostile) lie(keys ...map[string]any) {
	h.publishSet(append(keys, h.rsa.jwk(), h.ec.jwk())...)
}

// serve has the provider answer for its keys by itself.
func (h *hostile) serve(keys http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serveKeys = keys
}

// say changes the provider's metadata.
func (h *hostile) say(metadata m) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.provider.metadata = metadata
}

// mustFail holds an attack to a refusal, which is told without a word of the token.
func mustFail(t *testing.T, h *hostile, a attack) *enroll.Refusal {
	t.Helper()
	token := a.token(h)
	who, err := h.verifier.Verify(t.Context(), token)
	var refusal *enroll.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %+v and error %v", who, err)
	}
	if who.Kind != identity.Anonymous || who.ID() != "" || who.Grants != nil || who.Groups != nil {
		t.Errorf("beside the refusal there is %+v", who)
	}
	for echoed := range strings.SplitSeq(token, ".") {
		if len(echoed) > 8 && strings.Contains(refusal.Message, echoed) {
			t.Errorf("message %q echoes the token", refusal.Message)
		}
	}
	if strayed := h.strayed.Load(); strayed > 0 {
		t.Errorf("a server elsewhere was asked %d times", strayed)
	}
	if written := h.written.Load(); written > 32<<20 {
		t.Errorf("%d bytes of an endless answer were taken", written)
	}
	return refusal
}

// TestVerifyRefuses holds every attack to its exact refusal.
func TestVerifyRefuses(t *testing.T) {
	ring := newKeyring(t)
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			refusal := mustFail(t, startHostile(t, ring, a.tls, nil), a)
			code := enroll.Unauthenticated
			if a.code != "" {
				code = a.code
			}
			if refusal.Code != code || refusal.Message != a.text {
				t.Errorf("refused as %s: %s\nwant %s: %s", refusal.Code, refusal.Message, code, a.text)
			}
			if wait := refusal.RetryAfter > 0; wait != (code == enroll.Unavailable) {
				t.Errorf("%s, try again after %s", code, refusal.RetryAfter)
			}
		})
	}
}

// TestNoAttackYieldsAPrincipal tries every attack on every kind of verifier, after
// each of which a good token has to be worth what it was.
func TestNoAttackYieldsAPrincipal(t *testing.T) {
	ring := newKeyring(t)
	for _, w := range []struct {
		name   string
		change func(*oidc.ProviderConfig)
		before time.Duration // since the keys were fetched; negative for never
		open   bool          // takes ID tokens
	}{
		{name: "that knows no keys yet", before: -1},
		{name: "that knows the keys", before: 0},
		{name: "that knows old keys", before: 70 * time.Minute},
		{name: "that takes everything", before: 0, open: true, change: func(c *oidc.ProviderConfig) {
			c.AcceptIDTokens = true
			c.Algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
		}},
		{name: "with paths for claims", before: 0, change: func(c *oidc.ProviderConfig) {
			c.GroupsClaim, c.SubjectClaim = "/groups", "/sub"
		}},
	} {
		for _, a := range attacks() {
			if a.idToken && w.open {
				continue
			}
			t.Run(w.name+"/"+a.name, func(t *testing.T) {
				h := startHostile(t, ring, a.tls, w.change)
				good := h.good()
				if w.before >= 0 {
					mustVerify(t, h.verifier, good)
					h.at.add(w.before)
				}
				if refusal := mustFail(t, h, a); refusal.Message == "" {
					t.Error("no word of why")
				}
				h.serve(nil)
				h.say(nil)
				h.lie()
				h.at.add(time.Minute)
				mustVerify(t, h.verifier, good)
			})
		}
	}
}

// publicForms are the forms in which the provider's public key may be taken for a
// shared secret.
func publicForms(k signingKey) map[string][]byte {
	der, err := x509.MarshalPKIXPublicKey(k.signer.Public())
	if err != nil {
		panic(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return map[string][]byte{
		"PEM": block, "PEM without its last newline": []byte(strings.TrimSpace(string(block))),
		"DER": der, "JWK": decoded(part(k.jwk())), "the modulus": decoded(k.jwk()["n"].(string)),
	}
}

// elsewhereCertificate is a certificate of a key that signed no token.
func (h *hostile) elsewhereCertificate() []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, h.ec.signer.Public(), h.ec.signer)
	if err != nil {
		panic(err)
	}
	return certificate
}
