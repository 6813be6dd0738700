package enroll

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// errTokenText is the one answer to every well-formed text that opens nothing: it does
// not tell a guesser whether there is such a token.
func errTokenText() error {
	return Refuse(Unauthenticated, "the token is not valid: it has ended, was rotated or was revoked; ask its maker for another")
}

// TokenPrincipal returns who holds a scoped token. Guesses are locked out by source and
// token, and by network; a text that was mistyped is told so and is no guess.
func (s *Service) TokenPrincipal(ctx context.Context, text, source string) (identity.Principal, error) {
	id, whole := TokenIDOf(text)
	if !whole {
		s.turnAway(Unauthenticated)
		return identity.Principal{}, Refuse(Unauthenticated, "the token is not as it was told: a part of it is missing, or was mistyped")
	}
	if err := s.guesses.check(tokenGuess, source, string(id)); err != nil {
		return identity.Principal{}, err
	}
	var t *scopedToken
	outlived := false
	err := s.store.View(ctx, func(r Reader) error {
		m, err := s.live().moments.at(r)
		if err != nil {
			return err
		}
		if t, err = m.token(r, id); err == nil {
			outlived, err = t.outlived(r)
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return identity.Principal{}, err
	}
	now, told, opens := s.now(), false, false
	if err == nil {
		told, opens = t.shown(sha256.Sum256([]byte(text)), now)
	}
	if !told {
		s.guesses.wrong(tokenGuess, source, string(id))
	}
	if !opens || outlived {
		s.turnAway(Unauthenticated)
		return identity.Principal{}, errTokenText()
	}
	s.guesses.right(tokenGuess, source, string(id))
	s.uses.note(id, now)
	return t.principal(), nil
}
