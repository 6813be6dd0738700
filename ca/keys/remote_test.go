package keys_test

import (
	"context"
	"crypto"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/touchmark/touchmark/ca/keys"
	certstest "github.com/touchmark/touchmark/certs-test"
)

var (
	errAway  = errors.New("CKR_DEVICE_REMOVED")
	errStale = errors.New("CKR_SESSION_HANDLE_INVALID")
)

// hsm is a token that goes away, comes back, is slow and is full, as a test says.
type hsm struct {
	mu      sync.Mutex // guards the rest
	key     crypto.Signer
	away    error // what opening and signing fail with
	takes   time.Duration
	boot    int // sessions of an earlier boot are stale
	opened  int
	closed  int
	signing int
	most    int // signatures at once
}

func (h *hsm) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hsm) open(context.Context) (keys.Token, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened++
	if h.away != nil {
		return nil, h.away
	}
	return &hsmSession{h: h, boot: h.boot}, nil
}

type hsmSession struct {
	h    *hsm
	boot int
}

func (s *hsmSession) Public() crypto.PublicKey { return s.h.key.Public() }

func (s *hsmSession) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	h := s.h
	h.mu.Lock()
	h.signing++
	h.most = max(h.most, h.signing)
	takes := h.takes
	h.mu.Unlock()
	time.Sleep(takes) // the token works; time is that of the bubble
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signing--
	if h.away != nil {
		return nil, h.away
	}
	if s.boot != h.boot {
		return nil, errStale
	}
	return h.key.Sign(random, digest, opts)
}

func (s *hsmSession) Close() error {
	s.h.set(func() { s.h.closed++ })
	return nil
}

// inBubble runs a test with a token that is open and signs.
func inBubble(t *testing.T, test func(t *testing.T, h *hsm, r *keys.Remote)) {
	t.Helper()
	key := certstest.Key(t, certstest.P256)
	synctest.Test(t, func(t *testing.T) {
		h := &hsm{key: key}
		r := keys.NewRemote(keys.Config{Timeout: 2 * time.Second, AtOnce: 3}, h.open)
		if err := r.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantSigned(t, r)
		test(t, h, r)
		synctest.Wait()
	})
}

func trySign(r *keys.Remote) error {
	_, err := r.Sign(nil, make([]byte, 32), crypto.SHA256)
	return err
}

func wantSigned(t *testing.T, r *keys.Remote) {
	t.Helper()
	if err := trySign(r); err != nil {
		t.Fatalf("the key does not sign: %v", err)
	}
	if err := r.Health(); err != nil {
		t.Fatalf("it signed, and is said to be ill: %v", err)
	}
}

func wantAway(t *testing.T, r *keys.Remote, word string) {
	t.Helper()
	if err := trySign(r); !errors.Is(err, keys.ErrUnavailable) || !strings.Contains(err.Error(), word) {
		t.Fatalf("error is %v, want ErrUnavailable saying %q", err, word)
	}
	if err := r.Health(); err == nil {
		t.Fatal("it is away, and said to be well")
	}
}

func TestRemoteGoesAwayAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, h *hsm, r *keys.Remote) {
		h.set(func() { h.away = errAway })
		wantAway(t, r, "DEVICE_REMOVED")
		for range 500 { // a busy hour; openings become seldom
			wantAway(t, r, "DEVICE_REMOVED")
			time.Sleep(7 * time.Second)
		}
		if h.opened > 400 {
			t.Errorf("opened %d times", h.opened)
		}
		h.set(func() { h.away, h.boot = nil, 1 })
		time.Sleep(10 * time.Second)
		wantSigned(t, r)
		if h.closed != 1 {
			t.Errorf("%d sessions were closed", h.closed)
		}
	})
}

// A token that was away between two signatures is opened again, and nobody notices.
func TestRemoteOpensStaleSessionsAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, h *hsm, r *keys.Remote) {
		h.set(func() { h.boot = 1 })
		wantSigned(t, r)
		if h.opened != 2 || h.closed != 1 {
			t.Errorf("opened %d, closed %d", h.opened, h.closed)
		}
	})
}

func TestRemoteThatIsSlowIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, h *hsm, r *keys.Remote) {
		h.set(func() { h.takes = time.Minute })
		begun := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := trySign(r); !errors.Is(err, keys.ErrUnavailable) {
					t.Errorf("error is %v", err)
				}
			})
		}
		all.Wait()
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("callers waited %s", took)
		}
		// All three places hang now: who comes next does not even wait.
		begun = time.Now()
		wantAway(t, r, "hang")
		if took := time.Since(begun); took != 0 {
			t.Errorf("a caller waited %s for what hangs", took)
		}
		h.set(func() { h.takes = 0 })
		time.Sleep(time.Minute)
		synctest.Wait()
		wantSigned(t, r)
		if h.most != 3 || h.opened != 1 {
			t.Errorf("%d signatures at once, opened %d times", h.most, h.opened)
		}
	})
}

// Wrong PINs lock tokens: one is enough.
func TestRemoteDoesNotTryAPassphraseAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, h *hsm, r *keys.Remote) {
		h.set(func() { h.away = keys.ErrPassphrase })
		for range 100 {
			if err := trySign(r); !errors.Is(err, keys.ErrPassphrase) {
				t.Fatalf("error is %v", err)
			}
			time.Sleep(time.Minute)
			_ = r.Health()
		}
		if h.opened != 1 {
			t.Errorf("opened %d times", h.opened)
		}
	})
}

func TestRemoteTakesNoOtherKey(t *testing.T) {
	other := certstest.Key(t, certstest.P256)
	inBubble(t, func(t *testing.T, h *hsm, r *keys.Remote) {
		h.set(func() { h.key, h.boot = other, 1 })
		wantAway(t, r, "another key")
	})
}

// Whoever watches finds out that a key is back, though nobody asks it to sign.
func TestHealthLooksForTheKey(t *testing.T) {
	inBubble(t, func(t *testing.T, h *hsm, r *keys.Remote) {
		h.set(func() { h.away = errAway })
		wantAway(t, r, "DEVICE_REMOVED")
		h.set(func() { h.away = nil })
		time.Sleep(10 * time.Second)
		if r.Health() == nil {
			t.Error("it is well before anybody looked")
		}
		synctest.Wait()
		if err := r.Health(); err != nil {
			t.Error(err)
		}
	})
}
