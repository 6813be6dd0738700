package enroll

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/touchmark/touchmark/identity"
)

// Bounds of a scoped token.
const (
	// MaxTokenName bounds its name, in characters.
	MaxTokenName = 100
	// MaxTokenLifetime is how far ahead its end may lie.
	MaxTokenLifetime = 366 * 24 * time.Hour
	// MaxTokenOverlap is how long the text before a rotation may stay good.
	MaxTokenOverlap = 30 * 24 * time.Hour
)

// NewToken asks for a scoped token.
type NewToken struct {
	Name        string
	Fleet       string // path of the branch
	Permissions []string
	Until       time.Time // required, at most MaxTokenLifetime ahead
}

// MadeToken is a token with its text, which is told once: only a hash is kept.
type MadeToken struct {
	TokenInfo
	Text string
}

// CreateToken makes a token of what p holds on a branch. Only somebody who signs in
// makes one, for they answer for it; what they lose, it loses.
func (s *Service) CreateToken(ctx context.Context, p identity.Principal, asked NewToken) (MadeToken, error) {
	if err := s.need(ctx, p, identity.TokenCreate); err != nil {
		return MadeToken{}, err
	}
	if p.Kind != identity.OIDC && p.Kind != identity.BreakGlass {
		return MadeToken{}, Refuse(Forbidden, "a token is made by somebody who signs in, for they answer for it; a certificate or a token cannot")
	}
	now := s.now()
	t, path, err := checkToken(asked, now)
	if err != nil {
		return MadeToken{}, err
	}
	id, err := s.newOrderID(now)
	if err != nil {
		return MadeToken{}, err
	}
	t.ID, t.Maker, t.MakerName, t.CreatedAt = TokenID(id), p.ID(), p.Name, now
	text, secret, err := s.newTokenText(t.ID)
	if err != nil {
		return MadeToken{}, err
	}
	t.Secrets = []TokenSecret{secret}
	var info TokenInfo
	err = s.changeAuthority(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		at, err := a.see(tx, path, identity.TokenCreate, identity.TokenRead)
		if err != nil {
			return err
		}
		for _, permission := range t.Permissions {
			if !a.may(permission, at) {
				return errBeyond(permission, string(at.path))
			}
		}
		if err := a.mayMakeMore(tx, p); err != nil {
			return err
		}
		if err := t.mark(tx, p); err != nil {
			return err
		}
		t.Fleet = at.id
		info = TokenInfo{Token: t, FleetPath: at.path, Holds: t.Permissions}
		event := s.tellToken(ctx, p, TokenCreated, &t, at)
		event.Grant = a.grant(identity.TokenCreate, at)
		return errors.Join(putToken(tx, t), s.remember(tx, p), s.append(tx, p, event))
	})
	if err != nil {
		return MadeToken{}, err
	}
	return MadeToken{TokenInfo: info, Text: text}, nil
}

// checkToken reports every fault of what was asked for.
func checkToken(asked NewToken, now time.Time) (Token, identity.FleetPath, error) {
	var nameErr error
	if n := utf8.RuneCountInString(asked.Name); n < 1 || n > MaxTokenName || !identity.Printable(asked.Name) || strings.TrimSpace(asked.Name) != asked.Name {
		nameErr = RefuseField("name", "a token's name is 1 to %d characters that print, and says what it is for", MaxTokenName)
	}
	path, pathErr := identity.ParseFleetPath(asked.Fleet)
	if pathErr != nil {
		pathErr = RefuseField("fleet", "%v", pathErr)
	}
	permissions, permissionsErr := parsePermissions(asked.Permissions, identity.Permission.Delegable, "a token can carry")
	if len(asked.Permissions) == 0 {
		permissionsErr = RefuseField("permissions", "a token is for something: name at least one permission")
	}
	t := Token{Name: asked.Name, Permissions: permissions, Until: asked.Until.UTC()}
	return t, path, errors.Join(nameErr, pathErr, permissionsErr, checkTokenEnd(asked.Until, now))
}

func checkTokenEnd(until, now time.Time) error {
	if until.IsZero() || !until.After(now) || until.After(now.Add(MaxTokenLifetime)) {
		return RefuseField("until", "a token ends in the future, at most %d days from now; name the time", MaxTokenLifetime/(24*time.Hour))
	}
	return nil
}

