package rest

import (
	"encoding/base32"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
)

// TraceConfig is what Trace needs.
type TraceConfig struct {
	Rand  io.Reader
	Clock func() time.Time
	Log   *slog.Logger // nil for none
}

// Trace gives each request an id, in its context and in the header X-Request-Id
// of the answer, logs one line about it when it is done, and turns a panic into
// an internal error. A client's own X-Request-Id is not believed: ids stand in the
// audit log. Where a request was traced further out it does nothing, so it may
// stand around a whole listener as well.
//
// The line holds no headers, no query and no body: secrets travel there.
func Trace(c TraceConfig, next http.Handler) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if enroll.RequestID(r.Context()) != "" {
			next.ServeHTTP(w, r)
			return
		}
		c.serve(next, w, r)
	})
}

func (c TraceConfig) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	began := c.Clock()
	r = r.WithContext(enroll.WithRequestID(r.Context(), c.newID()))
	answer := &recorder{ResponseWriter: w}
	answer.Header().Set("X-Request-Id", enroll.RequestID(r.Context()))
	answer.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() {
		caught := recover()
		failed := c.afterPanic(answer, r, caught)
		level := slog.LevelInfo
		if answer.status >= http.StatusInternalServerError {
			level = slog.LevelWarn
		}
		c.Log.Log(r.Context(), level, "request",
			"request", enroll.RequestID(r.Context()), "method", shortened(r.Method), "path", shortened(r.URL.EscapedPath()), "status", answer.status,
			"bytes", answer.bytes, "took", c.Clock().Sub(began), "source", sourceOf(r))
		if failed {
			panic(http.ErrAbortHandler) // the client must not take what it got for the whole
		}
	}()
	next.ServeHTTP(answer, r)
}

// afterPanic logs what was caught and answers for it. It reports whether it is
// too late for an answer.
func (c TraceConfig) afterPanic(answer *recorder, r *http.Request, caught any) bool {
	if caught == nil {
		return false
	}
	if err, ok := caught.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		c.Log.ErrorContext(r.Context(), "panic while serving",
			"request", enroll.RequestID(r.Context()), "panic", caught, "stack", string(debug.Stack()))
	}
	if answer.status != 0 {
		return true
	}
	problem.From(r.Context(), errors.New("panic")).Write(answer)
	return false
}

// newID returns 80 random bits in 16 characters.
func (c TraceConfig) newID() string {
	var octets [10]byte
	if _, err := io.ReadFull(c.Rand, octets[:]); err != nil {
		panic(err) // no part of this server works without randomness
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(octets[:]))
}

// shortened bounds what a client chose the length of. It is ASCII: a path escaped,
// or a method.
func shortened(text string) string {
	if len(text) > 256 {
		return text[:256] + "…"
	}
	return text
}

// sourceOf returns the caller's address without its port.
func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// recorder notes what is answered.
type recorder struct {
	http.ResponseWriter
	status int // 0 before the header is written
	bytes  int64
}

// WriteHeader writes the header once; huma may try again when a client goes away.
func (w *recorder) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= http.StatusOK { // 1xx announce another
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(body []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.ResponseWriter.Write(body)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
