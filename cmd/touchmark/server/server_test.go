package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/lab"
	"github.com/touchmark/touchmark/cmd/touchmark/server"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
)

// running is a server that runs in this process, on a lab of its own.
type running struct {
	dir      string
	settings *config.Settings
	log      *safeBuffer
	stop     context.CancelFunc
	result   chan error
}

// wait returns how the server ended.
func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.result:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("the server does not end; its log:\n%s", r.log)
		return nil
	}
}

type safeBuffer struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// template is one lab for all tests, which copy it: making a key file is slow, as
// it should be.
var template = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "touchmark-lab-")
	if err != nil {
		return "", err
	}
	_, err = lab.Write(context.Background(), lab.Options{Dir: dir}, time.Now())
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := template(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newLab returns the settings of a lab on free ports.
func newLab(t *testing.T) (dir string, settings *config.Settings) {
	t.Helper()
	made, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	settings, _, err = config.Load(filepath.Join(dir, "touchmark.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []*config.Bind{&settings.Device, &settings.API, &settings.Status, &settings.Metrics} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // when all are known
		at.Addr = l.Addr().String()
	}
	return dir, settings
}

// start runs a server on the store that wrap makes of the lab's, until the test
// ends.
func start(t *testing.T, wrap func(enroll.Store) enroll.Store) *running {
	t.Helper()
	return startAt(t, wrap, time.Now)
}

// startAt is start with a clock.
func startAt(t *testing.T, wrap func(enroll.Store) enroll.Store, clock func() time.Time) *running {
	t.Helper()
	return startWith(t, wrap, func(c *server.Config) { c.Clock = clock })
}

// startWith is start with a change of what the server needs.
func startWith(t *testing.T, wrap func(enroll.Store) enroll.Store, change func(*server.Config)) *running {
	t.Helper()
	dir, settings := newLab(t)
	kept, err := store.Open(t.Context(), settings.Store, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{dir: dir, settings: settings, log: &safeBuffer{}, stop: stop, result: make(chan error, 1)}
	c := server.Config{
		Settings: settings, Version: "test", Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.NewJSONHandler(r.log, nil)),
	}
	change(&c)
	ended := make(chan struct{})
	t.Cleanup(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		r.result <- server.RunOn(ctx, c, wrap(kept))
	}()
	return r
}

func asItIs(s enroll.Store) enroll.Store { return s }

// ready waits until the server says that it is.
func (r *running) ready(t *testing.T) *running {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get("http://" + r.settings.Status.Addr + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return r
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready (%v); its log:\n%s", err, r.log)
		}
	}
}

func (r *running) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "pki", "corporate-root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

func TestListeners(t *testing.T) {
	r := start(t, asItIs).ready(t)
	t.Run("one record", r.answersInOneRecord)
	t.Run("strangers", r.answersStrangers)
	t.Run("no certificate", r.apiAsksForNoCertificate)
	t.Run("address in use", r.addressInUseIsTold)
}

// answersInOneRecord holds the device listener to what strongSwan needs: a
// header within 1,024 octets, and header and body in one TLS record, for it reads
// the body once.
func (r *running) answersInOneRecord(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			conn, err := tls.Dial("tcp", r.settings.Device.Addr, &tls.Config{RootCAs: r.roots(t), MinVersion: version, MaxVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: localhost\r\n\r\n")
			buffer := make([]byte, 16<<10)
			n, err := conn.Read(buffer) // of one record at most
			if err != nil {
				t.Fatal(err)
			}
			header, body, found := strings.Cut(string(buffer[:n]), "\r\n\r\n")
			if !found || len(header) > 1000 || !strings.HasSuffix(body, "\n") || !strings.Contains(header, fmt.Sprintf("Content-Length: %d", len(body))) {
				t.Errorf("the first record has %d octets, of them %d of header:\n%s", n, len(header), header)
			}
			if chain := conn.ConnectionState().PeerCertificates; len(chain) != 2 {
				t.Errorf("the listener sends %d certificates, want its own and the issuing CA's", len(chain))
			}
		})
	}
}

func (r *running) answersStrangers(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stranger"}, NotAfter: time.Unix(1, 0)}
	stranger, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: r.roots(t), Certificates: []tls.Certificate{{Certificate: [][]byte{stranger}, PrivateKey: key}},
	}}}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{
		"/.well-known/est/simplereenroll":         401,
		"//.well-known/est/simplereenroll":        401, // no redirect, which EST clients do not follow
		"/api/v1/orders/aaaaaaaaaaaaaaaa/devices": 401,
		"/api/v1/orders":                          404, // is on the api listener
	} {
		body := strings.NewReader(base64.StdEncoding.EncodeToString(csr))
		answer, err := client.Post("https://"+r.settings.Device.Addr+path, "application/pkcs10", body)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, want)
		}
	}
}

func (r *running) apiAsksForNoCertificate(t *testing.T) {
	asked := false
	conn, err := tls.Dial("tcp", r.settings.API.Addr, &tls.Config{
		RootCAs: r.roots(t), NextProtos: []string{"h2"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	state := conn.ConnectionState()
	if asked || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "h2" {
		t.Errorf("asked %v, version %s, protocol %q", asked, tls.VersionName(state.Version), state.NegotiatedProtocol)
	}
}

// TestInFlightIsFinished holds a request open while the server is told to end.
func TestInFlightIsFinished(t *testing.T) {
	r := start(t, asItIs).ready(t)
	conn, err := net.Dial("tcp", r.settings.Status.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
	buffer := make([]byte, 1024)
	if n, err := conn.Read(buffer); err != nil || !strings.HasPrefix(string(buffer[:n]), "HTTP/1.1 100") {
		t.Fatalf("%v %q", err, buffer[:n])
	}
	r.stop()
	for closed := false; !closed; { // until nobody new gets in
		another, err := net.Dial("tcp", r.settings.Status.Addr)
		if closed = err != nil; !closed {
			_ = another.Close()
		}
	}
	fmt.Fprint(conn, "x")
	rest, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(rest), "HTTP/1.1 200") {
		t.Errorf("the request in flight got %q (%v)", rest, err)
	}
	if err := r.wait(t); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// failing is a store that says it failed when told so.
type failing struct {
	enroll.Store
	failed chan struct{}
}

func (f failing) Failed() <-chan struct{} { return f.failed }

func TestAFailedStoreEndsTheProcess(t *testing.T) {
	failed := make(chan struct{})
	r := start(t, func(s enroll.Store) enroll.Store { return failing{s, failed} }).ready(t)
	close(failed)
	if err := r.wait(t); !errors.Is(err, server.ErrStoreFailed) {
		t.Errorf("the server ended with %v", err)
	}
}

func (r *running) addressInUseIsTold(t *testing.T) {
	second := *r.settings
	second.Store = "bolt://" + filepath.Join(t.TempDir(), "second.db")
	err := server.Run(t.Context(), server.Config{
		Settings: &second, Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "device listener: ") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server on the same addresses: %v", err)
	}
}

func TestALogKeepsItsName(t *testing.T) {
	_, settings := newLab(t)
	settings.LogOrigin = "another/log"
	err := server.Run(t.Context(), server.Config{
		Settings: settings, Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "a log keeps its name") {
		t.Errorf("a renamed log: %v", err)
	}
}
