package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// findFleet returns the fleet that a path names, or ErrNotFound.
func findFleet(r Reader, path identity.FleetPath) (identity.FleetID, error) {
	id := identity.RootFleetID
	for _, name := range path.Segments() {
		found, err := r.Children(id, name, Page{Limit: 1})
		if err != nil {
			return "", err
		}
		if len(found.Items) == 0 {
			return "", ErrNotFound
		}
		id = found.Items[0].ID
	}
	return id, nil
}

// ensureFleet returns the place that a path names and makes what is missing of
// it, where the principal may. ids are fresh, one for each segment.
func (s *Service) ensureFleet(ctx context.Context, tx Tx, a *access, path identity.FleetPath, ids []identity.FleetID) (*place, error) {
	here, err := a.moment.place(tx, identity.RootFleetID)
	if err != nil {
		return nil, err
	}
	names := path.Segments()
	for i, name := range names {
		found, err := tx.Children(here.id, name, Page{Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(found.Items) == 0 {
			return s.makeFleets(ctx, tx, a, here, names[i:], ids[i:])
		}
		if here, err = a.moment.place(tx, found.Items[0].ID); err != nil {
			return nil, err
		}
	}
	return here, nil
}

// makeFleets makes fleets, each below the one before, and returns the place of the
// last. What is new is not remembered: this transaction may be given up.
func (s *Service) makeFleets(ctx context.Context, tx Tx, a *access, above *place, names []string, ids []identity.FleetID) (*place, error) {
	here := above.below(ids[0], names[0])
	if !a.may(identity.FleetCreate, here) {
		if !a.may(identity.FleetRead, here) {
			return nil, errFleet().in(above)
		}
		return nil, Refuse(Forbidden, "there is no fleet %s, and you may not create it", here.path).in(above)
	}
	if err := s.addFleets(tx, above, here, len(names)); err != nil {
		return nil, err
	}
	for i, name := range names {
		here = above.below(ids[i], name)
		event := s.event(ctx, a.who, FleetCreated)
		event.at(here)
		event.Grant = a.grant(identity.FleetCreate, here)
		if err := errors.Join(tx.PutFleet(identity.Fleet{ID: here.id, Parent: above.id, Name: name}), s.append(tx, a.who, event)); err != nil {
			return nil, err
		}
		above = here
	}
	return here, nil
}

// newFleetIDs makes ids for as many fleets as a path has segments.
func (s *Service) newFleetIDs(path identity.FleetPath) ([]identity.FleetID, error) {
	var ids []identity.FleetID
	for range path.Segments() {
		id, err := s.randomText(16)
		if err != nil {
			return nil, err
		}
		ids = append(ids, identity.FleetID(id))
	}
	return ids, nil
}
