package enroll

import (
	"errors"
	"slices"

	"github.com/touchmark/touchmark/identity"
)

// branches returns the fleets of all branches on which the principal holds
// permission, nil for the whole tree; none at all is not nil.
func (a *access) branches(r Reader, permission identity.Permission) ([]identity.FleetID, error) {
	tops, err := a.tops(r, permission)
	if err != nil {
		return nil, err
	}
	fleets := []identity.FleetID{}
	for _, top := range tops {
		if top.id == identity.RootFleetID {
			return nil, nil
		}
		if fleets, err = addBranch(r, fleets, top.id); err != nil {
			return nil, err
		}
	}
	return fleets, nil
}

// branch returns the fleets of the branch that a path names, nil for the whole
// tree. One on which the principal does not hold permission is not there.
func (a *access) branch(r Reader, permission identity.Permission, path identity.FleetPath) ([]identity.FleetID, error) {
	at, err := a.find(r, path)
	if err != nil {
		return nil, err
	}
	if !a.may(permission, at) {
		return nil, errFleet().in(at)
	}
	if at.id == identity.RootFleetID {
		return nil, nil
	}
	return addBranch(r, nil, at.id)
}

// fleetIn reads the branch of a query, where one is named.
func fleetIn(query string) (identity.FleetPath, error) {
	if query == "" {
		return "", nil
	}
	path, err := identity.ParseFleetPath(query)
	if err != nil {
		err = RefuseField("fleet", "%v", err)
	}
	return path, err
}

// selected returns the fleets of the branch that a path names, or of all branches
// where it is empty.
func (a *access) selected(r Reader, permission identity.Permission, path identity.FleetPath) ([]identity.FleetID, error) {
	if path == "" {
		return a.branches(r, permission)
	}
	return a.branch(r, permission, path)
}

func errFleet() *Refusal { return Refuse(NotFound, "no such fleet") }

// find returns the place that a path names, or a Refusal.
func (a *access) find(r Reader, path identity.FleetPath) (*place, error) {
	id, err := findFleet(r, path)
	if errors.Is(err, ErrNotFound) {
		return nil, errFleet()
	}
	if err != nil {
		return nil, err
	}
	return a.moment.place(r, id)
}

// tops returns the highest places at which the principal holds permission, none of
// them below another.
func (a *access) tops(r Reader, permission identity.Permission) ([]*place, error) {
	var found []*place
	for i := range a.held {
		h := &a.held[i]
		if !h.permissions[permission] || !h.lasts(a.now) {
			continue
		}
		top, err := a.top(r, h)
		if err != nil {
			return nil, err
		}
		if top == nil || slices.ContainsFunc(found, func(p *place) bool { return top.within(p.id) }) {
			continue
		}
		found = slices.DeleteFunc(found, func(p *place) bool { return p.within(top.id) })
		found = append(found, top)
	}
	return found, nil
}

// top returns the place from which a holding reaches down, within a scoped token's
// scope; nil where it reaches nothing.
func (a *access) top(r Reader, h *holding) (*place, error) {
	fleet := h.fleet
	if fleet == "" {
		var err error
		if fleet, err = findFleet(r, h.branch); errors.Is(err, ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	held, err := a.moment.place(r, fleet)
	if err != nil || a.scope == nil {
		return held, err
	}
	scope, err := a.moment.place(r, a.scope.fleet)
	switch {
	case err != nil:
		return nil, err
	case scope.within(held.id):
		return scope, nil
	case held.within(scope.id):
		return held, nil
	default:
		return nil, nil
	}
}

// maxFleets bounds how many fleets one list may be selected by.
const maxFleets = 10_000

// addBranch adds a fleet and all that lie below it.
func addBranch(r Reader, fleets []identity.FleetID, top identity.FleetID) ([]identity.FleetID, error) {
	fleets = append(fleets, top)
	for i := len(fleets) - 1; i < len(fleets); i++ {
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
