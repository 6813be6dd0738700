package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// NewOwner says who is to own a device. Nil members stay as they are, empty ones
// leave nobody.
type NewOwner struct {
	// User is a person: "person:…" as records name them, or oidc:<issuer>#<subject>.
	User *string
	// Group is group:<issuer>#<group>, whose members own the device too.
	Group   *string
	Comment string
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
	var info DeviceInfo
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		if info, err = s.readDevice(tx, p, id, identity.DeviceAssign); err != nil {
			return err
		}
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		change := ownerChange{to: ownersOf(&info.Device), by: p, how: "assign", grant: info.grant, comment: to.Comment}
		setIf(&change.to.group, to.Group)
		if to.User != nil {
			if change.to.person, err = s.owner(tx, a, "user", *to.User); err != nil {
				return err
			}
		}
		return s.assign(ctx, tx, a, &info, change)
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, info)
}

// owner returns the pseudonym of a person who is to own something, and writes who
// that is where it was not known; nobody for an empty name.
func (s *Service) owner(tx Tx, a *access, field, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	pseudonym, err := a.user(tx, name)
	if err == nil && pseudonym == "" {
		err = errUser(field)
	}
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
	d, was := &info.Device, ownersOf(&info.Device)
	if c.to == was {
		return nil
	}
	given := c.to // what is new to them
	if given.person == was.person {
		given.person = ""
	}
	if given.group == was.group {
		given.group = ""
	}
	if err := a.mayOwn(given, info.at); err != nil {
		return err
	}
	return errors.Join(s.changeOwner(ctx, tx, d, info.at, c), putOwned(tx, d, s.now()))
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
	return s.store.Update(ctx, func(tx Tx) error {
		info, a, err := s.readOwn(tx, p, id, identity.DeviceAssign)
		if err != nil {
			return err
		}
		change := ownerChange{by: p, how: "release", grant: info.grant, comment: comment}
		if info.grant == ownersGrant {
			change.to.group = info.OwnerGroup
		}
		return s.assign(ctx, tx, a, &info, change)
	})
}

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
	return a.mayOwn(to, info.at)
}
