package enroll

import (
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// Shift is what a move does to somebody's power over the branch that moves.
type Shift struct {
	GrantInfo
	Gains bool // power over the branch; else it is lost
}

// shifts returns the grants that reach a branch after a move and did not before, and
// those that no longer do. Ended grants shift nothing.
func shifts(r Reader, a *access, was, is *place) ([]Shift, error) {
	var found []Shift
	collect := func(from, to *place, gains bool) error {
		for _, id := range from.chain {
			if to.within(id) {
				continue
			}
			at, err := a.moment.place(r, id)
			if err != nil {
				return err
			}
			err = eachDocument(r, GrantAtDocument, string(id)+"/", func(g Grant) error {
				if g.Until.IsZero() || a.now.Before(g.Until) {
					found = append(found, Shift{GrantInfo: GrantInfo{Grant: g, FleetPath: at.path}, Gains: gains})
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := collect(is, was, true); err != nil {
		return nil, err
	}
	return found, collect(was, is, false)
}

// mayMove refuses a move that gives anybody, the mover among them, power over the
// branch that the mover does not hold there now; that takes power from anybody where
// the mover may not; or that changes what holds there, or how far fleets below may go,
// where the mover may not.
func (s *Service) mayMove(r Reader, a *access, was, is *place) error {
	moved, err := shifts(r, a, was, is)
	if err != nil {
		return err
	}
	for _, shift := range moved {
		if !shift.Gains {
			if !a.may(identity.GrantDelete, was) {
				return Refuse(Forbidden, "the move would take power over %s from others, which needs %s there", was.path, identity.GrantDelete)
			}
			continue
		}
		gives, err := a.moment.gives(r, &shift.Grant)
		if err != nil {
			return err
		}
		for permission := range gives {
			if !a.holdsUntil(permission, was, shift.Until) {
				return Refuse(Forbidden, "the move would give others %s on %s, which you do not hold there yourself, or not for so long", permission, was.path)
			}
		}
	}
	if !policy.Alike(was.policy, is.policy) && !a.may(identity.PolicySet, was) {
		return Refuse(Forbidden, "another policy would hold on %s or bind the fleets below it, which needs %s there", was.path, identity.PolicySet)
	}
	return s.mayReach(r, a, was, is)
}

// mayReach refuses a move that brings the branch under scoped tokens with a
// permission that the mover does not hold there.
func (s *Service) mayReach(r Reader, a *access, was, is *place) error {
	for _, id := range is.chain {
		if was.within(id) {
			continue
		}
		err := eachDocument(r, TokenAtDocument, string(id)+"/", func(t tokenReach) error {
			for _, permission := range t.Permissions {
				if t.Until.After(a.now) && !a.holdsUntil(permission, was, t.Until) {
					return Refuse(Forbidden, "the move would give a scoped token %s on %s, which you do not hold there yourself, or not for so long", permission, was.path)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tokenReach is what the document of a scoped token below its fleet says.
type tokenReach struct {
	Permissions []identity.Permission `json:"permissions"`
	Until       time.Time             `json:"until"`
}
