package enroll

import (
	"context"

	"github.com/touchmark/touchmark/identity"
)

// Authorize refuses a principal that does not hold permission on the whole tree,
// for what doors offer by themselves, and records the refusal.
func (s *Service) Authorize(ctx context.Context, p identity.Principal, permission identity.Permission) error {
	return s.require(ctx, p, permission, func(a *access, r Reader) (bool, error) { return a.everywhere(r, permission) })
}

// Begin records that p begins something with the whole installation that a door
// offers by itself, before it is done. It refuses a principal that does not hold
// permission on the whole tree.
func (s *Service) Begin(ctx context.Context, p identity.Principal, permission identity.Permission, kind EventKind) error {
	return s.store.Update(ctx, func(tx Tx) error {
		event := s.event(ctx, p, kind)
		var err error
		if event.Grant, err = s.grantAtRoot(tx, p, permission); err != nil {
			return err
		}
		return s.append(tx, p, event)
	})
}

// grantAtRoot names what gives p a permission on the whole tree, and refuses whom
// nothing does.
func (s *Service) grantAtRoot(r Reader, p identity.Principal, permission identity.Permission) (string, error) {
	a, err := s.access(r, p)
	if err != nil {
		return "", err
	}
	root, err := a.moment.place(r, identity.RootFleetID)
	if err != nil {
		return "", err
	}
	grant := a.grant(permission, root)
	if grant == "" {
		return "", forbidden(permission)
	}
	return grant, nil
}

// require refuses a principal of whom holds is not so, and records the refusal.
func (s *Service) require(ctx context.Context, p identity.Principal, permission identity.Permission, holds func(*access, Reader) (bool, error)) error {
	held := false
	if p.Kind != identity.Anonymous {
		err := s.store.View(ctx, func(r Reader) error {
			a, err := s.access(r, p)
			if err == nil {
				held, err = holds(a, r)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if !held {
		return s.deny(ctx, p, permission)
	}
	return nil
}

// need refuses a principal that holds permission nowhere at all, not even as an
// owner, and records the refusal.
func (s *Service) need(ctx context.Context, p identity.Principal, permission identity.Permission) error {
	return s.require(ctx, p, permission, func(a *access, r Reader) (bool, error) {
		if a.anywhere(permission) || !ownersMay(permission) {
			return a.anywhere(permission), nil
		}
		return a.ownsAny(r)
	})
}

// forbidden is the refusal of an operation on something that the caller may see.
func forbidden(permission identity.Permission) *Refusal {
	return Refuse(Forbidden, "this needs the permission %s there", permission)
}

// deny refuses p an operation and records that, for callers who proved who they
// are; others are counted.
func (s *Service) deny(ctx context.Context, p identity.Principal, permission identity.Permission) error {
	if p.Kind == identity.Anonymous {
		s.turnAway(Unauthenticated)
		return Refuse(Unauthenticated, "sign in first")
	}
	return s.Refused(ctx, p, permission, forbidden(permission))
}

// viewBranch runs a list's reads on the fleets of a branch on which p holds
// permission, or of all such branches where none is named; nil stands for the
// whole tree. A branch that p may not know of is not there.
func (s *Service) viewBranch(ctx context.Context, p identity.Principal, permission identity.Permission, fleet string, fn func(Reader, []identity.FleetID) error) error {
	if err := s.need(ctx, p, permission); err != nil {
		return err
	}
	path, err := fleetIn(fleet)
	if err != nil {
		return err
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		fleets, err := a.selected(r, permission, path)
		if err != nil {
			return err
		}
		return fn(r, fleets)
	})
	return cursorFault(err)
}
