//go:build unix

package clientcmd_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

const aCaller = `{"id":"oidc:i#alice","name":"Alice","kind":"oidc","roles":[],"grants":[]}`

// rotating is a provider whose refresh tokens are good once. Who uses one again has
// stolen it, and so the sign-in ends.
type rotating struct {
	*httptest.Server

	mu        sync.Mutex // guards the rest
	lifetime  int        // of the next access tokens, in seconds
	current   int        // number of the refresh token that is good
	refreshes int
	ended     bool
}

func startRotating(t *testing.T) *rotating {
	t.Helper()
	p := &rotating{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, "application/json", http.StatusOK, fmt.Sprintf(
			`{"issuer":%[1]q,"jwks_uri":"%[1]s/keys","token_endpoint":"%[1]s/token","device_authorization_endpoint":"%[1]s/device"}`, p.URL))
	})
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, "application/json", http.StatusOK, `{"device_code":"d","user_code":"ABCD","verification_uri":"https://x/device","expires_in":60,"interval":1}`)
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *rotating) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if used := r.PostFormValue("refresh_token"); used != "" {
		p.refreshes++
		p.ended = p.ended || used != fmt.Sprint("rt", p.current)
	}
	if p.ended {
		tell(w, "application/json", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		return
	}
	p.current++
	tell(w, "application/json", http.StatusOK, fmt.Sprintf(`{"access_token":"secret","token_type":"Bearer","refresh_token":"rt%d","expires_in":%d}`, p.current, p.lifetime))
}

// lasting has the next access tokens live for so long.
func (p *rotating) lasting(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifetime = int(d / time.Second)
}

func (p *rotating) asked() (refreshes int, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refreshes, p.ended
}

// Lifetimes that have ended by testNow, and that have not.
const (
	ended = time.Second
	long  = 100 * 365 * 24 * time.Hour
)

// signedIn opens a door to which somebody has signed in, with an access token of
// this lifetime.
func signedIn(t *testing.T, lifetime time.Duration) (*door, *rotating) {
	t.Helper()
	d, p := opened(t, says(aCaller)), startRotating(t)
	p.lasting(lifetime)
	_, shown, err := d.typed(t, "login", "--issuer", p.URL, "--token-file=")
	if err != nil || !strings.Contains(shown, "enter the code ABCD") {
		t.Fatalf("says %q, %v", shown, err)
	}
	return d, p
}

// TestLoginIsForOneself keeps what somebody signed in with from everybody else,
// through refreshes too.
func TestLoginIsForOneself(t *testing.T) {
	d, p := signedIn(t, ended)
	check := func() {
		t.Helper()
		files := 0
		err := filepath.WalkDir(d.path("touchmark"), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %s, %v", path, info.Mode(), err)
			}
			if !entry.IsDir() {
				files++
			}
			return nil
		})
		if err != nil || files != 2 {
			t.Errorf("%d files, %v, want the sign-in and its lock", files, err)
		}
	}
	check()
	p.lasting(long)
	for range 3 {
		if _, _, err := d.typed(t, "whoami", "--token-file="); err != nil {
			t.Error(err)
		}
	}
	check()
	if refreshes, _ := p.asked(); refreshes != 1 {
		t.Errorf("%d refreshes for a token that then lasts", refreshes)
	}
}

// TestCommandsAtOnceRefreshOnce runs many commands when the access token has ended:
// one of them refreshes it, and all have what it got.
func TestCommandsAtOnceRefreshOnce(t *testing.T) {
	d, p := signedIn(t, ended)
	p.lasting(long)
	var commands sync.WaitGroup
	for range 16 {
		commands.Go(func() {
			if _, _, err := d.typed(t, "whoami", "--token-file="); err != nil {
				t.Error(err)
			}
		})
	}
	commands.Wait()
	if refreshes, ended := p.asked(); refreshes != 1 || ended {
		t.Errorf("%d refreshes, and the provider has ended the sign-in: %v", refreshes, ended)
	}
}

// TestCommandsWithShortTokens refreshes for each command, since no token lasts, but
// never with a refresh token that was used.
func TestCommandsWithShortTokens(t *testing.T) {
	d, p := signedIn(t, ended)
	var commands sync.WaitGroup
	for range 8 {
		commands.Go(func() {
			if _, _, err := d.typed(t, "whoami", "--token-file="); err != nil {
				t.Error(err)
			}
		})
	}
	commands.Wait()
	if refreshes, ended := p.asked(); refreshes != 8 || ended {
		t.Errorf("%d refreshes, and the provider has ended the sign-in: %v", refreshes, ended)
	}
}

// TestRefreshWaitsForAnother holds the lock as a command does that refreshes.
func TestRefreshWaitsForAnother(t *testing.T) {
	d, p := signedIn(t, ended)
	server, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(d.path(filepath.Join("touchmark", url.QueryEscape(server.Host)+".json.lock")), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := d.typedWithin(ctx, "whoami", "--token-file="); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another refreshes: %v", err)
	}
	if refreshes, _ := p.asked(); refreshes != 0 {
		t.Errorf("%d refreshes beside another", refreshes)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.typed(t, "whoami", "--token-file="); err != nil {
		t.Errorf("once the other has ended: %v", err)
	}
}

// TestSignInThatEnded says what to do when the provider takes no refresh token any
// more.
func TestSignInThatEnded(t *testing.T) {
	d, p := signedIn(t, ended)
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	_, _, err := d.typed(t, "whoami", "--token-file=")
	if enroll.AsRefusal(err).Code != enroll.Unauthenticated || !strings.Contains(err.Error(), "run touchmark login again") {
		t.Errorf("is %v", err)
	}
}
