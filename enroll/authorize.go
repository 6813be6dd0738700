package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// Authorize refuses a principal that does not hold permission on the whole tree,
// for what doors offer by themselves, and records the refusal.
func (s *Service) Authorize(ctx context.Context, p identity.Principal, permission identity.Permission) error {
	if p.May(permission, identity.RootFleet) {
		return nil
	}
	return s.deny(ctx, p, permission)
}

// forbidden is the refusal of an operation on something that the caller may see.
func forbidden(permission identity.Permission) error {
	return Refuse(Forbidden, "this needs the permission %s there", permission)
}

// deny refuses p an operation and records that, for callers who proved who they
// are; others are counted.
func (s *Service) deny(ctx context.Context, p identity.Principal, permission identity.Permission) error {
	if p.Kind == identity.Anonymous {
		s.turnAway(Unauthenticated)
		return Refuse(Unauthenticated, "sign in first")
	}
	refusal := forbidden(permission)
	err := s.store.Update(ctx, func(tx Tx) error {
		event := s.event(ctx, p, RequestRefused)
		event.Operation, event.Code = string(permission), Forbidden
		return s.append(tx, p, event)
	})
	if err != nil {
		return errors.Join(err, refusal)
	}
	return refusal
}

// viewBranch runs a list's reads on the fleets of a branch on which p holds
// permission. A branch that p may not know of is not there.
func (s *Service) viewBranch(ctx context.Context, p identity.Principal, permission identity.Permission, fleet string, fn func(Reader, []identity.FleetID) error) error {
	if !p.MayAnywhere(permission) {
		return s.deny(ctx, p, permission)
	}
	path := identity.RootFleet
	if fleet != "" {
		var err error
		if path, err = identity.ParseFleetPath(fleet); err != nil {
			return RefuseField("fleet", "%v", err)
		}
	}
	if !p.May(permission, path) {
		return Refuse(NotFound, "no such fleet")
	}
	err := s.store.View(ctx, func(r Reader) error {
		fleets, err := branch(r, path)
		if errors.Is(err, ErrNotFound) {
			return Refuse(NotFound, "no such fleet")
		}
		if err != nil {
			return err
		}
		return fn(r, fleets)
	})
	return cursorFault(err)
}
