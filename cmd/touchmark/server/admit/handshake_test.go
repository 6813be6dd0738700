package admit_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
)

// tlsServer serves with handshakes that take places of class Connect.
type tlsServer struct {
	limiter *admit.Limiter
	shed    atomic.Int64
	addr    string
	roots   *x509.CertPool
}

func newTLSServer(t *testing.T, config admit.Config) *tlsServer {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil) // for its certificate
	defer borrowed.Close()
	s := &tlsServer{limiter: admit.New(config), roots: x509.NewCertPool()}
	s.roots.AddCert(borrowed.Certificate())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = inner.Addr().String()
	listener, config2 := s.limiter.TLS(inner, &tls.Config{Certificates: borrowed.TLS.Certificates}, admit.Connect, func(admit.Class) { s.shed.Add(1) })
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }),
		TLSConfig: config2, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ServeTLS(listener, "", "")
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

// get asks on a connection of its own.
func (s *tlsServer) get(t *testing.T) error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.roots, ServerName: "example.com"},
	}}
	answer, err := client.Get("https://" + s.addr)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func TestHandshakesGiveTheirPlacesBack(t *testing.T) {
	s := newTLSServer(t, admit.Config{Places: 1})
	for range 5 {
		if err := s.get(t); err != nil {
			t.Fatal(err)
		}
	}
	// Neither do those take one that end badly, in each of the ways there are.
	for _, first := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"} {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, first); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	distrustful := tls.Client(dial(t, s.addr), &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"})
	if err := distrustful.Handshake(); err == nil {
		t.Fatal("a client that trusts nobody connected")
	}
	_ = distrustful.Close()
	if err := s.get(t); err != nil {
		t.Fatal(err)
	}
	if s.shed.Load() > 0 {
		t.Errorf("%d handshakes were turned away", s.shed.Load())
	}
	wantEmpty(t, s.limiter)
}

// A client that stalls in the middle of its handshake holds no place.
func TestStalledHandshakesHoldNoPlace(t *testing.T) {
	s := newTLSServer(t, admit.Config{Places: 1})
	for range 4 {
		stalling := tls.Client(&mute{Conn: dial(t, s.addr)}, &tls.Config{RootCAs: s.roots, ServerName: "example.com"})
		if err := stalling.Handshake(); err == nil {
			t.Fatal("it did not stall")
		}
		defer stalling.Close()
	}
	if err := s.get(t); err != nil {
		t.Errorf("while others stall: %v", err)
	}
	wantEmpty(t, s.limiter)
}

// mute sends its first bytes, and fails instead of the others.
type mute struct {
	net.Conn
	spoke bool
}

func (m *mute) Write(p []byte) (int, error) {
	if m.spoke {
		return 0, io.ErrClosedPipe
	}
	m.spoke = true
	return m.Conn.Write(p)
}

func TestHandshakesAreTurnedAway(t *testing.T) {
	s := newTLSServer(t, admit.Config{Places: 1, Burst: 10 * time.Millisecond})
	n := fill(s.limiter, admit.Connect)
	if err := s.get(t); err == nil {
		t.Error("it connected without a place")
	}
	if s.shed.Load() != 1 {
		t.Errorf("%d handshakes were counted", s.shed.Load())
	}
	release(s.limiter, admit.Connect, n)
	if err := s.get(t); err != nil {
		t.Errorf("with a place: %v", err)
	}
	wantEmpty(t, s.limiter)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
