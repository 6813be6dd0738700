package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"
)

// attempts is how often one signature is tried: a token that was away and is back
// refuses what it knew before, and does it once it was opened again.
const attempts = 2

// begin opens the key for the first time.
func (r *Remote) begin(ctx context.Context) error {
	_, err := within(ctx, r, func(ctx context.Context) (struct{}, error) {
		s, err := r.acquire(ctx)
		if err == nil {
			r.release(s, nil)
		}
		return struct{}{}, err
	})
	return err
}

// Health returns nil while the key was last known to sign, or why it cannot be
// reached. To ask has it looked for again, in the background, where it is time.
func (r *Remote) Health() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		if hung := r.overdue.Load(); hung > 0 {
			return fmt.Errorf("%s: %w: %d calls hang", r.scheme, ErrUnavailable, hung)
		}
		return nil
	}
	if r.current == nil && r.opening == nil && !r.barred && !time.Now().Before(r.next) {
		go func() { _ = r.begin(context.Background()) }() // Health tells, the next time
	}
	return r.failure
}

// Close ends the session of a key that nobody will ask to sign any more; one in use
// ends with that use. A process that ends need not wait for it.
func (r *Remote) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		r.failure = fmt.Errorf("%s: %w: it was closed", r.scheme, ErrUnavailable)
	}
	r.barred = true
	s := r.current
	if r.current = nil; s == nil {
		return
	}
	s.ended = true
	if s.users == 0 {
		r.mu.Unlock()
		_ = s.token.Close() // nobody is left to tell
		r.mu.Lock()
	}
}

// sign signs, and tries again with a token that was opened anew.
func (r *Remote) sign(ctx context.Context, random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	for range attempts {
		s, failed := r.acquire(ctx)
		if failed != nil {
			return nil, errors.Join(failed, err)
		}
		signature, err = s.token.Sign(random, digest, opts)
		r.release(s, err)
		if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrPassphrase) {
			return signature, err
		}
		if ctx.Err() != nil { // nobody waits any more
			break
		}
	}
	return nil, fmt.Errorf("%s: %w: %w", r.scheme, ErrUnavailable, err)
}

// acquire returns the open token, or opens it, or waits for who does. Whoever gets
// it releases it.
func (r *Remote) acquire(ctx context.Context) (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.current != nil:
			r.current.users++
			return r.current, nil
		case r.barred || time.Now().Before(r.next):
			return nil, r.failure
		case r.opening == nil:
			r.reopen(ctx)
		default:
			under := r.opening
			r.mu.Unlock()
			<-under // whoever opens holds a place, as we do: neither is waited for longer than r.timeout
			r.mu.Lock()
		}
	}
}

// reopen is called with r.mu, which it gives up meanwhile.
func (r *Remote) reopen(ctx context.Context) {
	opening := make(chan struct{})
	r.opening = opening
	r.mu.Unlock()
	opened, err := r.open(ctx)
	r.mu.Lock()
	r.opening = nil
	close(opening)
	if err == nil && r.barred { // closed meanwhile
		_ = opened.Close() // nobody is left to tell
		return
	}
	if err == nil {
		if r.public == nil {
			r.public = opened.Public()
		}
		if same, ok := r.public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(opened.Public()) {
			err = errors.Join(errors.New("another key is there now than was before"), opened.Close())
		}
	}
	if err != nil {
		r.failed(err)
		return
	}
	if r.failure != nil {
		r.log.Info("the key is back")
	}
	r.current, r.failure, r.pause = &session{token: opened}, nil, 0
}

// failed notes an opening that failed.
func (r *Remote) failed(err error) {
	r.pause = min(max(2*r.pause, firstPause), longPause)
	r.next = time.Now().Add(r.pause)
	switch {
	case errors.Is(err, ErrPassphrase):
		r.barred = true
		r.failure = fmt.Errorf("%s: %w; it is not tried again before a restart, because wrong PINs lock tokens", r.scheme, err)
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrURI):
		r.failure = fmt.Errorf("%s: %w", r.scheme, err)
	default:
		r.failure = fmt.Errorf("%s: %w: %w", r.scheme, ErrUnavailable, err)
	}
	r.log.Error("the key cannot be opened", "error", r.failure, "again_in", r.pause.String())
}

// release gives back what acquire returned, with how its use ended. The last one to
// leave a token that failed closes it.
func (r *Remote) release(s *session, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.users--
	if err != nil && !errors.Is(err, ErrUnavailable) && !s.ended {
		s.ended = true
		r.current = nil
		r.failure = fmt.Errorf("%s: %w: %w", r.scheme, ErrUnavailable, err)
		if errors.Is(err, ErrPassphrase) {
			r.failed(err)
		}
		r.log.Warn("the key failed to sign and is opened again", "error", err)
	}
	if s.ended && s.users == 0 {
		// In a token that is away nothing is left to close; what it says is of no use.
		closing := s.token
		r.mu.Unlock()
		_ = closing.Close()
		r.mu.Lock()
	}
}
