package enroll_test

import (
	"context"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// modelDevice is a device that was enrolled.
type modelDevice struct {
	id    identity.DeviceID
	fleet *modelFleet
	// lineage is the serial number of its first certificate.
	lineage string
	state   identity.State
	// owner is the id of a person, group that of a group; each may be empty.
	owner, group string
	offer        *modelOffer
	drawn        *modelCode
	started      *modelCode // the last one that it started, whatever became of it
}

// modelOffer is a transfer that may be accepted.
type modelOffer struct {
	to    string
	until time.Time
}

// modelCode is a code by which a device can be claimed.
type modelCode struct {
	code        string
	hash        string // where the code is not known
	by          string // the id of who answers for drawing it
	made, until time.Time
	spent       bool
}

func (d *modelDevice) principal() identity.Principal {
	return identity.Principal{Kind: identity.Certificate, Device: d.id, Lineage: d.lineage, Name: string(d.id)}
}

// owns reports whether a device is a person's own, or of a group that they are in.
func (m *model) owns(p identity.Principal, d *modelDevice) bool {
	return p.Kind == identity.OIDC && (d.owner == p.ID() ||
		slices.ContainsFunc(p.Groups, func(group string) bool { return d.group == groupOf(group) }))
}

func (m *model) ownsAny(p identity.Principal) bool {
	return slices.ContainsFunc(m.devices, func(d *modelDevice) bool { return m.owns(p, d) })
}

// ownersMay are the permissions that come with owning a device.
func ownersMay() []identity.Permission {
	return []identity.Permission{identity.DeviceRead, identity.DeviceHold, identity.CertificateRead}
}

// mayWith reports whether somebody may do something to a device, and whether that is
// by being its owner alone.
func (m *model) mayWith(p identity.Principal, permission identity.Permission, d *modelDevice) (may, owner bool) {
	if m.may(p, permission, d.fleet) {
		return true, false
	}
	owner = slices.Contains(ownersMay(), permission) && m.owns(p, d)
	return owner, owner
}

// deviceSeen is what comes of naming a device that one may not act on.
func (m *model) deviceSeen(p identity.Principal, d *modelDevice) enroll.Code {
	if may, _ := m.mayWith(p, identity.DeviceRead, d); may {
		return enroll.Forbidden
	}
	return enroll.NotFound
}

// needs reports whether somebody holds a permission at all, as an owner too.
func (m *model) needs(p identity.Principal, permission identity.Permission) bool {
	return m.anywhere(p, permission) || slices.Contains(ownersMay(), permission) && m.ownsAny(p)
}

// after returns the state that an action leads to.
func (d *modelDevice) after(action identity.Action) (identity.State, bool) {
	switch open := d.state == identity.Active || d.state == identity.Held; action {
	case identity.Hold:
		return identity.Held, open
	case identity.Release:
		return identity.Active, open
	case identity.Revoke:
		return identity.Revoked, d.state != identity.Retired
	default:
		return identity.Retired, d.state != identity.Revoked
	}
}

// actDeed holds, releases, revokes or retires a device.
type actDeed struct {
	device *modelDevice
	action identity.Action
}

func (d *actDeed) weigh(m *model, p identity.Principal) verdict {
	permission := identity.ActionPermission(d.action)
	may, owner := m.mayWith(p, permission, d.device)
	if !may {
		return refused(m.deviceSeen(p, d.device))
	}
	after, can := d.device.after(d.action)
	if !can {
		return refused(enroll.WrongState)
	}
	return verdict{
		permission: permission, places: []*modelFleet{d.device.fleet}, subject: policy.SubjectActions, devices: 1, owner: owner,
		nothing: after == d.device.state,
	}
}

func (d *actDeed) apply(*model, identity.Principal) { d.device.state, _ = d.device.after(d.action) }

func (w *walk) act(p identity.Principal) *attempt {
	action := pick(w, []identity.Action{identity.Hold, identity.Release, identity.Release})
	switch {
	case w.chance(2):
		action = identity.Revoke
	case w.chance(2):
		action = identity.Retire
	}
	d := &actDeed{w.deviceFor(p, identity.ActionPermission(action)), action}
	return w.deed(p, identity.ActionPermission(action), d, "%s %s", action, d.device.id).by(func(ctx context.Context) error {
		_, err := w.Act(ctx, p, string(d.device.id), action, "", "")
		return err
	})
}

// deviceFor picks a device, mostly one on which somebody holds a permission.
func (w *walk) deviceFor(p identity.Principal, permission identity.Permission) *modelDevice {
	all := w.model.devices
	if w.chance(80) {
		held := slices.DeleteFunc(slices.Clone(all), func(d *modelDevice) bool {
			may, _ := w.model.mayWith(p, permission, d)
			return !may && !w.model.owns(p, d)
		})
		if len(held) > 0 {
			all = held
		}
	}
	return pick(w, all)
}
