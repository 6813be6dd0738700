package enroll_test

import (
	"context"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// deleteFleetDeed deletes a fleet.
type deleteFleetDeed struct{ fleet *modelFleet }

func (d *deleteFleetDeed) weigh(m *model, p identity.Principal) verdict {
	if code := m.seen(p, identity.FleetDelete, d.fleet); code != "" {
		return refused(code)
	}
	switch own := d.fleet.policy.says(); {
	case d.fleet.above == nil:
		return refused(enroll.WrongState)
	case own != (modelPolicy{}).says() && !m.may(p, identity.PolicySet, d.fleet):
		return refused(enroll.Forbidden)
	case !m.isEmpty(d.fleet):
		return refused(enroll.Conflict)
	}
	return verdict{permission: identity.FleetDelete, places: []*modelFleet{d.fleet}, subject: policy.SubjectAuthority}
}

// isEmpty reports whether there is nothing in a fleet but what has ended.
func (m *model) isEmpty(f *modelFleet) bool {
	return !slices.ContainsFunc(m.fleets, func(below *modelFleet) bool { return below.above == f }) &&
		!slices.ContainsFunc(m.devices, func(d *modelDevice) bool { return d.fleet == f }) &&
		!slices.ContainsFunc(m.grants, func(g *modelGrant) bool { return g.fleet == f && !m.ended(g.until) }) &&
		!slices.ContainsFunc(m.tokens, func(t *modelToken) bool { return t.fleet == f && !m.ended(t.until) })
}

func (d *deleteFleetDeed) apply(m *model, _ identity.Principal) {
	d.fleet.gone = true
	m.fleets = slices.DeleteFunc(slices.Clone(m.fleets), func(f *modelFleet) bool { return f == d.fleet })
	m.grants = slices.DeleteFunc(m.grants, func(g *modelGrant) bool { return g.fleet == d.fleet })
	m.tokens = slices.DeleteFunc(m.tokens, func(t *modelToken) bool { return t.fleet == d.fleet })
}

// deleteFleet mostly tries it on one in which there is nothing.
func (w *walk) deleteFleet(p identity.Principal) *attempt {
	f := w.fleetFor(p, identity.FleetDelete)
	empty := slices.DeleteFunc(slices.Clone(w.model.fleets), func(f *modelFleet) bool { return f.above == nil || !w.model.isEmpty(f) })
	if len(empty) > 0 && w.chance(70) {
		f = pick(w, empty)
	}
	name := f.path()
	if w.chance(50) {
		name = string(f.id)
	}
	d := &deleteFleetDeed{f}
	return w.deed(p, identity.FleetDelete, d, "delete %s", f.path()).by(func(ctx context.Context) error { return w.DeleteFleet(ctx, p, name) })
}
