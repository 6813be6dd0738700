package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// AuditQuery selects records of the log, oldest first; empty members select all.
type AuditQuery struct {
	// Fleet is the path of a branch: what happened in fleets that lie in it now.
	Fleet string
	// Device is a device's id.
	Device string
	// Principal is who did it: the id that the log knows them by, the id of a
	// principal (identity.Principal.ID), or "me".
	Principal string
	// Kinds are kinds of events, or the beginnings of such with ".*" after them.
	Kinds []string
	// From and Until bound when it happened; Until is not within.
	From, Until time.Time
	Page
}

// whole reports whether the query selects the whole log.
func (q *AuditQuery) whole() bool {
	return q.Fleet == "" && q.Device == "" && q.Principal == "" && len(q.Kinds) == 0 && q.From.IsZero() && q.Until.IsZero()
}

// Bounds of a query.
const (
	maxAuditKinds     = 64
	maxAuditPrincipal = 1024 // bytes
)

// me stands for the caller in AuditQuery.Principal.
const me = "me"

// Audit returns a part of the log: where all of it is asked for, by somebody who may
// read all, the lines of an export, as AuditLines does; or else the records that are
// selected and that p may read, which prove nothing. Whoever holds AuditRead on a
// branch may read what happened in its fleets; what happened in no fleet is for those
// alone who hold it on the whole tree. A part may have no record at all, and a next
// one.
func (s *Service) Audit(ctx context.Context, p identity.Principal, q AuditQuery) (List[[]byte], error) {
	if err := s.need(ctx, p, identity.AuditRead); err != nil {
		return List[[]byte]{}, err
	}
	filter, err := s.auditFilter(p, &q)
	if err != nil {
		return List[[]byte]{}, err
	}
	whole := false
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		if err := filter.enter(r, a); err != nil {
			return err
		}
		whole, err = a.everywhere(r, identity.AuditRead)
		return err
	})
	if err != nil {
		return List[[]byte]{}, err
	}
	if whole && q.whole() {
		return s.AuditLines(ctx, p, q.Page)
	}
	list, err := s.walkAudit(ctx, p, filter, q.Page)
	return list, cursorFault(err)
}

// auditFilter is a query that was checked.
type auditFilter struct {
	fleet    identity.FleetPath // empty for all
	fleetID  identity.FleetID
	device   identity.DeviceID
	created  time.Time // when the device was first known; zero where that is not to be told
	actor    string
	kinds    []string // exact, or ending in a dot
	from, to time.Time
}

// auditFilter checks a query and reports every fault.
func (s *Service) auditFilter(p identity.Principal, q *AuditQuery) (*auditFilter, error) {
	f := &auditFilter{from: q.From, to: q.Until, actor: q.Principal}
	fleet, fleetErr := optional(q.Fleet, "fleet", identity.ParseFleetPath)
	device, deviceErr := optional(q.Device, "device", identity.ParseDeviceID)
	f.fleet, f.device = fleet, device
	kinds, kindsErr := auditKinds(q.Kinds)
	f.kinds = kinds
	var whoErr, timeErr error
	switch {
	case len(q.Principal) > maxAuditPrincipal || !identity.Printable(q.Principal):
		whoErr = RefuseField("principal", "a principal is the actor of a record, oidc:<issuer>#<subject>, or me")
	case q.Principal == me:
		f.actor = s.people.pseudonym(p)
	default:
		f.actor = s.people.named(q.Principal)
	}
	if !q.From.IsZero() && !q.Until.IsZero() && !q.Until.After(q.From) {
		timeErr = RefuseField("until", "a time ends after it begins")
	}
	return f, errors.Join(fleetErr, deviceErr, whoErr, kindsErr, timeErr)
}

// auditKinds checks which kinds are asked for.
func auditKinds(asked []string) ([]string, error) {
	if len(asked) > maxAuditKinds {
		return nil, RefuseField("kind", "at most %d kinds are asked for at once", maxAuditKinds)
	}
	var kinds []string
	for _, kind := range asked {
		begin, whole := strings.CutSuffix(kind, "*")
		ok := slices.ContainsFunc(EventKinds(), func(known EventKind) bool {
			if !whole {
				return string(known) == kind
			}
			return strings.HasSuffix(begin, ".") && strings.HasPrefix(string(known), begin)
		})
		if !ok {
			return nil, RefuseField("kind", "there is no kind %.64q; a kind is one of those that docs/events.md lists, or its beginning and .*, such as device.*", kind)
		}
		kinds = append(kinds, begin)
	}
	return kinds, nil
}

// enter finds the branch that is asked for, which p may read, and the device.
func (f *auditFilter) enter(r Reader, a *access) error {
	if f.fleet != "" {
		at, err := a.find(r, f.fleet)
		if err != nil {
			return err
		}
		if !a.may(identity.AuditRead, at) {
			return errFleet().in(at)
		}
		f.fleetID = at.id
	}
	if f.device == "" {
		return nil
	}
	d, err := r.Device(f.device)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	at, err := a.moment.place(r, d.Fleet)
	if err == nil && a.may(identity.AuditRead, at) {
		f.created = d.CreatedAt
	}
	return err
}
