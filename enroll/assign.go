package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// NewOwner says who is to own a device. Nil members stay as they are, empty ones
// leave nobody.
type NewOwner struct {
	// User is a person: "person:…" as records name them, or oidc:<issuer>#<subject>.
	User *string `json:"user,omitempty"`
	// Group is group:<issuer>#<group>, whose members own the device too.
	Group   *string `json:"group,omitempty"`
	Comment string  `json:"comment,omitempty"`
}

// AssignOwner gives a device to a person, to a group, or to both. It ends what the
// owner before offered, and voids codes by which the device could be claimed.
func (s *Service) AssignOwner(ctx context.Context, p identity.Principal, id string, to NewOwner) (DeviceInfo, error) {
	if err := s.need(ctx, p, identity.DeviceAssign); err != nil {
		return DeviceInfo{}, err
	}
	if err := to.check(); err != nil {
		return DeviceInfo{}, err
	}
	d := &assignOwner{Device: id, NewOwner: to}
	if err := s.perform(ctx, p, d); err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, d.info)
}

// assignOwner gives a device to a person or a group.
type assignOwner struct {
	Device string `json:"device"`
	NewOwner

	info   DeviceInfo
	change ownerChange
}

func (d *assignOwner) kind() deedKind { return deedAssign }

func (d *assignOwner) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if err := d.check(); err != nil {
		return w, err
	}
	if d.info, err = s.readDevice(r, a.who, d.Device, identity.DeviceAssign); err != nil {
		return w, err
	}
	d.change = ownerChange{to: ownersOf(&d.info.Device), by: a.who, how: "assign", grant: d.info.grant, comment: d.Comment}
	setIf(&d.change.to.group, d.Group)
	if d.User != nil {
		if d.change.to.person, err = s.findOwner(r, a, "user", *d.User); err != nil {
			return w, err
		}
	}
	return weight{
		permission: identity.DeviceAssign, places: []*place{d.info.at}, grant: d.info.grant, subject: policy.SubjectActions, devices: 1,
		words:          "give " + d.Device + " to " + d.change.to.words(),
		changesNothing: d.change.to == ownersOf(&d.info.Device),
	}, a.mayBeGiven(r, &d.info, d.change.to)
}

func (d *assignOwner) do(ctx context.Context, s *Service, tx Tx, a *access, _ weight) error {
	if d.User != nil {
		if err := s.know(tx, *d.User); err != nil {
			return err
		}
	}
	return s.assign(ctx, tx, a, &d.info, d.change)
}

func (d *assignOwner) after(*Service) {}

// words names owners for people.
func (o owners) words() string {
	switch {
	case o.none():
		return "nobody"
	case o.group == "":
		return o.person
	case o.person == "":
		return o.group
	default:
		return o.person + " and " + o.group
	}
}

// findOwner returns the pseudonym of a person who is to own something; nobody for an
// empty name.
func (s *Service) findOwner(r Reader, a *access, field, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	pseudonym, err := a.user(r, name)
	if err == nil && pseudonym == "" {
		err = errUser(field)
	}
	return pseudonym, err
}

// owner returns the pseudonym of a person who is to own something, and writes who
// that is where it was not known; nobody for an empty name.
func (s *Service) owner(tx Tx, a *access, field, name string) (string, error) {
	pseudonym, err := s.findOwner(tx, a, field, name)
	return pseudonym, errors.Join(err, s.know(tx, name))
}

func (n NewOwner) check() error {
	if n.User == nil && n.Group == nil {
		return RefuseField("user", "name the person or the group that is to own the device")
	}
	if n.Group != nil && *n.Group != "" {
		if err := checkOwnerGroup("group", *n.Group); err != nil {
			return err
		}
	}
	return checkComment(n.Comment)
}

// assign changes whom a device belongs to, if that changes anything.
func (s *Service) assign(ctx context.Context, tx Tx, a *access, info *DeviceInfo, c ownerChange) error {
	d := &info.Device
	if c.to == ownersOf(d) {
		return nil
	}
	if err := a.mayBeGiven(tx, info, c.to); err != nil {
		return err
	}
	return errors.Join(s.changeOwner(ctx, tx, d, info.at, c), putOwned(tx, d, s.now()))
}

// mayBeGiven refuses to make the principal an owner of what it could not hold, by its
// own doing.
func (a *access) mayBeGiven(r Reader, info *DeviceInfo, to owners) error {
	was := ownersOf(&info.Device)
	if to.person == was.person {
		to.person = ""
	}
	if to.group == was.group {
		to.group = ""
	}
	return a.mayOwn(r, to, info.at)
}

// ReleaseOwner leaves a device without an owner. Whoever may assign it takes it from
// the person and the group; the person themselves gives it up for their part. One of
// the owning group cannot give away what all of them share.
func (s *Service) ReleaseOwner(ctx context.Context, p identity.Principal, id, comment string) error {
	err := s.needOwner(ctx, p)
	if err == nil {
		err = checkComment(comment)
	}
	if err != nil {
		return err
	}
	return s.perform(ctx, p, &releaseOwner{Device: id, Comment: comment})
}

// releaseOwner leaves a device without an owner.
type releaseOwner struct {
	Device  string `json:"device"`
	Comment string `json:"comment,omitempty"`

	info DeviceInfo
}

func (d *releaseOwner) kind() deedKind { return deedRelease }

func (d *releaseOwner) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if d.info, _, err = s.readOwn(r, a.who, d.Device, identity.DeviceAssign); err != nil {
		return w, err
	}
	return weight{
		permission: identity.DeviceAssign, places: []*place{d.info.at}, grant: d.info.grant, subject: policy.SubjectActions, devices: 1,
		words: "leave " + d.Device + " without an owner", changesNothing: ownersOf(&d.info.Device).none(),
	}, nil
}

func (d *releaseOwner) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	change := ownerChange{by: a.who, how: "release", grant: w.grant, comment: d.Comment}
	if w.grant == ownersGrant {
		change.to.group = d.info.OwnerGroup
	}
	return s.assign(ctx, tx, a, &d.info, change)
}

func (d *releaseOwner) after(*Service) {}

// readOwn returns a device that p holds permission on or that is p's own, as a
// person and not as one of a group.
func (s *Service) readOwn(r Reader, p identity.Principal, id string, permission identity.Permission) (DeviceInfo, *access, error) {
	return s.readDeviceBy(r, p, id, permission, func(a *access, d *Device, at *place) (string, error) {
		if grant := a.grant(permission, at); grant != "" || d.Owner == "" || d.Owner != a.self() {
			return grant, nil
		}
		return ownersGrant, nil
	})
}

// giveTo says in an order who is to own its devices, as far as that is named.
func (s *Service) giveTo(tx Tx, a *access, info *OrderInfo, user, group *string) error {
	order := &info.Order
	to := owners{order.Owner, order.OwnerGroup}
	was := to
	if user != nil {
		var err error
		if to.person, err = s.owner(tx, a, "owner", *user); err != nil {
			return err
		}
	}
	setIf(&to.group, group)
	if to == was {
		return nil
	}
	if to.group != "" {
		if err := checkOwnerGroup("owner_group", to.group); err != nil {
			return err
		}
	}
	if !a.may(identity.DeviceAssign, info.at) {
		return forbidden(identity.DeviceAssign)
	}
	order.Owner, order.OwnerGroup = to.person, to.group
	return a.mayOwn(tx, to, info.at)
}
