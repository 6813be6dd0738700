package enroll_test

import (
	"context"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// belong gives a device to others; what was offered, or could be claimed, is void
// then.
func (d *modelDevice) belong(owner, group string) {
	if d.owner == owner && d.group == group {
		return
	}
	d.owner, d.group, d.offer, d.drawn = owner, group, nil, nil
	if d.started != nil {
		d.started.spent = true
	}
}

// mayOwn reports whether somebody may give a device to others by their own doing:
// to themselves, or a group that they are in, only where they hold what owners may.
func (m *model) mayOwn(p identity.Principal, d *modelDevice, owner, group string) bool {
	then := &modelDevice{}
	if owner != d.owner {
		then.owner = owner
	}
	if group != d.group {
		then.group = group
	}
	return !m.owns(m.answers(p), then) || m.mayAll(p, d.fleet)
}

// mayAll reports whether somebody holds all that owners may at a fleet.
func (m *model) mayAll(p identity.Principal, at *modelFleet) bool {
	for _, permission := range ownersMay() {
		if !m.may(p, permission, at) {
			return false
		}
	}
	return true
}

// assignDeed says who owns a device; nil stays as it is.
type assignDeed struct {
	device      *modelDevice
	user, group *string
}

func (d *assignDeed) to() (owner, group string) {
	owner, group = d.device.owner, d.device.group
	if d.user != nil {
		owner = *d.user
	}
	if d.group != nil {
		group = *d.group
	}
	return owner, group
}

func (d *assignDeed) weigh(m *model, p identity.Principal) verdict {
	if !m.may(p, identity.DeviceAssign, d.device.fleet) {
		return refused(m.deviceSeen(p, d.device))
	}
	owner, group := d.to()
	v := verdict{
		permission: identity.DeviceAssign, places: []*modelFleet{d.device.fleet}, subject: policy.SubjectActions, devices: 1,
		nothing: owner == d.device.owner && group == d.device.group,
	}
	if !m.mayOwn(p, d.device, owner, group) {
		v.code = enroll.Forbidden
	}
	return v
}

func (d *assignDeed) apply(*model, identity.Principal) { d.device.belong(d.to()) }

// disownDeed leaves a device without an owner; its owner leaves it to the group.
type disownDeed struct {
	device *modelDevice
}

func (d *disownDeed) weigh(m *model, p identity.Principal) verdict {
	may := m.may(p, identity.DeviceAssign, d.device.fleet)
	owner := !may && p.Kind == identity.OIDC && d.device.owner == p.ID()
	if !may && !owner {
		return refused(m.deviceSeen(p, d.device))
	}
	return verdict{
		permission: identity.DeviceAssign, places: []*modelFleet{d.device.fleet}, subject: policy.SubjectActions, devices: 1,
		owner: owner, nothing: d.device.owner == "" && d.device.group == "",
	}
}

func (d *disownDeed) apply(m *model, p identity.Principal) {
	if m.may(p, identity.DeviceAssign, d.device.fleet) {
		d.device.belong("", "")
		return
	}
	d.device.belong("", d.device.group)
}

func (w *walk) assign(p identity.Principal) *attempt {
	d := &assignDeed{device: w.deviceFor(p, identity.DeviceAssign)}
	to := enroll.NewOwner{}
	if w.chance(70) {
		to.User = new(w.owner())
		d.user = to.User
	}
	if to.User == nil || w.chance(30) {
		to.Group = new("")
		if w.chance(70) {
			*to.Group = groupOf(pick(w, w.groupNames()))
		}
		d.group = to.Group
	}
	owner, group := d.to()
	return w.deed(p, identity.DeviceAssign, d, "give %s to %q and %q", d.device.id, owner, group).by(func(ctx context.Context) error {
		_, err := w.AssignOwner(ctx, p, string(d.device.id), to)
		return err
	})
}

// owner names a person, or now and then nobody.
func (w *walk) owner() string {
	if w.chance(10) {
		return ""
	}
	return pick(w, w.people).ID()
}

func (w *walk) disown(p identity.Principal) *attempt {
	d := &disownDeed{w.deviceFor(p, identity.DeviceAssign)}
	a := w.deed(p, "", d, "leave %s without an owner", d.device.id).by(func(ctx context.Context) error {
		return w.ReleaseOwner(ctx, p, string(d.device.id), "")
	})
	if !w.model.anywhere(p, identity.DeviceAssign) && !w.model.ownsAny(p) {
		a.refuse(enroll.Forbidden)
	}
	return a
}

func (w *walk) offer(p identity.Principal) *attempt {
	d, to := w.deviceFor(p, identity.DeviceAssign), pick(w, w.people).ID()
	a := w.attempt(p, "offer %s to %s", d.id, to)
	m := w.model
	mine := p.Kind == identity.OIDC && d.owner == p.ID()
	switch {
	case !m.anywhere(p, identity.DeviceAssign) && !m.ownsAny(p):
		a.refuse(enroll.Forbidden)
	case !mine && !m.may(p, identity.DeviceAssign, d.fleet):
		a.refuse(m.deviceSeen(p, d))
	case !mine:
		a.refuse(enroll.Forbidden)
	case d.state != identity.Active:
		a.refuse(enroll.WrongState)
	case to == d.owner:
		a.refuse(enroll.BadRequest)
	}
	a.call = func(ctx context.Context) error {
		_, err := w.OfferTransfer(ctx, p, string(d.id), to)
		return err
	}
	a.done = func(m *model) { d.offer = &modelOffer{to, m.now.Add(enroll.TransferLifetime)} }
	return a
}

// answer accepts an offer, declines it or takes it back.
func (w *walk) answer(p identity.Principal) *attempt {
	d := pick(w, w.model.devices)
	for range 8 {
		if d.offer == nil {
			d = pick(w, w.model.devices)
		}
	}
	if d.offer == nil && w.chance(80) {
		return nil
	}
	stands := d.offer != nil && w.model.now.Before(d.offer.until)
	mine := stands && p.ID() == d.offer.to
	switch how := w.rand.IntN(5); how {
	case 0, 1:
		a := w.attempt(p, "end the transfer of %s: %d", d.id, how)
		switch {
		case p.Kind != identity.OIDC:
			a.refuse(enroll.Forbidden)
		case how == 0 && !mine, how == 1 && (!stands || p.ID() != d.owner):
			a.refuse(enroll.NotFound)
		}
		a.call = func(ctx context.Context) error { return w.EndTransfer(ctx, p, string(d.id), how == 0) }
		a.done = func(*model) { d.offer = nil }
		return a
	default:
		a := w.attempt(p, "accept %s", d.id)
		switch {
		case p.Kind != identity.OIDC:
			a.refuse(enroll.Forbidden)
		case !mine:
			a.refuse(enroll.NotFound)
		case d.state != identity.Active:
			a.refuse(enroll.WrongState)
		}
		a.call = func(ctx context.Context) error {
			_, err := w.AcceptTransfer(ctx, p, string(d.id))
			return err
		}
		a.done = func(*model) { d.belong(p.ID(), d.group) }
		a.comesToOwn = true
		return a
	}
}

// claimTime is how long a code lasts that is drawn here.
const claimTime = 24 * time.Hour
