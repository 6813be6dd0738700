package enroll

import "github.com/touchmark/touchmark/identity"

// Deciding returns what decides about one principal within a transaction: May, for
// those who ask it very often.
func (s *Service) Deciding(r Reader, p identity.Principal) (func(identity.Permission, identity.FleetID) (bool, error), error) {
	a, err := s.access(r, p)
	if err != nil {
		return nil, err
	}
	return func(permission identity.Permission, fleet identity.FleetID) (bool, error) {
		at, err := a.moment.place(r, fleet)
		return err == nil && a.may(permission, at), err
	}, nil
}
