package est_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Where a body does not come in time, net/http ends the request's context: then nobody
// can be asked who the client is, and it is the client's fault all the same.
func TestBodyThatNeverComes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := enrolRequest("/.well-known/est/simpleenroll").WithContext(ctx)
	r.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, errors.New("i/o timeout")
	}))
	p := &path{}
	answer := serve(newDoor(t, p), r)
	if text := readAll(t, answer); answer.StatusCode != http.StatusBadRequest || !strings.HasPrefix(text, "bad_request: ") || len(p.asked) != 0 {
		t.Errorf("%d %q, asked %d", answer.StatusCode, text, len(p.asked))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