// tellToken begins an event about a token, which says whose it is.
func (s *Service) tellToken(ctx context.Context, p identity.Principal, kind EventKind, t *Token, at *place) Event {
	event := s.event(ctx, p, kind)
	event.at(at)
	event.About, event.Permissions, event.NotAfter = string(t.ID), t.Permissions, &t.Until
	event.For = s.people.named(t.Maker)
	return event
}

// Rotation asks for another text of a token.
type Rotation struct {
	// Overlap is how long the text before stays good, 0 to MaxTokenOverlap.
	Overlap time.Duration
	// Until is the token's new end; zero leaves the one that it has.
	Until time.Time
}

// RotateToken gives a token another text. The one before stays good for the overlap,
// so that whoever uses it has the time to change over; the one before that ends.
// Only its maker rotates a token, while they may make one there, or the break-glass
// administrator.
func (s *Service) RotateToken(ctx context.Context, p identity.Principal, id string, asked Rotation) (MadeToken, error) {
	if p.Kind == identity.Anonymous {
		return MadeToken{}, s.deny(ctx, p, identity.TokenCreate)
	}
	now := s.now()
	if asked.Overlap < 0 || asked.Overlap > MaxTokenOverlap {
		return MadeToken{}, RefuseField("overlap", "the text before stays good for 0 to %d days", MaxTokenOverlap/(24*time.Hour))
	}
	if !asked.Until.IsZero() {
		if err := checkTokenEnd(asked.Until, now); err != nil {
			return MadeToken{}, err
		}
	}
	text, secret, err := s.newTokenText(TokenID(id))
	if err != nil {
		return MadeToken{}, err
	}
	var info TokenInfo
	err = s.changeAuthority(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		t, at, err := a.readToken(tx, id)
		switch {
		case err != nil:
			return err
		case p.ID() != t.Maker && p.Kind != identity.BreakGlass:
			return Refuse(Forbidden, "only its maker rotates a token; you may make one of your own, and revoke this one where you hold %s", identity.TokenRevoke)
		case !a.may(identity.TokenCreate, at):
			return forbidden(identity.TokenCreate)
		}
		ended := endKey(t.Until, endOfToken, string(t.ID))
		if err := errors.Join(t.rotate(secret, asked, now), t.mark(tx, p)); err != nil {
			return err
		}
		if info, err = s.tokenInfo(tx, a.moment, t, at); err != nil {
			return err
		}
		event := s.tellToken(ctx, p, TokenRotated, &t, at)
		event.Grant = a.grant(identity.TokenCreate, at)
		return errors.Join(tx.DeleteDocument(EndDocument, ended), putToken(tx, t), s.remember(tx, p), s.append(tx, p, event))
	})
	if err != nil {
		return MadeToken{}, err
	}
	return MadeToken{TokenInfo: info, Text: text}, nil
}

// rotate puts a new secret in front of the one that was told last.
func (t *Token) rotate(secret TokenSecret, asked Rotation, now time.Time) error {
	if !asked.Until.IsZero() {
		t.Until = asked.Until.UTC()
	}
	if !now.Before(t.Until) {
		return Refuse(WrongState, "the token has ended; give it a new end, or make another")
	}
	kept := []TokenSecret{secret}
	if asked.Overlap > 0 && len(t.Secrets) > 0 {
		kept = append(kept, TokenSecret{Hash: t.Secrets[0].Hash, Until: now.Add(asked.Overlap)})
	}
	t.Secrets = kept
	return nil
}

// RevokeToken ends a token at once and for good: the store forgets it, the log does
// not. Its maker may, and whoever holds TokenRevoke on its branch. It returns the
// token as it was.
func (s *Service) RevokeToken(ctx context.Context, p identity.Principal, id string) (info TokenInfo, err error) {
	if p.Kind == identity.Anonymous {
		return info, s.deny(ctx, p, identity.TokenRevoke)
	}
	err = s.changeAuthority(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		t, at, err := a.readToken(tx, id)
		if err != nil {
			return err
		}
		grant := a.grant(identity.TokenRevoke, at)
		if grant == "" && p.ID() != t.Maker {
			return forbidden(identity.TokenRevoke)
		}
		if info, err = s.tokenInfo(tx, a.moment, t, at); err != nil {
			return err
		}
		event := s.tellToken(ctx, p, TokenRevoked, &t, at)
		event.Grant = grant // none, where it is one's own alone
		return errors.Join(deleteToken(tx, t), s.append(tx, p, event))
	})
	if err != nil {
		return TokenInfo{}, err
	}
	s.uses.forget(info.ID)
	return info, nil
}
