package load_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/certs-test/bench/load"
)

// echo answers with what it was sent, and counts connections.
func echo(t *testing.T, status int) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, &connections
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name        string
		kept        bool
		connections int64
	}{{"kept alive", true, 4}, {"fresh", false, 50}} {
		t.Run(test.name, func(t *testing.T) {
			server, connections := echo(t, http.StatusOK)
			answers := 0
			result, err := load.Run(context.Background(), load.Load{
				Addr: strings.TrimPrefix(server.URL, "https://"), TLS: &tls.Config{InsecureSkipVerify: true},
				KeepAlive: test.kept, Concurrency: 4, Count: 50, For: time.Hour,
				Request: func(i int) []byte { return load.Post("/", []byte(strconv.Itoa(i)), !test.kept) },
				Begin:   func() error { return nil },
				End:     func(n int) error { answers = n; return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, body := range result.Bodies {
				if string(body) != strconv.Itoa(i) {
					t.Errorf("answer %d is %q", i, body)
				}
			}
			if answers != 50 || len(result.Latencies) != 50 || connections.Load() != test.connections {
				t.Errorf("%d answers, %d latencies, %d connections", answers, len(result.Latencies), connections.Load())
			}
		})
	}
}

func TestRefusalEndsTheRun(t *testing.T) {
	server, _ := echo(t, http.StatusConflict)
	_, err := load.Run(context.Background(), load.Load{
		Addr: strings.TrimPrefix(server.URL, "https://"), TLS: &tls.Config{InsecureSkipVerify: true},
		KeepAlive: true, Concurrency: 2, Count: 10, For: time.Hour,
		Request: func(int) []byte { return load.Post("/", []byte("why"), false) },
		Begin:   func() error { return nil },
		End:     func(int) error { return nil },
	})
	if err == nil || !strings.Contains(err.Error(), "409") || !strings.Contains(err.Error(), "why") {
		t.Errorf("the refusal is told as %v", err)
	}
}

func TestPercentile(t *testing.T) {
	var r load.Result
	if got := r.Percentile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 100 {
		r.Latencies = append(r.Latencies, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0.5: 50, 0.99: 99, 1: 100} {
		if got := r.Percentile(p); got != want {
			t.Errorf("percentile %v is %v, want %v", p, got, want)
		}
	}
}
