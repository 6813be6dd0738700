package oidc

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/touchmark/touchmark/enroll"
)

// How often a provider is asked, whoever sends whatever tokens.
const (
	keysLifetime = time.Hour       // then keys are asked for again, so that withdrawn ones go
	askPause     = 5 * time.Second // on average between two askings
	askBurst     = 5               // askings that need not pause
	askTimeout   = 10 * time.Second
)

// keySet keeps the keys that a provider publishes. It stands in for go-oidc's
// RemoteKeySet, which asks the provider for each unknown key without a pause, and
// never forgets a key that the provider withdrew.
type keySet struct {
	issuer string
	client *http.Client
	clock  func() time.Time
	log    *slog.Logger

	asking chan struct{} // holds one: whoever asks the provider

	mu     sync.Mutex // guards the rest
	keys   []jose.JSONWebKey
	loaded time.Time // when keys were published last; zero for never
	failed bool      // whether the last asking got no answer
	asked  uint64    // how often the provider was asked
	due    time.Time // when asking is paid off; see mayAsk
}

func newKeySet(issuer string, client *http.Client, clock func() time.Time, log *slog.Logger) *keySet {
	return &keySet{issuer: issuer, client: client, clock: clock, log: log, asking: make(chan struct{}, 1)}
}

// candidates returns the keys that a token of this shape may be signed with, at
// least one. The provider is asked when none fits or all are old.
func (k *keySet) candidates(ctx context.Context, s shape) ([]crypto.PublicKey, error) {
	fits := k.match(s)
	if len(fits.keys) > 0 && k.clock().Sub(fits.loaded) < keysLifetime {
		return fits.keys, nil
	}
	if len(fits.keys) > 0 {
		// Old keys are as good as any while the provider is away: one caller asks,
		// the others do not wait for it.
		select {
		case k.asking <- struct{}{}:
		default:
			return fits.keys, nil
		}
	} else {
		select {
		case k.asking <- struct{}{}:
		case <-ctx.Done():
			return nil, unreachable()
		}
	}
	defer func() { <-k.asking }()
	if k.match(s).asked == fits.asked { // nobody asked while we waited
		k.ask(ctx)
	}
	fits = k.match(s)
	switch {
	case len(fits.keys) == 0 && (fits.failed || fits.loaded.IsZero()):
		return nil, unreachable() // which may have published it since
	case len(fits.keys) == 0:
		return nil, refuse("the token is signed with a key that its issuer does not publish")
	}
	return fits.keys, nil
}

func unreachable() *enroll.Refusal {
	refusal := enroll.Refuse(enroll.Unavailable, "the provider that issued the token cannot be asked for its keys; try again")
	refusal.RetryAfter = askPause
	return refusal
}

// fitting are the keys that fit a token, with what is known of all keys.
type fitting struct {
	keys   []crypto.PublicKey
	loaded time.Time
	failed bool
	asked  uint64
}

func (k *keySet) match(s shape) fitting {
	k.mu.Lock()
	defer k.mu.Unlock()
	fits := fitting{loaded: k.loaded, failed: k.failed, asked: k.asked}
	for _, key := range k.keys {
		if (s.keyID == "" || s.keyID == key.KeyID) && signs(key, s.algorithm) {
			fits.keys = append(fits.keys, key.Key)
		}
	}
	return fits
}

// ask replaces the keys by what the provider publishes now. What fails is
// logged, and the old keys stay.
func (k *keySet) ask(ctx context.Context) {
	if !k.mayAsk() {
		return
	}
	// Others will use the answer, so it does not depend on this caller's patience.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	keys, err := k.fetch(ctx)
	if err != nil {
		// The error may quote the provider's answer.
		k.log.WarnContext(ctx, "provider's keys could not be fetched", "error", fmt.Sprintf("%.300s", err), "request", enroll.RequestID(ctx))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	k.failed = err != nil
	if err == nil {
		k.keys, k.loaded = keys, k.clock()
	}
}

// mayAsk paces the askings, so that nobody can make us hammer a provider with
// invented key ids: each costs askPause, and up to askBurst of them may be owed.
func (k *keySet) mayAsk() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	if k.due.Before(now) {
		k.due = now
	}
	if k.due.Sub(now) >= askBurst*askPause {
		return false
	}
	k.due = k.due.Add(askPause)
	return true
}
