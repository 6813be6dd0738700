package enroll_test

import (
	"context"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// createGrantDeed gives somebody a role on a branch.
type createGrantDeed struct{ modelGrant }

func (d *createGrantDeed) weigh(m *model, p identity.Principal) verdict {
	if m.ended(d.until) {
		return refused(enroll.BadRequest)
	}
	if code := m.seen(p, identity.GrantCreate, d.fleet, identity.GrantRead); code != "" {
		return refused(code)
	}
	may, there := m.role(d.role)
	if !there {
		return refused(enroll.BadRequest)
	}
	v := verdict{permission: identity.GrantCreate, places: []*modelFleet{d.fleet}, subject: policy.SubjectAuthority}
	if !m.mayFor(p, may, d.fleet, d.until) {
		v.code = enroll.Forbidden
	} else if !m.mayEmpower(p, d.to) {
		v = refused(enroll.BadRequest)
	}
	return v
}

// mayEmpower reports whether somebody may give power to whom a grant is for: a device
// must be enrolled, and one that they may read.
func (m *model) mayEmpower(p identity.Principal, to string) bool {
	for _, device := range m.devices {
		if device.principal().ID() == to {
			reads, _ := m.mayWith(p, identity.DeviceRead, device)
			return reads && (device.state == identity.Active || device.state == identity.Held)
		}
	}
	return true
}

func (d *createGrantDeed) apply(m *model, _ identity.Principal) {
	made := d.modelGrant
	m.grants = append(m.grants, &made)
}

// named takes the id that the service gave.
func (d *createGrantDeed) named(id string) { d.id = id }

// dropGrantDeed takes a grant back.
type dropGrantDeed struct{ id string }

func (d *dropGrantDeed) weigh(m *model, p identity.Principal) verdict {
	g := m.grant(d.id)
	if g == nil {
		return refused(enroll.NotFound)
	}
	own, drops := g.to == p.ID(), m.may(p, identity.GrantDelete, g.fleet)
	v := verdict{permission: identity.GrantDelete, places: []*modelFleet{g.fleet}, subject: policy.SubjectAuthority}
	switch {
	case own, drops:
	case m.may(p, identity.GrantRead, g.fleet):
		v.code = enroll.Forbidden
	default:
		v.code = enroll.NotFound
	}
	return v
}

func (d *dropGrantDeed) apply(m *model, _ identity.Principal) {
	m.grants = slices.DeleteFunc(m.grants, func(g *modelGrant) bool { return g.id == d.id })
}

// putRoleDeed writes a role.
type putRoleDeed struct{ modelRole }

func (d *putRoleDeed) weigh(m *model, p identity.Principal) verdict {
	root := m.fleets[0]
	if !m.may(p, identity.RoleEdit, root) {
		return refused(enroll.Forbidden)
	}
	if identity.Role(d.name).BuiltIn() {
		return refused(enroll.WrongState)
	}
	was, _ := m.role(d.name)
	v := verdict{permission: identity.RoleEdit, places: []*modelFleet{root}, subject: policy.SubjectAuthority, nothing: was == d.may}
	if !m.mayFor(p, d.may&^was, root, time.Time{}) {
		v.code = enroll.Forbidden
	}
	return v
}

func (d *putRoleDeed) apply(m *model, _ identity.Principal) {
	for _, role := range m.roles {
		if role.name == d.name {
			role.may = d.may
			return
		}
	}
	made := d.modelRole
	m.roles = append(m.roles, &made)
}

// dropRoleDeed deletes a role.
type dropRoleDeed struct{ name string }

func (d *dropRoleDeed) weigh(m *model, p identity.Principal) verdict {
	root := m.fleets[0]
	_, there := m.role(d.name)
	switch {
	case !m.may(p, identity.RoleEdit, root):
		return refused(enroll.Forbidden)
	case identity.Role(d.name).BuiltIn():
		return refused(enroll.WrongState)
	case !there:
		return refused(enroll.NotFound)
	default:
		return verdict{permission: identity.RoleEdit, places: []*modelFleet{root}, subject: policy.SubjectAuthority}
	}
}

func (d *dropRoleDeed) apply(m *model, _ identity.Principal) {
	m.roles = slices.DeleteFunc(m.roles, func(role *modelRole) bool { return role.name == d.name })
	for _, g := range m.grants {
		g.void = g.void || g.role == d.name
	}
}

func (w *walk) createGrant(p identity.Principal) *attempt {
	d := &createGrantDeed{modelGrant{to: w.grantee(), role: w.roleFor(p), fleet: w.fleetFor(p, identity.GrantCreate)}}
	if w.chance(50) {
		d.until = w.model.now.Add(time.Duration(1+w.rand.IntN(96)) * time.Hour)
	}
	if len(w.model.grants) >= maxWalkGrants {
		return nil
	}
	var made enroll.GrantInfo
	a := w.deed(p, identity.GrantCreate, d, "give %s on %s to %s until %s", d.role, d.fleet.path(), d.to, d.until)
	return a.making(func(ctx context.Context) (id string, err error) {
		made, err = w.CreateGrant(ctx, p, enroll.NewGrant{For: d.to, Role: d.role, Fleet: d.fleet.path(), Until: d.until})
		return string(made.ID), err
	})
}

// roleFor picks a role, mostly one that somebody could give without end somewhere.
func (w *walk) roleFor(p identity.Principal) string {
	names := w.roleNames()
	if w.chance(70) {
		given := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			may, _ := w.model.role(name)
			return may == 0 || !slices.ContainsFunc(w.model.holds(p), func(h held) bool { return may&^h.may == 0 })
		})
		if len(given) > 0 {
			names = given
		}
	}
	return pick(w, names)
}

