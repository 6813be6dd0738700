package enroll

import (
	"context"
	"errors"
	"slices"

	"github.com/touchmark/touchmark/identity"
)

// maxFleets bounds how many branches one list may be selected by.
const maxFleets = 10_000

// fleetPath returns what a fleet is called now.
func fleetPath(r Reader, id identity.FleetID) (identity.FleetPath, error) {
	var names []string
	for id != identity.RootFleetID {
		fleet, err := r.Fleet(id)
		if err != nil {
			return "", err
		}
		names = append(names, fleet.Name)
		id = fleet.Parent
	}
	path := identity.RootFleet
	for _, name := range slices.Backward(names) {
		path = path.Child(name)
	}
	return path, nil
}

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

// branch returns a fleet and all that lie below it; nil, which selects all, for
// the root.
func branch(r Reader, path identity.FleetPath) ([]identity.FleetID, error) {
	if path == identity.RootFleet {
		return nil, nil
	}
	top, err := findFleet(r, path)
	if err != nil {
		return nil, err
	}
	fleets := []identity.FleetID{top}
	for i := 0; i < len(fleets); i++ {
		page := Page{Limit: MaxPage}
		for {
			children, err := r.Children(fleets[i], "", page)
			if err != nil {
				return nil, err
			}
			for _, child := range children.Items {
				fleets = append(fleets, child.ID)
			}
			if len(fleets) > maxFleets {
				return nil, RefuseField("fleet", "the branch has over %d fleets; name a smaller one", maxFleets)
			}
			if page.After = children.Next; page.After == "" {
				break
			}
		}
	}
	return fleets, nil
}

// ensureFleet returns the fleet that a path names and makes what is missing of
// it, where the principal may. ids are fresh, one for each segment.
func (s *Service) ensureFleet(ctx context.Context, tx Tx, p identity.Principal, path identity.FleetPath, ids []identity.FleetID) (identity.FleetID, error) {
	id, here := identity.RootFleetID, identity.RootFleet
	for i, name := range path.Segments() {
		here = here.Child(name)
		found, err := tx.Children(id, name, Page{Limit: 1})
		if err != nil {
			return "", err
		}
		if len(found.Items) > 0 {
			id = found.Items[0].ID
			continue
		}
		if !p.May(identity.FleetCreate, here) {
			return "", Refuse(Forbidden, "there is no fleet %s, and you may not create it", here)
		}
		fleet := identity.Fleet{ID: ids[i], Parent: id, Name: name}
		event := s.event(ctx, p, FleetCreated)
		event.Fleet = here
		if err := errors.Join(tx.PutFleet(fleet), s.append(tx, p, event)); err != nil {
			return "", err
		}
		id = fleet.ID
	}
	return id, nil
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
