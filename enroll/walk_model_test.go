package enroll_test

import (
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// model is what the random walks hold the service against: who may do what, written
// down a second time, in the plainest way, and without any of the code that decides.
type model struct {
	now      time.Time
	lapse    time.Duration // how long groups count without their member calling
	fleets   []*modelFleet // the root first
	roles    []*modelRole  // of the organisation's own
	grants   []*modelGrant
	tokens   []*modelToken
	known    map[string]*modelMember // those who left something to be done, by id
	devices  []*modelDevice
	requests []*modelRequest
	jobs     []*modelJob
	acts     []modelAct
}

// perms is a set of permissions, a bit for each place in identity.Permissions.
type perms uint64

func permsOf(list ...identity.Permission) (set perms) {
	for _, permission := range list {
		set |= 1 << slices.Index(identity.Permissions(), permission)
	}
	return set
}

func (s perms) has(permission identity.Permission) bool { return s&permsOf(permission) != 0 }

func (s perms) list() (list []string) {
	for i, permission := range identity.Permissions() {
		if s&(1<<i) != 0 {
			list = append(list, string(permission))
		}
	}
	return list
}

type modelFleet struct {
	id     identity.FleetID
	name   string
	above  *modelFleet // nil for the root
	policy modelPolicy
	gone   bool
}

func (f *modelFleet) within(branch *modelFleet) bool {
	for ; f != nil; f = f.above {
		if f == branch {
			return true
		}
	}
	return false
}

func (f *modelFleet) path() string {
	if f.above == nil {
		return "/"
	}
	return strings.TrimSuffix(f.above.path(), "/") + "/" + f.name
}

type modelRole struct {
	name string
	may  perms
}

type modelGrant struct {
	id, to, role string
	fleet        *modelFleet
	until        time.Time // zero for no end
	void         bool      // its role was deleted
}

type modelToken struct {
	id    string
	maker identity.Principal // as far as it never changes: its groups do
	may   perms
	fleet *modelFleet
	until time.Time
}

func (t *modelToken) principal() identity.Principal {
	return identity.Principal{Kind: identity.ScopedToken, Token: t.id, Maker: t.maker.ID()}
}

// role returns what a role may do, and whether there is such a role.
func (m *model) role(name string) (perms, bool) {
	if identity.Role(name).BuiltIn() {
		return permsOf(identity.Role(name).Permissions()...), true
	}
	for _, role := range m.roles {
		if role.name == name {
			return role.may, true
		}
	}
	return 0, false
}

// held is a part of somebody's power.
type held struct {
	may   perms
	fleet *modelFleet
	until time.Time // zero for no end
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ended reports whether what lasts until then is over.
func (m *model) ended(until time.Time) bool { return !until.IsZero() && !m.now.Before(until) }

// holds returns all that somebody holds now.
func (m *model) holds(p identity.Principal) (all []held) {
	root := m.fleets[0]
	switch p.Kind {
	case identity.BreakGlass:
		return []held{{permsOf(identity.Permissions()...), root, time.Time{}}}
	case identity.ScopedToken:
		return m.holdsByToken(m.token(p.Token))
	default:
	}
	for _, g := range p.Grants {
		all = append(all, held{permsOf(g.Role.Permissions()...), root, time.Time{}})
	}
	for _, g := range m.grants {
		may, there := m.role(g.role)
		if there && !g.void && !m.ended(g.until) && (g.to == p.ID() || slices.ContainsFunc(p.Groups, func(group string) bool { return g.to == groupOf(group) })) {
			all = append(all, held{may, g.fleet, g.until})
		}
	}
	return all
}

// holdsByToken is what both a token and its maker hold.
func (m *model) holdsByToken(t *modelToken) (all []held) {
	if t == nil || m.ended(t.until) {
		return nil
	}
	for _, h := range m.holds(m.remembered(t.maker)) {
		switch h.may &= t.may; {
		case t.fleet.within(h.fleet):
			h.fleet = t.fleet
		case !h.fleet.within(t.fleet):
			continue
		}
		h.until = earlier(h.until, t.until)
		all = append(all, h)
	}
	return all
}

// may reports whether somebody holds a permission at a fleet.
func (m *model) may(p identity.Principal, permission identity.Permission, at *modelFleet) bool {
	return slices.ContainsFunc(m.holds(p), func(h held) bool { return h.may.has(permission) && at.within(h.fleet) })
}

// mayFor is may, for as long as until says.
func (m *model) mayFor(p identity.Principal, may perms, at *modelFleet, until time.Time) bool {
	all := m.holds(p)
	for i := range identity.Permissions() {
		one := may & (1 << i)
		if one != 0 && !slices.ContainsFunc(all, func(h held) bool {
			return h.may&one != 0 && at.within(h.fleet) && (h.until.IsZero() || !until.IsZero() && !until.After(h.until))
		}) {
			return false
		}
	}
	return true
}

// anywhere reports whether somebody holds a permission on any branch. A token is
// asked what its maker holds of it, wherever that is.
func (m *model) anywhere(p identity.Principal, permission identity.Permission) bool {
	if p.Kind == identity.ScopedToken {
		t := m.token(p.Token)
		return t != nil && !m.ended(t.until) && t.may.has(permission) && m.anywhere(m.remembered(t.maker), permission)
	}
	return slices.ContainsFunc(m.holds(p), func(h held) bool { return h.may.has(permission) })
}

func (m *model) token(id string) *modelToken {
	for _, t := range m.tokens {
		if t.id == id {
			return t
		}
	}
	return nil
}

func (m *model) grant(id string) *modelGrant {
	for _, g := range m.grants {
		if g.id == id {
			return g
		}
	}
	return nil
}

// child returns the fleet called name right below another, nil for none.
func (m *model) child(above *modelFleet, name string) *modelFleet {
	for _, f := range m.fleets {
		if f.above == above && f.name == name {
			return f
		}
	}
	return nil
}

// seen is what comes of asking for something at a fleet: it is not there for who
// holds neither the permission nor one of those by which one may know of it.
func (m *model) seen(p identity.Principal, permission identity.Permission, at *modelFleet, by ...identity.Permission) enroll.Code {
	if at.gone {
		return enroll.NotFound
	}
	if m.may(p, permission, at) {
		return ""
	}
	for _, reading := range append(by, identity.FleetRead) {
		if m.may(p, reading, at) {
			return enroll.Forbidden
		}
	}
	return enroll.NotFound
}
