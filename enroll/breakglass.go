package enroll

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// breakGlassPrefix begins every break-glass token, so that one is recognised
// where it should not be.
const breakGlassPrefix = "tmbg_"

// NewBreakGlassToken makes a token of 256 random bits and the hash to keep of it.
func NewBreakGlassToken(random io.Reader) (token string, hash [32]byte, err error) {
	var octets [32]byte
	if _, err := io.ReadFull(random, octets[:]); err != nil {
		return "", hash, fmt.Errorf("read randomness: %w", err)
	}
	token = breakGlassPrefix + text32.EncodeToString(octets[:])
	return token, sha256.Sum256([]byte(token)), nil
}

// IsBreakGlassToken reports whether a bearer token claims to be the break-glass
// token: what does not is the identity provider's.
func IsBreakGlassToken(token string) bool { return strings.HasPrefix(token, breakGlassPrefix) }

// SetBreakGlass writes the hash of a new token straight into the store of a
// server that is not running: at the first start, or when the token was lost.
func SetBreakGlass(ctx context.Context, store Store, hash [32]byte, random io.Reader, now time.Time) error {
	if _, err := openInstallation(ctx, store, random); err != nil {
		return err
	}
	return store.Update(ctx, func(tx Tx) error {
		installation, err := tx.Installation()
		if err != nil {
			return err
		}
		installation.BreakGlass, installation.BreakGlassSet = hash[:], now
		if err := tx.PutInstallation(installation); err != nil {
			return err
		}
		return tx.Append(Event{Time: now.UTC().Truncate(time.Millisecond), Kind: BreakGlassRotated, Actor: identity.NewSystem().ID()})
	})
}

// BreakGlassPrincipal returns who holds the break-glass token and records its
// use for operation. Guesses are locked out by source.
func (s *Service) BreakGlassPrincipal(ctx context.Context, token, source, operation string) (identity.Principal, error) {
	if err := s.guesses.check(breakGlassGuess, source, ""); err != nil {
		return identity.Principal{}, err
	}
	hash := sha256.Sum256([]byte(token))
	var installation Installation
	err := s.store.View(ctx, func(r Reader) (err error) {
		installation, err = r.Installation()
		return err
	})
	if err != nil {
		return identity.Principal{}, err
	}
	if len(installation.BreakGlass) == 0 || subtle.ConstantTimeCompare(hash[:], installation.BreakGlass) != 1 {
		s.guesses.wrong(breakGlassGuess, source, "")
		s.turnAway(Unauthenticated)
		return identity.Principal{}, Refuse(Unauthenticated, "the break-glass token is not valid; it may have been rotated")
	}
	s.guesses.right(breakGlassGuess, source, "")
	p := identity.NewBreakGlass()
	err = s.store.Update(ctx, func(tx Tx) error {
		event := s.event(ctx, p, BreakGlassUsed)
		event.Operation, event.Grant, event.Target = operation, string(identity.BreakGlass), targetOf(ctx).Text
		return tx.Append(event)
	})
	return p, err
}

// RotateBreakGlass replaces the break-glass token by a new one, which is told
// once.
func (s *Service) RotateBreakGlass(ctx context.Context, p identity.Principal) (string, error) {
	if err := s.Authorize(ctx, p, identity.BreakGlassRotate); err != nil {
		return "", err
	}
	token, hash, err := NewBreakGlassToken(s.rand)
	if err != nil {
		return "", err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		event := s.event(ctx, p, BreakGlassRotated)
		if event.Grant, err = s.grantAtRoot(tx, p, identity.BreakGlassRotate); err != nil {
			return err
		}
		installation, err := tx.Installation()
		if err != nil {
			return err
		}
		installation.BreakGlass, installation.BreakGlassSet = hash[:], s.now()
		return errors.Join(tx.PutInstallation(installation), s.append(tx, p, event))
	})
	if err != nil {
		return "", err
	}
	return token, nil
}
