package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnavailable means that a key outside this process does not sign just now: it
// is away, slow or busy. It is tried again by itself.
var ErrUnavailable = errors.New("the key cannot be reached just now")

const (
	firstPause = 250 * time.Millisecond // after the first opening that failed; doubled each time
	longPause  = 10 * time.Second       // between openings at most
)

// token is an open way to a key outside this process.
type token interface {
	// Signer's Sign may hang, and be called concurrently. After an error the token is
	// closed and another opened, unless the error wraps [ErrUnavailable].
	crypto.Signer
	// Close is called once, when no Sign is in flight.
	io.Closer
}

// Remote signs with a key outside this process: in a token, a TPM or a KMS. Its
// waits are bounded, and so are the signatures in flight; a signature that hangs
// keeps its place, not its caller. When the key goes away it is opened again, at
// the next signature and more and more seldom while that fails; it must be the
// same key. It is safe for concurrent use.
type Remote struct {
	scheme  string
	open    func(context.Context) (token, error)
	timeout time.Duration
	log     *slog.Logger
	places  chan struct{}
	overdue atomic.Int32 // calls that nobody waits for any more

	mu      sync.Mutex // guards the rest
	public  crypto.PublicKey
	current *session
	opening chan struct{} // closed when the opening under way ends; nil without one
	failure error         // why the last opening failed
	pause   time.Duration
	next    time.Time // when to open again
	barred  bool      // opening again could lock the token
}

// session is an open token with those who use it. Remote.mu guards it.
type session struct {
	token token
	users int
	ended bool
}

var _ crypto.Signer = (*Remote)(nil)

func (k *Keyring) remote(scheme, keyURI string) *Remote {
	r := newRemote(k.config, scheme, func(ctx context.Context) (token, error) {
		return k.drivers[scheme].open(ctx, keyURI, k.config.Passphrase)
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remotes = append(k.remotes, r)
	return r
}

func newRemote(c Config, scheme string, open func(context.Context) (token, error)) *Remote {
	return &Remote{
		scheme: scheme, open: open, timeout: c.Timeout, places: make(chan struct{}, c.AtOnce),
		log: c.Log.With("key", scheme), // the URI may hold a PIN
	}
}

// Public implements crypto.Signer.
func (r *Remote) Public() crypto.PublicKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.public
}

// Sign implements crypto.Signer; the token's randomness is used. The error wraps
// [ErrUnavailable], or [ErrPassphrase] or [ErrNotFound] where somebody has to see
// to the token.
func (r *Remote) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	digest = slices.Clone(digest) // the caller's may change once it was given up
	return within(context.Background(), r, func(ctx context.Context) ([]byte, error) {
		return r.sign(ctx, random, digest, opts)
	})
}

// within runs a call in one of the places, and waits for it for r.timeout at most. A
// call that is given up keeps its place until it ends.
func within[T any](ctx context.Context, r *Remote, call func(context.Context) (T, error)) (result T, err error) {
	if int(r.overdue.Load()) >= cap(r.places) {
		return result, fmt.Errorf("%s: %w: all %d calls that it may have hang", r.scheme, ErrUnavailable, cap(r.places))
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	select {
	case r.places <- struct{}{}:
	case <-ctx.Done():
		return result, fmt.Errorf("%s: %w: others waited for it for %s", r.scheme, ErrUnavailable, r.timeout)
	}
	type outcome struct {
		result T
		err    error
	}
	var over atomic.Bool // whoever sets it first says whether the call was given up
	done := make(chan outcome, 1)
	go func() {
		result, err := call(ctx)
		if !over.CompareAndSwap(false, true) {
			r.overdue.Add(-1)
		}
		<-r.places
		done <- outcome{result, err}
	}()
	select {
	case out := <-done:
		return out.result, out.err
	case <-ctx.Done():
	}
	if !over.CompareAndSwap(false, true) { // it ended just now
		out := <-done
		return out.result, out.err
	}
	r.overdue.Add(1)
	return result, fmt.Errorf("%s: %w: no answer in %s", r.scheme, ErrUnavailable, r.timeout)
}
