package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// TokenInfo is a token as a principal sees it.
type TokenInfo struct {
	Token
	FleetPath identity.FleetPath
	// Holds are those of its permissions that it has somewhere on its branch now,
	// because its maker has them; none once it has ended.
	Holds []identity.Permission
	// LastUsed is when it last opened a call, to a quarter of an hour where that was
	// at another node; zero for never.
	LastUsed time.Time
}

// OldUntil is until when the text before the last rotation is good; zero where it is
// not.
func (t TokenInfo) OldUntil(now time.Time) time.Time {
	for _, secret := range t.Secrets {
		if now.Before(secret.Until) {
			return secret.Until
		}
	}
	return time.Time{}
}

// tokenInfo is a token that may be told.
func (s *Service) tokenInfo(r Reader, m *moment, t Token, at *place) (TokenInfo, error) {
	info := TokenInfo{Token: t, FleetPath: at.path}
	a := &access{moment: m, who: t.principal(), now: s.now()}
	if err := s.scopeTo(r, a, t); err != nil {
		return info, err
	}
	for _, permission := range t.Permissions {
		tops, err := a.tops(r, permission)
		if err != nil {
			return info, err
		}
		if len(tops) > 0 {
			info.Holds = append(info.Holds, permission)
		}
	}
	var err error
	info.LastUsed, err = s.lastUse(r, t.ID)
	return info, err
}

// readToken returns a token that the principal may know of, and its place.
func (a *access) readToken(r Reader, id string) (Token, *place, error) {
	t, err := readToken(r, TokenID(id))
	if errors.Is(err, ErrNotFound) {
		return t, nil, errToken()
	}
	if err != nil {
		return t, nil, err
	}
	at, err := a.moment.place(r, t.Fleet)
	if err != nil {
		return t, nil, err
	}
	if !a.isOwn(&t) && !a.may(identity.TokenRead, at) && !a.may(identity.TokenRevoke, at) {
		return t, nil, errToken()
	}
	return t, at, nil
}

// isOwn reports whether a token is the principal's own work, or the principal itself.
func (a *access) isOwn(t *Token) bool {
	return a.who.ID() == t.Maker || a.who.Kind == identity.ScopedToken && a.who.Token == string(t.ID)
}

func errToken() error { return Refuse(NotFound, "no such token") }

// Token returns a token, without its text, which nobody keeps.
func (s *Service) Token(ctx context.Context, p identity.Principal, id string) (info TokenInfo, err error) {
	if p.Kind == identity.Anonymous {
		return info, s.deny(ctx, p, identity.TokenRead)
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		t, at, err := a.readToken(r, id)
		if err != nil {
			return err
		}
		info, err = s.tokenInfo(r, a.moment, t, at)
		return err
	})
	return info, err
}

// TokenQuery selects tokens: those for branches within one, or of one maker, or both;
// zero members select all. Ended ones are listed too, until they are revoked
// or forgotten.
type TokenQuery struct {
	Fleet string // path of a branch
	Maker string // a principal's id
	Page
}

// Tokens lists the tokens of one selection that p may know of: those on branches
// where p holds TokenRead, and p's own.
func (s *Service) Tokens(ctx context.Context, p identity.Principal, q TokenQuery) (list List[TokenInfo], err error) {
	if p.ID() == "" || q.Maker != p.ID() {
		if err := s.need(ctx, p, identity.TokenRead); err != nil {
			return list, err
		}
	}
	path, err := fleetIn(q.Fleet)
	if err != nil {
		return list, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		lists, err := a.tokenLists(r, q.Maker, path)
		if err != nil {
			return err
		}
		list, err = filled(s.people, "tokens", q.Page, func(page Page) (List[TokenInfo], error) {
			return readLists(r, lists, page, func(from documentList, d Document) (TokenInfo, bool, error) {
				info, told, err := s.listedToken(r, a, d, path)
				before := from.kind == TokenAtDocument && path == "" && info.Maker == a.who.ID() // among one's own
				return info, told && !before, err
			})
		})
		return err
	})
	return list, cursorFault(err)
}

// tokenLists are the lists of documents, by kind and prefix, that hold all that was
// asked for: read one after the other, so that a branch is listed without a look at
// the rest. A token may stand in two of them.
func (a *access) tokenLists(r Reader, maker string, path identity.FleetPath) ([]documentList, error) {
	if maker != "" {
		return []documentList{{TokenOfDocument, granteeKey(maker) + "/"}}, nil
	}
	var fleets []identity.FleetID
	var lists []documentList
	var err error
	if path == "" {
		lists = append(lists, documentList{TokenOfDocument, granteeKey(a.who.ID()) + "/"})
		fleets, err = a.branches(r, identity.TokenRead)
	} else {
		fleets, err = a.branch(r, identity.TokenRead, path)
	}
	if err != nil {
		return nil, err
	}
	if fleets == nil {
		return []documentList{{TokenDocument, ""}}, nil
	}
	return append(lists, below(TokenAtDocument, fleets)...), nil
}

// listedToken reads a token of a list, and whether it is to be told.
func (s *Service) listedToken(r Reader, a *access, d Document, path identity.FleetPath) (info TokenInfo, told bool, err error) {
	var t Token
	if err := decodeDocument(d, &t); err != nil {
		return info, false, err
	}
	at, err := a.moment.place(r, t.Fleet)
	if err != nil {
		return info, false, err
	}
	if !a.isOwn(&t) && !a.may(identity.TokenRead, at) || path != "" && !at.path.Within(path) {
		return info, false, nil
	}
	info, err = s.tokenInfo(r, a.moment, t, at)
	return info, err == nil, err
}
