package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// FleetInfo is a fleet as a principal sees it.
type FleetInfo struct {
	ID     identity.FleetID
	Path   identity.FleetPath
	Parent identity.FleetID // empty for the root
	// Policy is what the fleet itself says; PolicyVersion counts its changes, 0 for
	// never.
	Policy        policy.Policy
	PolicyVersion uint64
}

// fleetPolicy is the document of a fleet's own policy.
type fleetPolicy struct {
	Policy    policy.Policy `json:"policy"`
	Version   uint64        `json:"version"`
	ChangedAt time.Time     `json:"changed_at"`
	ChangedBy string        `json:"changed_by"` // pseudonymous id
}

// readPolicy returns what a fleet itself says, which may be nothing.
func readPolicy(r Reader, id identity.FleetID) (fleetPolicy, error) {
	own, err := readDocument[fleetPolicy](r, PolicyDocument, string(id))
	if errors.Is(err, ErrNotFound) {
		return fleetPolicy{}, nil
	}
	return own, err
}

// fleetInfo returns what is told of the fleet at a place.
func fleetInfo(r Reader, at *place) (FleetInfo, error) {
	own, err := readPolicy(r, at.id)
	info := FleetInfo{ID: at.id, Path: at.path, Policy: own.Policy, PolicyVersion: own.Version}
	if n := len(at.chain); n > 1 {
		info.Parent = at.chain[n-2]
	}
	return info, err
}

// CreateFleet makes a fleet, and what is missing of its path, where p may. One that
// is there already is answered as it is.
func (s *Service) CreateFleet(ctx context.Context, p identity.Principal, path string) (info FleetInfo, err error) {
	if err := s.need(ctx, p, identity.FleetCreate); err != nil {
		return info, err
	}
	parsed, err := identity.ParseFleetPath(path)
	if err != nil {
		return info, RefuseField("path", "%v", err)
	}
	ids, err := s.newFleetIDs(parsed)
	if err != nil {
		return info, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		at, err := s.ensureFleet(ctx, tx, a, parsed, ids)
		if err != nil {
			return err
		}
		switch {
		case a.may(identity.FleetCreate, at):
		case a.may(identity.FleetRead, at):
			return forbidden(identity.FleetCreate).in(at)
		default:
			return errFleet().in(at)
		}
		info, err = fleetInfo(tx, at)
		return err
	})
	return info, err
}

// Fleet returns a fleet by its id or its path.
func (s *Service) Fleet(ctx context.Context, p identity.Principal, fleet string) (info FleetInfo, err error) {
	err = s.viewFleet(ctx, p, fleet, func(r Reader, _ *access, at *place) error {
		info, err = fleetInfo(r, at)
		return err
	})
	return info, err
}

// viewFleet runs reads on a fleet that p may read.
func (s *Service) viewFleet(ctx context.Context, p identity.Principal, fleet string, fn func(Reader, *access, *place) error) error {
	if err := s.need(ctx, p, identity.FleetRead); err != nil {
		return err
	}
	return s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		at, err := a.fleet(r, fleet, identity.FleetRead)
		if err != nil {
			return err
		}
		return fn(r, a, at)
	})
}

// fleet returns the place of a fleet, by id or path, where the principal holds
// permission.
func (a *access) fleet(r Reader, fleet string, permission identity.Permission) (*place, error) {
	at, err := a.lookUp(r, fleet)
	switch {
	case err != nil:
		return nil, err
	case a.may(permission, at):
		return at, nil
	case a.may(identity.FleetRead, at):
		return nil, forbidden(permission)
	default:
		return nil, errFleet()
	}
}

// lookUp returns the place of a fleet, by id or path.
func (a *access) lookUp(r Reader, fleet string) (*place, error) {
	if len(fleet) == 0 || fleet[0] == '/' {
		path, err := identity.ParseFleetPath(fleet)
		if err != nil {
			return nil, RefuseField("fleet", "%v", err)
		}
		return a.find(r, path)
	}
	if len(fleet) > 64 || !ascii(fleet) {
		return nil, errFleet()
	}
	at, err := a.moment.place(r, identity.FleetID(fleet))
	if errors.Is(err, ErrNotFound) {
		return nil, errFleet()
	}
	return at, err
}

// Fleets lists the fleets right below one, by name; without a parent, the highest
// that p may read.
func (s *Service) Fleets(ctx context.Context, p identity.Principal, parent string, page Page) (list List[FleetInfo], err error) {
	if parent != "" {
		err = s.viewFleet(ctx, p, parent, func(r Reader, _ *access, at *place) error {
			list, err = childrenOf(r, at, page)
			return err
		})
		return list, cursorFault(err)
	}
	if err := s.need(ctx, p, identity.FleetRead); err != nil {
		return list, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		list, err = highest(r, a, page)
		return err
	})
	return list, cursorFault(err)
}

// highest lists the highest fleets that the principal may read, by path. The cursor
// is the id of the last one.
func highest(r Reader, a *access, page Page) (list List[FleetInfo], err error) {
	tops, err := a.tops(r, identity.FleetRead)
	if err != nil {
		return list, err
	}
	slices.SortFunc(tops, func(a, b *place) int { return strings.Compare(string(a.path), string(b.path)) })
	if page.After != "" {
		last := slices.IndexFunc(tops, func(at *place) bool { return string(at.id) == page.After })
		if last < 0 {
			return list, ErrCursor
		}
		tops = tops[last+1:]
	}
	if page.Limit == 0 {
		page.Limit = DefaultPage
	}
	if len(tops) > page.Limit {
		tops = tops[:page.Limit]
		list.Next = string(tops[page.Limit-1].id)
	}
	for _, at := range tops {
		info, err := fleetInfo(r, at)
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, info)
	}
	return list, nil
}

func childrenOf(r Reader, at *place, page Page) (list List[FleetInfo], err error) {
	found, err := r.Children(at.id, "", page)
	if err != nil {
		return list, err
	}
	list.Next = found.Next
	for _, child := range found.Items {
		info, err := fleetInfo(r, at.below(child.ID, child.Name))
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, info)
	}
	return list, nil
}

// EffectivePolicy tells what holds at a fleet, and from which ancestor.
func (s *Service) EffectivePolicy(ctx context.Context, p identity.Principal, fleet string) (settings []policy.Setting, err error) {
	err = s.viewFleet(ctx, p, fleet, func(_ Reader, _ *access, at *place) error {
		settings = at.policy.Explain()
		return nil
	})
	return settings, err
}

// DevicePolicy tells what holds for a device, and from which fleet.
func (s *Service) DevicePolicy(ctx context.Context, p identity.Principal, id string) (settings []policy.Setting, err error) {
	if err := s.need(ctx, p, identity.DeviceRead); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		info, err := s.readDevice(r, p, id, identity.DeviceRead)
		if err == nil {
			settings = info.at.policy.Explain()
		}
		return err
	})
	return settings, err
}