func (w *walk) roleNames() []string {
	names := []string{"lead", "mover", "ruler", "odd", "nobody"}
	for _, role := range identity.Roles() {
		names = append(names, string(role))
	}
	return names
}

func (w *walk) dropGrant(p identity.Principal) *attempt {
	d := &dropGrantDeed{id: "unknown"}
	if len(w.model.grants) > 0 && w.chance(95) {
		g := pick(w, w.model.grants)
		d.id = g.id
		if len(w.model.grants) < maxWalkGrants/3 && w.chance(60) {
			return nil // so that there is something to hold on to
		}
	}
	return w.deed(p, "", d, "delete the grant %s", d.id).by(func(ctx context.Context) error {
		return w.DeleteGrant(ctx, p, d.id)
	})
}

func (w *walk) putRole(p identity.Principal) *attempt {
	d := &putRoleDeed{modelRole{name: pick(w, w.roleNames())}}
	if w.chance(90) && identity.Role(d.name).BuiltIn() {
		d.name = "odd"
	}
	for d.may == 0 {
		d.may = w.few() & permsOf(identity.Permissions()...) &^ permsOf(identity.DeviceEnrolAny)
	}
	if was, there := w.model.role(d.name); there && w.chance(50) {
		d.may = was&perms(w.rand.Uint64()) | d.may&w.few()
		if d.may == 0 {
			d.may = was
		}
	}
	return w.deed(p, "", d, "put the role %s: %v", d.name, d.may.list()).by(func(ctx context.Context) error {
		_, err := w.PutRole(ctx, p, d.name, d.may.list())
		return err
	})
}

// few has one bit in four.
func (w *walk) few() perms {
	one, other := w.rand.Uint64(), w.rand.Uint64()
	return perms(one & other)
}

func (w *walk) dropRole(p identity.Principal) *attempt {
	d := &dropRoleDeed{name: pick(w, w.roleNames())}
	return w.deed(p, "", d, "delete the role %s", d.name).by(func(ctx context.Context) error {
		return w.DeleteRole(ctx, p, d.name)
	})
}
