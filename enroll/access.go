package enroll

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// holding is a set of permissions that somebody holds on a branch.
type holding struct {
	// grant names what gives it, as events tell it: the id of a grant, or where else
	// it comes from, such as "configuration:admin".
	grant       string
	role        identity.Role
	permissions permissions
	fleet       identity.FleetID   // the branch, of a grant
	branch      identity.FleetPath // the branch, of what the configuration gives
	until       time.Time          // zero for no end
	// lineage is that of the device that it was given to, and given when that was.
	lineage string
	given   time.Time
	// superseded says that the device was enrolled anew since.
	superseded bool
}

// lasts reports whether the holding has not ended, and is the holder's still.
func (h *holding) lasts(now time.Time) bool {
	return !h.superseded && (h.until.IsZero() || now.Before(h.until))
}

// covers reports whether the holding reaches a place at a time.
func (h *holding) covers(at *place, now time.Time) bool {
	if !h.lasts(now) {
		return false
	}
	if h.fleet != "" {
		return at.within(h.fleet)
	}
	return at.path.Within(h.branch)
}

// access is what one principal may do, as one transaction sees it. Whatever is not
// held is denied.
type access struct {
	moment *moment
	people *people
	who    identity.Principal
	now    time.Time
	held   []holding
	// scope narrows what a scoped token may do, to less than its maker may; nil for
	// everybody else.
	scope *scope
	// makerIn are the ids of the groups that a scoped token's maker was last known to
	// be in. They own nothing by that; it is their own doing what the token does.
	makerIn []string
}

// scope is what a scoped token was made for.
type scope struct {
	permissions permissions
	fleet       identity.FleetID
}

// access finds what p may do. It costs two lookups in memory once it is warm.
func (s *Service) access(r Reader, p identity.Principal) (*access, error) {
	m, err := s.live().moments.at(r)
	if err != nil {
		return nil, err
	}
	a := &access{moment: m, people: s.people, who: p, now: s.now()}
	switch p.Kind {
	case identity.Anonymous, identity.System:
		return a, nil
	case identity.ScopedToken:
		return a, s.scopeOf(r, a)
	case identity.Certificate:
		if err := a.hold(r, p); err != nil {
			return a, err
		}
		return a, s.keepToLineage(r, a)
	default:
		return a, a.hold(r, p)
	}
}

// hold gives p what the configuration and the grants give. Whoever is in groups is
// remembered whole: to ask after each group would take longer than to decide.
func (a *access) hold(r Reader, p identity.Principal) error {
	gather := func() ([]holding, error) { return a.moment.gather(r, p) }
	held, err := []holding(nil), error(nil)
	if len(p.Groups) == 0 {
		held, err = gather()
	} else {
		held, err = remembered(a.moment, a.moment.people, personKey(p), gather)
	}
	a.held = slices.Clip(held) // it belongs to everybody
	return err
}

// gather returns what the configuration and the grants give to p.
func (m *moment) gather(r Reader, p identity.Principal) ([]holding, error) {
	var all []holding
	for _, g := range p.Grants {
		name := "configuration:" + string(g.Role)
		if p.Kind == identity.BreakGlass {
			name = string(identity.BreakGlass)
		}
		all = append(all, holding{grant: name, role: g.Role, permissions: m.builtIn[g.Role], branch: g.Fleet})
	}
	if p.Kind == identity.BreakGlass {
		return all, nil
	}
	for _, who := range grantees(p) {
		held, err := remembered(m, m.holdings, who, func() ([]holding, error) { return m.readHoldings(r, who) })
		if err != nil {
			return nil, err
		}
		all = append(all, held...)
	}
	return all, nil
}

// personKey tells apart all that decides what somebody in groups holds. Each part
// stands behind its length, so that none can be taken for two.
func personKey(p identity.Principal) string {
	key := make([]byte, 0, 1024)
	add := func(part string) { key = append(binary.AppendUvarint(key, uint64(len(part))), part...) }
	add(p.ID())
	add(p.Issuer)
	for _, g := range p.Grants {
		add(string(g.Role))
		add(string(g.Fleet))
	}
	add("") // no role is called that
	for _, group := range p.Groups {
		add(group)
	}
	return string(key)
}

// grantees are the keys that grants for p stand under: its own and its groups'.
func grantees(p identity.Principal) []string {
	keys := make([]string, 0, 1+len(p.Groups))
	keys = append(keys, granteeKey(p.ID()))
	for _, group := range p.Groups {
		keys = append(keys, granteeKey(groupID(p.Issuer, group)))
	}
	return keys
}

// groupID names a group of a provider as grants do: "group:<issuer>#<group>".
func groupID(issuer, group string) string { return "group:" + issuer + "#" + group }

// granteeKey is what stands in keys of documents for a principal or a group, whose
// id is of any length and holds any character.
func granteeKey(id string) string {
	hash := sha256.Sum256([]byte(id))
	return hex.EncodeToString(hash[:16])
}

// deciding returns the holding that gives permission at a place, nil for none.
func (a *access) deciding(permission identity.Permission, at *place) *holding {
	if a.scope != nil && (!a.scope.permissions[permission] || !at.within(a.scope.fleet)) {
		return nil
	}
	for i := range a.held {
		if h := &a.held[i]; h.permissions[permission] && h.covers(at, a.now) {
			return h
		}
	}
	return nil
}

// may reports whether the principal holds permission at a place.
func (a *access) may(permission identity.Permission, at *place) bool {
	return a.deciding(permission, at) != nil
}

// grant names what lets the principal do something at a place, for events.
func (a *access) grant(permission identity.Permission, at *place) string {
	if h := a.deciding(permission, at); h != nil {
		return h.grant
	}
	return ""
}

// anywhere reports whether the principal holds permission on any branch at all.
func (a *access) anywhere(permission identity.Permission) bool {
	if a.scope != nil && !a.scope.permissions[permission] {
		return false
	}
	return slices.ContainsFunc(a.held, func(h holding) bool {
		return h.permissions[permission] && h.lasts(a.now)
	})
}

// everywhere reports whether the principal holds permission on the whole tree.
func (a *access) everywhere(r Reader, permission identity.Permission) (bool, error) {
	root, err := a.moment.place(r, identity.RootFleetID)
	return err == nil && a.may(permission, root), err
}
