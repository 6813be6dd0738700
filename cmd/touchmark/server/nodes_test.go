package server_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// shared is a store that other nodes have open too, as far as this one can tell,
// and that can be out of reach.
type shared struct {
	enroll.Store
	elsewhere chan struct{}
	away      *atomic.Bool
}

func (s shared) Elsewhere() <-chan struct{} { return s.elsewhere }

func (s shared) View(ctx context.Context, fn func(enroll.Reader) error) error {
	if s.away.Load() {
		return errors.New("the database does not answer")
	}
	return s.Store.View(ctx, fn)
}

// A node that has not heard of the others for some seconds is not ready, so that a
// balancer goes elsewhere, and ready again as soon as it has.
func TestANodeThatCannotFollowIsNotReady(t *testing.T) {
	var away atomic.Bool
	var ahead atomic.Int64 // of the clock
	r := startAt(t, func(s enroll.Store) enroll.Store { return shared{s, make(chan struct{}, 1), &away} }, func() time.Time {
		return time.Now().Add(time.Duration(ahead.Load()))
	}).ready(t)
	away.Store(true)
	ahead.Store(int64(time.Hour))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get("http://" + r.settings.Status.Addr + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it says that it is ready")
		}
	}
	away.Store(false)
	r.ready(t)
}
