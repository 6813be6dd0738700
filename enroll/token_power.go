package enroll

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// A scoped token's power is what it was made for, as far as its maker holds that at
// the time: a list of permissions on a branch, and what the maker's own grants and
// groups give now. Nothing of the maker's power is copied into the token, so whatever
// takes from the maker takes from the token, in the same transaction.

// principal is who a token's holder is.
func (t *Token) principal() identity.Principal {
	return identity.Principal{Kind: identity.ScopedToken, Token: string(t.ID), Maker: t.Maker, Name: t.Name}
}

// scopedToken is a token as decisions see it. It belongs to everybody.
type scopedToken struct {
	Token
	scope scope
}

// token returns a token, or ErrNotFound.
func (m *moment) token(r Reader, id TokenID) (*scopedToken, error) {
	return remembered(m, m.tokens, id, func() (*scopedToken, error) {
		t, err := readToken(r, id)
		if err != nil {
			return nil, err
		}
		return newScopedToken(t), nil
	})
}

func newScopedToken(t Token) *scopedToken {
	return &scopedToken{Token: t, scope: scope{permissions: permissionsOf(t.Permissions), fleet: t.Fleet}}
}

// scopeOf gives a token's holder the token's power. One that was revoked or has ended
// has none.
func (s *Service) scopeOf(r Reader, a *access) error {
	t, err := a.moment.token(r, TokenID(a.who.Token))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case a.who.Maker != t.Maker:
		return fmt.Errorf("the token %s is %s's, not %s's", t.ID, t.Maker, a.who.Maker)
	}
	return s.powerOf(r, a, t)
}

// scopeTo is scopeOf for a token that was read before, perhaps in the same
// transaction as it was written.
func (s *Service) scopeTo(r Reader, a *access, t Token) error {
	return s.powerOf(r, a, newScopedToken(t))
}

func (s *Service) powerOf(r Reader, a *access, t *scopedToken) error {
	a.scope = &t.scope
	outlived, err := t.outlived(r)
	if err != nil || outlived || !a.now.Before(t.Until) {
		return err
	}
	known, err := s.makerOf(r, a.moment, t.Maker, a.now)
	a.held, a.makerIn = known.held, known.groups
	return err
}

// maker is what somebody holds who made tokens. It belongs to everybody.
type maker struct {
	held []holding
	// groups are the ids of those that they were last known to be in, whether or not
	// that still gives them anything.
	groups []string
	// again is when to read this anew: what confirms somebody's groups, so that they
	// go on counting, turns no revision. Zero for never.
	again time.Time
}

// makerOf returns what the principal with an id holds, as far as it is known without
// them. It belongs to everybody.
func (s *Service) makerOf(r Reader, m *moment, id string, now time.Time) (maker, error) {
	read := func() (maker, error) { return s.readMaker(r, m, id, now) }
	known, err := remembered(m, m.makers, id, read)
	if err != nil || known.again.IsZero() || now.Before(known.again) {
		return known, err
	}
	if known, err = read(); err == nil {
		keep(m, m.makers, id, known)
	}
	return known, err
}

func (s *Service) readMaker(r Reader, m *moment, id string, now time.Time) (maker, error) {
	p, again, err := s.principalUntil(r, id, now)
	if err != nil {
		return maker{}, err
	}
	a := &access{moment: m, who: p, now: now}
	if err := a.hold(r, p); err != nil {
		return maker{}, err
	}
	last, err := readMembership(r, s.people.named(id))
	if ifAny(err) != nil {
		return maker{}, err
	}
	known := maker{held: a.held[:len(a.held):len(a.held)], again: again}
	for _, group := range last.Groups {
		known.groups = append(known.groups, groupID(last.Issuer, group))
	}
	return known, nil
}

// principalOf makes the principal with an id, as if they called: somebody of a
// provider, in the groups that they were last known to be in, or the break-glass
// administrator. ErrNotFound is wrapped for any other id.
func (s *Service) principalOf(r Reader, id string) (identity.Principal, error) {
	p, _, err := s.principalUntil(r, id, s.now())
	return p, err
}

// lookAgain is how often it is looked whether groups that lapsed were confirmed.
const lookAgain = time.Minute

// principalUntil is principalOf, and says when to ask again; zero for not before the
// revision turns.
func (s *Service) principalUntil(r Reader, id string, now time.Time) (identity.Principal, time.Time, error) {
	if id == identity.NewBreakGlass().ID() {
		return identity.NewBreakGlass(), time.Time{}, nil
	}
	name, found := strings.CutPrefix(id, string(identity.OIDC)+":")
	issuer, subject, whole := strings.Cut(name, "#") // no issuer has one
	if !found || !whole {
		return identity.Principal{}, time.Time{}, fmt.Errorf("%.80q is nobody who signs in: %w", id, ErrNotFound)
	}
	p := identity.Principal{Kind: identity.OIDC, Issuer: issuer, Subject: subject, Name: subject}
	known, err := readMembership(r, s.people.named(id))
	if errors.Is(err, ErrNotFound) {
		return p, time.Time{}, nil
	}
	if err != nil {
		return p, time.Time{}, err
	}
	p.Name = known.Name
	lapses := known.SeenAt.Add(s.live().membershipLifetime)
	if !now.Before(lapses) {
		return p, now.Add(lookAgain), nil
	}
	p.Groups, p.Grants = known.Groups, s.live().standing(issuer, known.Groups)
	return p, lapses, nil
}
