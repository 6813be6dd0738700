package enroll

import (
	"context"

	"github.com/touchmark/touchmark/identity"
)

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
// group, or all. Ended ones are listed too, until they are deleted
// or forgotten.
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
	path, err := fleetIn(q.Fleet)
	if err != nil {
		return list, err
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
func (a *access) grants(r Reader, q GrantQuery, path identity.FleetPath) (List[GrantInfo], error) {
	lists, only, err := a.grantLists(r, q, path)
	if err != nil {
		return List[GrantInfo]{}, err
	}
	pick := func(from documentList, d Document) (info GrantInfo, told bool, err error) {
		if err := decodeDocument(d, &info.Grant); err != nil {
			return info, false, err
		}
		at, err := a.moment.place(r, info.Fleet)
		if err != nil {
			return info, false, err
		}
		info.FleetPath = at.path
		mine := info.For == a.who.ID()
		before := len(lists) > 1 && from.kind == GrantAtDocument && mine // among one's own
		return info, (mine || a.may(identity.GrantRead, at)) && !before && (only == "" || info.Fleet == only), nil
	}
	return filled(a.people, "grants", q.Page, func(page Page) (List[GrantInfo], error) { return readLists(r, lists, page, pick) })
}

// grantLists are the lists of documents that hold all that was asked for, and the
// fleet that alone was asked for, if one was.
func (a *access) grantLists(r Reader, q GrantQuery, path identity.FleetPath) (lists []documentList, only identity.FleetID, err error) {
	if path != "" {
		at, err := a.see(r, path, identity.GrantRead, identity.GrantRead)
		if err != nil {
			return nil, "", err
		}
		lists, only = below(GrantAtDocument, []identity.FleetID{at.id}), at.id
	}
	if q.For != "" {
		lists = []documentList{{GrantOfDocument, granteeKey(q.For) + "/"}}
	}
	if lists != nil {
		return lists, only, nil
	}
	fleets, err := a.branches(r, identity.GrantRead)
	if err != nil {
		return nil, "", err
	}
	if fleets == nil {
		return []documentList{{GrantDocument, ""}}, "", nil
	}
	own := documentList{GrantOfDocument, granteeKey(a.who.ID()) + "/"}
	return append([]documentList{own}, below(GrantAtDocument, fleets)...), "", nil
}
