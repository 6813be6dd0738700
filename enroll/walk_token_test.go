package enroll_test

import (
	"context"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// tokenSeen is what comes of naming a token: it is its maker's and its own, and
// theirs who may see or revoke tokens there.
func (m *model) tokenSeen(p identity.Principal, t *modelToken) bool {
	return t != nil && (p.ID() == t.maker.ID() || p.ID() == t.principal().ID() ||
		m.may(p, identity.TokenRead, t.fleet) || m.may(p, identity.TokenRevoke, t.fleet))
}

func (w *walk) createToken(p identity.Principal) *attempt {
	m := w.model
	t := &modelToken{maker: p, fleet: w.fleetFor(p, identity.TokenCreate), until: m.now.Add(time.Duration(1+w.rand.IntN(300)) * time.Hour)}
	var held, wanted perms
	for i, permission := range identity.Permissions() {
		if !permission.Delegable() {
			continue
		}
		if wanted |= 1 << i & perms(w.rand.Uint64()); m.may(p, permission, t.fleet) {
			held |= 1 << i
		}
	}
	if t.may = wanted & held; t.may == 0 || w.chance(10) {
		t.may = wanted
	}
	if t.may == 0 || len(m.tokens) >= maxWalkTokens {
		return nil
	}
	a := w.attempt(p, "make a token on %s until %s: %v", t.fleet.path(), t.until, t.may.list())
	switch {
	case !m.anywhere(p, identity.TokenCreate), p.Kind != identity.OIDC && p.Kind != identity.BreakGlass:
		a.want = refused(enroll.Forbidden)
	default:
		if a.want.code = m.seen(p, identity.TokenCreate, t.fleet, identity.TokenRead); a.want.code == "" && t.may&^held != 0 {
			a.want.code = enroll.Forbidden
		}
	}
	var made enroll.MadeToken
	a.call = func(ctx context.Context) (err error) {
		made, err = w.CreateToken(ctx, p, enroll.NewToken{Name: "walk", Fleet: t.fleet.path(), Permissions: t.may.list(), Until: t.until})
		return err
	}
	a.done = func(m *model) {
		t.id = string(made.ID)
		m.tokens = append(m.tokens, t)
		m.remember(p)
		w.texts[t.id] = made.Text
	}
	return a
}

// someToken picks a token, and now and then one that is not there.
func (w *walk) someToken() *modelToken {
	if len(w.model.tokens) == 0 || w.chance(5) {
		return &modelToken{id: "0000000000000000", fleet: w.model.fleets[0]}
	}
	return pick(w, w.model.tokens)
}

func (w *walk) rotateToken(p identity.Principal) *attempt {
	m, t := w.model, w.someToken()
	until := t.until
	asked := enroll.Rotation{}
	if w.chance(60) {
		asked.Until = m.now.Add(time.Duration(1+w.rand.IntN(300)) * time.Hour)
		until = asked.Until
	}
	a := w.attempt(p, "rotate the token %s until %s", t.id, asked.Until)
	switch there := m.token(t.id); {
	case !m.tokenSeen(p, there):
		a.want = refused(enroll.NotFound)
	case p.ID() != t.maker.ID() && p.Kind != identity.BreakGlass, !m.may(p, identity.TokenCreate, t.fleet):
		a.want = refused(enroll.Forbidden)
	case m.ended(until):
		a.want = refused(enroll.WrongState)
	}
	var made enroll.MadeToken
	a.call = func(ctx context.Context) (err error) {
		made, err = w.RotateToken(ctx, p, t.id, asked)
		return err
	}
	a.done = func(m *model) {
		t.until = until
		m.remember(p)
		w.texts[t.id] = made.Text
	}
	return a
}

func (w *walk) revokeToken(p identity.Principal) *attempt {
	m, t := w.model, w.someToken()
	a := w.attempt(p, "revoke the token %s", t.id)
	switch there := m.token(t.id); {
	case !m.tokenSeen(p, there):
		a.want = refused(enroll.NotFound)
	case p.ID() != t.maker.ID() && !m.may(p, identity.TokenRevoke, t.fleet):
		a.want = refused(enroll.Forbidden)
	}
	a.call = func(ctx context.Context) error {
		_, err := w.RevokeToken(ctx, p, t.id)
		return err
	}
	a.done = func(m *model) {
		m.tokens = slices.DeleteFunc(m.tokens, func(it *modelToken) bool { return it == t })
		w.gone = append(w.gone, t.principal())
	}
	return a
}
