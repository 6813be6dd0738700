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
	return filled(a.people, "grants", q.Page, func(page Page) (List[GrantInfo], error) {
		return a.grantsPart(r, kind, below, only, page)
	})
}

// grantsPart reads one part of the documents of grants; only names the one fleet that
// they are to stand at, where that is asked for.
func (a *access) grantsPart(r Reader, kind DocumentKind, below string, only identity.FleetID, page Page) (list List[GrantInfo], err error) {
	found, err := r.Documents(kind, below, page)
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
