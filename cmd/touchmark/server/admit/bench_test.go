package admit_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
)

func nobody(admit.Listener, admit.Class) {}

// What admission costs a request that finds a place at once.
func BenchmarkAdmitted(b *testing.B) {
	h := admit.Handler(admit.New(admit.Config{}), admit.Device, nobody, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	body := bytes.NewReader(make([]byte, 500))
	r := httptest.NewRequest("POST", "/.well-known/est/simpleenroll", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(make([]byte, 0))
		r.Body = io.NopCloser(body)
		h.ServeHTTP(w, r)
	}
}

func BenchmarkAcquire(b *testing.B) {
	l := admit.New(admit.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Acquire(b.Context(), admit.Enrol); err != nil {
			b.Fatal(err)
		}
		l.Release(admit.Enrol)
	}
}

// What a request costs that is turned away, without the wait.
func BenchmarkShed(b *testing.B) {
	l := admit.New(admit.Config{Places: 1, Burst: 1})
	defer release(l, admit.Enrol, fill(l, admit.Enrol))
	h := admit.Handler(l, admit.Device, nobody, nil)
	r := httptest.NewRequest("POST", "/.well-known/est/simpleenroll", http.NoBody)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
