package server_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/cmd/touchmark/server"
)

// A client that ends its connection with the answer gets the answer, also where nobody
// wanted its body: what is closed with something unread is reset.
func TestTheAnswerArrivesWhereNobodyReadsTheBody(t *testing.T) {
	refusing := httptest.NewTLSServer(server.Drained(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})))
	t.Cleanup(refusing.Close)
	for range 20 {
		conn, err := tls.Dial("tcp", refusing.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // #nosec G402 -- this server made its certificate up
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://localhost/", strings.NewReader(strings.Repeat("A", 64<<10)))
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), r)
		if err != nil {
			t.Fatalf("the answer does not arrive: %v", err)
		}
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", answer.StatusCode)
		}
		_ = answer.Body.Close()
		_ = conn.Close()
	}
}

// Who waits to be told to go on, and is not, gets the answer at once, and so does who
// announces more than is read; who breaks off gets it soon.
func TestNobodyWaitsForABodyThatDoesNotCome(t *testing.T) {
	for name, header := range map[string]string{
		"not told to go on": "Expect: 100-continue\r\nContent-Length: 1000\r\n",
		"far too much":      "Content-Length: 1000000000\r\n",
		"broken off":        "Content-Length: 1000\r\n",
		"a broken chunk":    "Transfer-Encoding: chunked\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			wantAnswer(t, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+header+"\r\nA")
		})
	}
}

// wantAnswer fails unless what is sent is answered, by a server that refuses it unread.
func wantAnswer(t *testing.T, sent string) {
	t.Helper()
	refusing := httptest.NewServer(server.Drained(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})))
	t.Cleanup(refusing.Close)
	conn, err := net.Dial("tcp", refusing.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(sent)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", answer.StatusCode)
	}
	_ = answer.Body.Close()
}
