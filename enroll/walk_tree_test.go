package enroll_test

import (
	"context"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// editFleetDeed renames a fleet, moves it, or both.
type editFleetDeed struct {
	fleet, parent *modelFleet // no parent stays where it is
	name          string      // empty stays as it is
}

func (d *editFleetDeed) weigh(m *model, p identity.Principal) verdict {
	if code := m.seen(p, identity.FleetEdit, d.fleet); code != "" {
		return refused(code)
	}
	if d.fleet.above == nil {
		return refused(enroll.WrongState)
	}
	if d.name == "" {
		d.name = d.fleet.name
	}
	parent := d.fleet.above
	if d.parent != nil {
		if code := m.seen(p, identity.FleetEdit, d.parent); code != "" {
			return refused(code)
		}
		parent = d.parent
	}
	if taken := m.child(parent, d.name); parent.within(d.fleet) || taken != nil && taken != d.fleet {
		return refused(enroll.Conflict)
	}
	v := verdict{
		permission: identity.FleetEdit, places: []*modelFleet{d.fleet}, subject: policy.SubjectAuthority,
		nothing: parent == d.fleet.above && d.name == d.fleet.name,
	}
	if parent != d.fleet.above {
		v.places = append(v.places, parent)
		if !m.mayMove(p, d.fleet, parent) {
			v.code = enroll.Forbidden
		}
	}
	return v
}

func (d *editFleetDeed) apply(_ *model, _ identity.Principal) {
	d.fleet.name = d.name
	if d.parent != nil {
		d.fleet.above = d.parent
	}
}

// mayMove reports whether somebody may move a fleet: they hold there, and for as
// long, whatever grants and tokens above the new parent come to give there; they may
// take grants where some come to give nothing there; and they may set policy where
// another one comes to hold there or to bind what is below.
func (m *model) mayMove(p identity.Principal, f, parent *modelFleet) bool {
	for _, g := range m.grants {
		role, _ := m.role(g.role)
		if g.void {
			role = 0
		}
		switch reached, reaches := f.within(g.fleet), parent.within(g.fleet) || g.fleet == f; {
		case m.ended(g.until), reached == reaches:
		case reached && !m.may(p, identity.GrantDelete, f), reaches && !m.mayFor(p, role, f, g.until):
			return false
		}
	}
	for _, t := range m.tokens {
		if !f.within(t.fleet) && parent.within(t.fleet) && !m.ended(t.until) && !m.mayFor(p, t.may, f, t.until) {
			return false
		}
	}
	return f.policy.below(parent.holds()) == f.holds() || m.may(p, identity.PolicySet, f)
}

func (w *walk) editFleet(p identity.Principal) *attempt {
	d := &editFleetDeed{fleet: w.fleetFor(p, identity.FleetEdit)}
	edit := enroll.FleetEdit{}
	if w.chance(40) {
		edit.Name = w.fleetName()
		d.name = edit.Name
	}
	if edit.Name == "" || w.chance(70) {
		d.parent = w.fleetFor(p, identity.FleetEdit)
		edit.Parent = d.parent.path()
		if w.chance(50) {
			edit.Parent = string(d.parent.id)
		}
	}
	return w.deed(p, identity.FleetEdit, d, "move %s to %s as %q", d.fleet.path(), edit.Parent, edit.Name).by(func(ctx context.Context) error {
		_, err := w.EditFleet(ctx, p, string(d.fleet.id), edit)
		return err
	})
}

func (w *walk) setPolicy(p identity.Principal) *attempt {
	d := &setPolicyDeed{fleet: w.fleetFor(p, identity.PolicySet)}
	if w.chance(70) {
		d.policy.set, d.policy.subjects = true, w.rand.IntN(8)
		if w.chance(25) {
			d.policy.subjects = 0
		}
	}
	if w.chance(20) {
		d.policy.overSet, d.policy.over = true, w.rand.IntN(4)
	}
	d.policy.loosen = w.chance(80)
	return w.deed(p, identity.PolicySet, d, "set the policy of %s to %+v", d.fleet.path(), d.policy).by(func(ctx context.Context) error {
		_, err := w.SetFleetPolicy(ctx, p, d.fleet.path(), d.policy.config(), 0)
		return err
	})
}

// createFleet makes a fleet right below another, or finds the one that is there.
func (w *walk) createFleet(p identity.Principal) *attempt {
	above, name := w.fleetFor(p, identity.FleetCreate), w.fleetName()
	there := w.model.child(above, name)
	a := w.attempt(p, "create %s in %s", name, above.path())
	switch {
	case !w.model.anywhere(p, identity.FleetCreate):
		a.want = refused(enroll.Forbidden)
	case there != nil:
		a.want = refused(w.model.seen(p, identity.FleetCreate, there))
	default:
		a.want = refused(w.model.seen(p, identity.FleetCreate, above))
	}
	if there == nil && a.want.code == "" && len(w.model.fleets) >= maxWalkFleets {
		return nil
	}
	var made enroll.FleetInfo
	a.call = func(ctx context.Context) (err error) {
		made, err = w.CreateFleet(ctx, p, string(identity.FleetPath(above.path()).Child(name)))
		return err
	}
	a.done = func(m *model) {
		if there == nil {
			m.fleets = append(m.fleets, &modelFleet{id: made.ID, name: name, above: above})
		}
	}
	return a
}

// fleetFor picks a fleet, mostly one where somebody holds a permission.
func (w *walk) fleetFor(p identity.Principal, permission identity.Permission) *modelFleet {
	all := w.model.fleets
	if w.chance(85) {
		held := slices.DeleteFunc(slices.Clone(all), func(f *modelFleet) bool { return !w.model.may(p, permission, f) })
		if len(held) > 0 {
			all = held
		}
	}
	return pick(w, all)
}

func (w *walk) fleetName() string { return pick(w, []string{"a", "b", "c", "d", "e"}) }
