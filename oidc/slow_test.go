package oidc_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/oidc"
)

// slow is a network on which a provider takes its time.
type slow struct {
	metadata, keys time.Duration // until the answer begins
	drip           time.Duration // for each of its bytes
	set            m             // the keys
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, wait := any(m{"issuer": fuzzIssuer, "jwks_uri": fuzzIssuer + "/keys"}), s.metadata
	if r.URL.Path == "/keys" {
		answer, wait = s.set, s.keys
	}
	if err := pause(r.Context(), wait); err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	body := &dripping{ctx: r.Context(), pause: s.drip, text: strings.NewReader(string(text))}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Body: body, Request: r}, err
}

type dripping struct {
	ctx   context.Context // of the request
	pause time.Duration
	text  io.Reader
}

func (d *dripping) Read(p []byte) (int, error) {
	if err := pause(d.ctx, d.pause); err != nil {
		return 0, err
	}
	return d.text.Read(p[:min(len(p), 1)])
}

func (*dripping) Close() error { return nil }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// changing is a slow network whose pace changes.
type changing struct {
	keys m

	mu  sync.Mutex // guards now
	now slow
}

func (c *changing) set(s slow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = s
}

func (c *changing) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	s := c.now
	c.mu.Unlock()
	s.set = c.keys
	return s.RoundTrip(r)
}

// slowly makes a verifier on the network, and a token of a key that the provider
// publishes.
func slowly(t *testing.T, network *changing) (*oidc.Verifier, string) {
	t.Helper()
	key := newEd25519(t, "ed")
	network.keys = m{"keys": []any{key.jwk()}}
	v, err := oidc.New(oidc.Config{
		Providers:  []oidc.ProviderConfig{{Issuer: fuzzIssuer, Audiences: []string{"touchmark"}}},
		HTTPClient: &http.Client{Transport: network}, Clock: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, key.signed(part(m{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}), part(m{
		"iss": fuzzIssuer, "aud": "touchmark", "sub": "alice", "exp": time.Now().Add(9 * time.Hour).Unix(),
	}))
}

// TestSlowProviders bounds how long anybody waits for a provider, however its
// answers dawdle.
func TestSlowProviders(t *testing.T) {
	const bound = 10 * time.Second
	for name, provider := range map[string]slow{
		"metadata never":             {metadata: time.Hour},
		"keys never":                 {keys: time.Hour},
		"each nearly in time":        {metadata: 9 * time.Second, keys: 9 * time.Second},
		"a byte each second":         {drip: time.Second},
		"a byte each hundredth":      {drip: 100 * time.Millisecond},
		"in time, then byte by byte": {keys: 9 * time.Second, drip: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, token := slowly(t, &changing{now: provider})
				begin := time.Now()
				mustRefuse(t, v, token, enroll.Unavailable)
				if took := time.Since(begin); took > bound {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
	t.Run("slow, but in time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v, token := slowly(t, &changing{now: slow{metadata: 4 * time.Second, keys: 4 * time.Second}})
			mustVerify(t, v, token)
		})
	})
}

// TestSlowProviderHoldsUpNobody has many wait for one answer, each as long as it
// likes, and none queue for an answer of its own.
func TestSlowProviderHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, token := slowly(t, &changing{now: slow{keys: time.Hour}})
		begin := time.Now()
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				if i > 0 {
					time.Sleep(time.Second) // after the one who asks
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%5)*time.Second)
				defer cancel()
				if _, err := v.Verify(ctx, token); enroll.AsRefusal(err).Code != enroll.Unavailable {
					t.Errorf("got %v", err)
				}
				if took := time.Since(begin); i > 0 && took > 6*time.Second {
					t.Errorf("one who waits for 5s at most took %s", took)
				}
			})
		}
		callers.Wait()
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestOldKeysBridgeASlowProvider has one caller ask for keys that are due, and the
// others go on with those that are known.
func TestOldKeysBridgeASlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &changing{}
		v, token := slowly(t, network)
		mustVerify(t, v, token)
		network.set(slow{keys: time.Hour})
		time.Sleep(2 * time.Hour)
		var callers sync.WaitGroup
		var waited int
		var mu sync.Mutex // guards waited
		for range 50 {
			callers.Go(func() {
				begin := time.Now()
				mustVerify(t, v, token)
				if time.Since(begin) > 0 {
					mu.Lock()
					defer mu.Unlock()
					waited++
				}
			})
		}
		callers.Wait()
		if waited != 1 {
			t.Errorf("%d of 50 waited", waited)
		}
	})
}
