package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// NewGrant asks for a grant.
type NewGrant struct {
	For   string // whom it is for, as Grant.For
	Role  string
	Fleet string    // path of the branch
	Until time.Time // zero for no end
}

// GrantInfo is a grant as a principal sees it.
type GrantInfo struct {
	Grant
	FleetPath identity.FleetPath
}

// holdsUntil reports whether the principal holds permission at a place for as long
// as until says, zero being without end.
func (a *access) holdsUntil(permission identity.Permission, at *place, until time.Time) bool {
	if a.scope != nil {
		return false // a scoped token ends, and gives nothing on
	}
	for i := range a.held {
		h := &a.held[i]
		long := h.until.IsZero() || !until.IsZero() && !until.After(h.until)
		if long && h.permissions[permission] && h.covers(at, a.now) {
			return true
		}
	}
	return false
}

// CreateGrant gives a role on a branch. Nobody gives what they do not hold there, or
// for longer than they hold it.
func (s *Service) CreateGrant(ctx context.Context, p identity.Principal, asked NewGrant) (GrantInfo, error) {
	if err := s.need(ctx, p, identity.GrantCreate); err != nil {
		return GrantInfo{}, err
	}
	path, err := s.checkGrant(asked)
	if err != nil {
		return GrantInfo{}, err
	}
	id, err := s.randomText(16)
	if err != nil {
		return GrantInfo{}, err
	}
	var info GrantInfo
	err = s.changeAuthority(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		at, err := a.see(tx, path, identity.GrantCreate, identity.GrantRead)
		if err != nil {
			return err
		}
		if err := a.mayGive(tx, identity.Role(asked.Role), at, asked.Until); err != nil {
			return err
		}
		event := s.event(ctx, p, GrantCreated)
		info = GrantInfo{FleetPath: at.path, Grant: Grant{
			ID: GrantID(id), For: asked.For, Role: identity.Role(asked.Role), Fleet: at.id, Until: asked.Until.UTC(),
			CreatedAt: s.now(), CreatedBy: event.Actor,
		}}
		event.Grant = a.grant(identity.GrantCreate, at)
		s.tellGrant(&event, &info.Grant, at)
		return errors.Join(putGrant(tx, info.Grant), s.append(tx, p, event))
	})
	return info, err
}

// checkGrant reports every fault of what was asked for.
func (s *Service) checkGrant(asked NewGrant) (identity.FleetPath, error) {
	path, pathErr := identity.ParseFleetPath(asked.Fleet)
	if pathErr != nil {
		pathErr = RefuseField("fleet", "%v", pathErr)
	}
	_, roleErr := identity.ParseRole(asked.Role)
	if roleErr != nil || identity.Role(asked.Role) == identity.BreakGlassRole {
		roleErr = RefuseField("role", "a role is one of %v or of the organisation's own; GET /api/v1/roles lists them", identity.Roles())
	}
	untilErr := checkTime("until", asked.Until)
	if untilErr == nil && !asked.Until.IsZero() && !asked.Until.After(s.now()) {
		untilErr = RefuseField("until", "a grant ends in the future")
	}
	return path, errors.Join(checkGrantee(asked.For), roleErr, pathErr, untilErr)
}

// see returns the place that a path names, where the principal holds permission.
// What it may not even read there is not there.
func (a *access) see(r Reader, path identity.FleetPath, permission, reading identity.Permission) (*place, error) {
	at, err := a.find(r, path)
	switch {
	case err != nil:
		return nil, err
	case a.may(permission, at):
		return at, nil
	case a.may(reading, at) || a.may(identity.FleetRead, at):
		return nil, forbidden(permission).in(at)
	default:
		return nil, errFleet().in(at)
	}
}

// mayGive refuses to give a role that holds more than the giver does at a place.
func (a *access) mayGive(r Reader, name identity.Role, at *place, until time.Time) error {
	role, err := a.moment.role(r, name)
	if errors.Is(err, ErrNotFound) {
		return RefuseField("role", "no such role; GET /api/v1/roles lists them")
	}
	if err != nil {
		return err
	}
	for _, permission := range identity.Permissions() {
		if role[permission] && !a.holdsUntil(permission, at, until) {
			return errBeyond(permission, string(at.path)).in(at)
		}
	}
	return nil
}

