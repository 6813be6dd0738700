package admit

import (
	"context"
	"io"
	"net/http"
)

// Handler has the requests of a listener take places before next sees them, and
// answers those for which there is none. shed is told of each of these.
func Handler(l *Limiter, at Listener, shed func(Listener, Class), next http.Handler) http.Handler {
	answers := answersOf(at)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		class := at.Of(r)
		if err := l.Acquire(r.Context(), class); err != nil {
			shed(at, class)
			answers.write(w, r, class)
			return
		}
		v := &visit{limiter: l, class: class, ctx: r.Context(), writer: writer{ResponseWriter: w}}
		v.writer.visit = v
		defer v.end() // a panic too
		if r.Body != nil && r.Body != http.NoBody {
			v.body = body{ReadCloser: r.Body, visit: v}
			r.Body = &v.body
		}
		next.ServeHTTP(&v.writer, r)
	})
}

// visit is a request that has a place. One goroutine works on it.
type visit struct {
	limiter *Limiter
	class   Class
	ctx     context.Context
	placed  placed
	writer  writer
	body    body
}

// placed says whether a visit has a place.
type placed uint8

const (
	has placed = iota
	parked
	done
)

// end gives the place back for good.
func (v *visit) end() {
	if v.placed == has {
		v.limiter.Release(v.class)
	}
	v.placed = done
}

// body is a request's. Its client may be slow: reading holds no place.
type body struct {
	io.ReadCloser
	visit *visit
	ended bool // nothing is left to wait for
}

func (b *body) Read(into []byte) (int, error) {
	v := b.visit
	if b.ended || v.placed != has {
		return b.ReadCloser.Read(into)
	}
	v.limiter.Park(v.class)
	v.placed = parked
	n, err := b.ReadCloser.Read(into)
	b.ended = err != nil
	if gone := v.limiter.Return(v.ctx, v.class); gone != nil {
		v.placed = done
		return n, gone
	}
	v.placed = has
	return n, err
}

// writer gives the place back when the answer begins, for its client may be slow as
// well. What is long is in class Bulk, and keeps it.
type writer struct {
	http.ResponseWriter
	visit *visit
}

func (w *writer) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

func (w *writer) begin() {
	if w.visit.class != Bulk {
		w.visit.end()
	}
}

// Unwrap lets http.ResponseController through.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
