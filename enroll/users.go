package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// User returns who a pseudonymous id stands for, as records and devices name their
// owners: to those who may read devices on the whole tree or one of the person's, and to
// the person themselves.
func (s *Service) User(ctx context.Context, p identity.Principal, id string) (person Person, err error) {
	err = s.require(ctx, p, identity.DeviceRead, func(a *access, r Reader) (bool, error) {
		mine, err := a.user(r, id)
		return a.anywhere(identity.DeviceRead) || mine != "" && mine == a.self(), err
	})
	if err != nil {
		return Person{}, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		pseudonym, err := a.user(r, id)
		if err != nil {
			return err
		}
		known, err := a.mayKnow(r, pseudonym)
		if err != nil {
			return err
		}
		if !known {
			return Refuse(NotFound, "no such person")
		}
		person, err = r.Person(pseudonym)
		switch {
		case !errors.Is(err, ErrNotFound):
			return err
		case pseudonym == "" || pseudonym != a.self():
			return Refuse(NotFound, "no such person")
		default: // who has done nothing yet that was recorded
			person = Person{Pseudonym: pseudonym, ID: p.ID(), Name: p.Name}
			return nil
		}
	})
	return person, err
}

// maxKnownBy bounds how many of a person's devices are looked at for one that lets
// somebody know who the person is.
const maxKnownBy = MaxPage

// mayKnow reports whether the principal may know who a person is.
func (a *access) mayKnow(r Reader, pseudonym string) (bool, error) {
	whole, err := a.everywhere(r, identity.DeviceRead)
	if err != nil || whole || pseudonym != "" && pseudonym == a.self() {
		return err == nil, err
	}
	found, err := r.Documents(OwnedDocument, granteeKey(pseudonym)+"/", Page{Limit: maxKnownBy})
	if err != nil {
		return false, err
	}
	for _, document := range found.Items {
		var entry owned
		if err := decodeDocument(document, &entry); err != nil {
			return false, err
		}
		d, at, err := a.deviceAt(r, entry.Device)
		if err != nil {
			return false, err
		}
		if a.deviceGrant(identity.DeviceRead, &d, at) != "" {
			return true, nil
		}
	}
	return false, nil
}

// UserDevices lists what belongs to a person, as far as p may see it.
func (s *Service) UserDevices(ctx context.Context, p identity.Principal, id string, page Page) (List[DeviceInfo], error) {
	return s.Devices(ctx, p, DeviceQuery{Owner: id, Page: page})
}