// tellGrant says in an event which grant it is about.
func (s *Service) tellGrant(event *Event, g *Grant, at *place) {
	event.at(at)
	event.About, event.Role, event.For = string(g.ID), g.Role, s.people.named(g.For)
	if !g.Until.IsZero() {
		event.NotAfter = &g.Until
	}
}

// DeleteGrant takes a grant back. Its holder may give up their own.
func (s *Service) DeleteGrant(ctx context.Context, p identity.Principal, id string) error {
	if p.Kind == identity.Anonymous {
		return s.deny(ctx, p, identity.GrantDelete)
	}
	return s.changeAuthority(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		g, at, err := a.readGrant(tx, id)
		if err != nil {
			return err
		}
		event := s.event(ctx, p, GrantDeleted)
		switch event.Grant = a.grant(identity.GrantDelete, at); {
		case event.Grant == "" && g.For == p.ID():
			event.Grant = string(g.ID)
		case event.Grant == "":
			return forbidden(identity.GrantDelete).in(at)
		}
		s.tellGrant(&event, &g, at)
		return errors.Join(deleteGrant(tx, g), s.append(tx, p, event))
	})
}

// readGrant returns a grant that the principal may know of, and its place.
func (a *access) readGrant(r Reader, id string) (Grant, *place, error) {
	g, err := readGrant(r, GrantID(id))
	if errors.Is(err, ErrNotFound) {
		return g, nil, errGrant()
	}
	if err != nil {
		return g, nil, err
	}
	at, err := a.moment.place(r, g.Fleet)
	if err != nil {
		return g, nil, err
	}
	if g.For != a.who.ID() && !a.may(identity.GrantRead, at) && !a.may(identity.GrantDelete, at) {
		return g, nil, errGrant().in(at)
	}
	return g, at, nil
}

func errGrant() *Refusal { return Refuse(NotFound, "no such grant") }

// Grant returns a grant.
func (s *Service) Grant(ctx context.Context, p identity.Principal, id string) (info GrantInfo, err error) {
	if p.Kind == identity.Anonymous {
		return info, s.deny(ctx, p, identity.GrantRead)
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		g, at, err := a.readGrant(r, id)
		if err == nil {
			info = GrantInfo{Grant: g, FleetPath: at.path}
		}
		return err
	})
	return info, err
}

// GrantQuery selects grants: those that stand at one fleet, or for one principal or
// group, or all. Ended ones are listed too, until they are deleted.
type GrantQuery struct {
	Fleet, For string
	Page
}

// Grants lists the grants of one selection that p may know of: their holder's own,
// and those on branches where p holds GrantRead.
func (s *Service) Grants(ctx context.Context, p identity.Principal, q GrantQuery) (list List[GrantInfo], err error) {
	if p.ID() == "" || q.For != p.ID() {
		if err := s.need(ctx, p, identity.GrantRead); err != nil {
			return list, err
		}
	}
	var path identity.FleetPath
	if q.Fleet != "" {
		if path, err = identity.ParseFleetPath(q.Fleet); err != nil {
			return list, RefuseField("fleet", "%v", err)
		}
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		list, err = a.grants(r, q, path)
		return err
	})
	return list, cursorFault(err)
}

// grants reads one part of a list of grants, and leaves out what is not to be told.
func (a *access) grants(r Reader, q GrantQuery, path identity.FleetPath) (list List[GrantInfo], err error) {
	kind, below, only := GrantDocument, "", identity.FleetID("")
	if path != "" {
		at, err := a.see(r, path, identity.GrantRead, identity.GrantRead)
		if err != nil {
			return list, err
		}
		kind, below, only = GrantAtDocument, string(at.id)+"/", at.id
	}
	if q.For != "" {
		kind, below = GrantOfDocument, granteeKey(q.For)+"/"
	}
	found, err := r.Documents(kind, below, q.Page)
	if err != nil {
		return list, err
	}
	list.Next = found.Next
	for _, d := range found.Items {
		var g Grant
		if err := decodeDocument(d, &g); err != nil {
			return list, err
		}
		at, err := a.moment.place(r, g.Fleet)
		if err != nil {
			return list, err
		}
		told := g.For == a.who.ID() || a.may(identity.GrantRead, at)
		if told && (only == "" || g.Fleet == only) {
			list.Items = append(list.Items, GrantInfo{Grant: g, FleetPath: at.path})
		}
	}
	return list, nil
}
