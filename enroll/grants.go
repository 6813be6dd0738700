package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// NewGrant asks for a grant.
type NewGrant struct {
	For   string    `json:"for"` // whom it is for, as Grant.For
	Role  string    `json:"role"`
	Fleet string    `json:"fleet"`          // path of the branch
	Until time.Time `json:"until,omitzero"` // zero for no end
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
	if _, err := s.checkGrant(asked); err != nil {
		return GrantInfo{}, err
	}
	id, err := s.randomText(16)
	if err != nil {
		return GrantInfo{}, err
	}
	d := &createGrant{NewGrant: asked, ID: GrantID(id)}
	err = s.perform(ctx, p, d)
	return d.info, err
}

// createGrant gives a role on a branch.
type createGrant struct {
	NewGrant
	ID GrantID `json:"id"`
	// At is the fleet while it waits, whatever it is called by then.
	At identity.FleetID `json:"at,omitempty"`
	// Lineage is that of the device that it is for, as it was when it was asked for.
	Lineage string `json:"lineage,omitempty"`

	at   *place
	role knownRole
	info GrantInfo
}

func (d *createGrant) kind() deedKind { return deedCreateGrant }

func (d *createGrant) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	path, err := s.checkGrant(d.NewGrant)
	if err != nil {
		return w, err
	}
	if d.At != "" {
		d.at, err = a.lookUp(r, string(d.At))
	} else {
		d.at, err = a.find(r, path)
	}
	if err == nil {
		err = a.sees(d.at, identity.GrantCreate, identity.GrantRead)
	}
	if err != nil {
		return w, err
	}
	d.At = d.at.id
	w = weight{
		permission: identity.GrantCreate, places: []*place{d.at}, grant: a.grant(identity.GrantCreate, d.at), turns: true,
		subject: policy.SubjectAuthority, words: "give " + d.Role + " on " + string(d.at.path) + " to " + s.people.named(d.For) + lasting(d.Until),
	}
	if d.role, err = a.mayGive(r, identity.Role(d.Role), d.at, d.Until); err != nil {
		return w, err
	}
	if err := d.weighLineage(r, a); err != nil {
		return w, err
	}
	return w, a.mayHoldMore(r, d.For, d.at)
}

// weighLineage finds the lineage of the device that the grant is for, if it is for one,
// and refuses one that was enrolled anew since it was asked for.
func (d *createGrant) weighLineage(r Reader, a *access) error {
	id, _, ok := isDevice(d.For)
	if !ok {
		return nil
	}
	lineage, err := a.empowered(r, id, "for")
	if err == nil && d.Lineage != "" && d.Lineage != lineage {
		err = Refuse(Conflict, "device:%s was enrolled anew since this was asked for", id)
	}
	if err == nil {
		d.Lineage = lineage
	}
	return err
}

// lasting tells until when something lasts, for people.
func lasting(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return " until " + until.UTC().Format(time.RFC3339)
}

func (d *createGrant) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	event := s.event(ctx, a.who, GrantCreated)
	d.info = GrantInfo{FleetPath: d.at.path, Grant: Grant{
		ID: d.ID, For: d.For, Lineage: d.Lineage, Role: identity.Role(d.Role), RoleID: d.role.id, Fleet: d.at.id, Until: d.Until.UTC(), CreatedAt: s.now(), CreatedBy: event.Actor,
	}}
	event.Grant = w.grant
	s.tellGrant(&event, &d.info.Grant, d.at)
	return errors.Join(putGrant(tx, d.info.Grant), s.append(tx, a.who, event))
}

func (d *createGrant) after(*Service) {}

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
	if err == nil {
		err = a.sees(at, permission, reading)
	}
	if err != nil {
		return nil, err
	}
	return at, nil
}

// sees refuses whoever does not hold permission at a place.
func (a *access) sees(at *place, permission, reading identity.Permission) error {
	switch {
	case a.may(permission, at):
		return nil
	case a.may(reading, at) || a.may(identity.FleetRead, at):
		return forbidden(permission).in(at)
	default:
		return errFleet().in(at)
	}
}

// mayGive refuses to give a role that holds more than the giver does at a place.
func (a *access) mayGive(r Reader, name identity.Role, at *place, until time.Time) (knownRole, error) {
	role, err := a.moment.role(r, name)
	if errors.Is(err, ErrNotFound) {
		return role, RefuseField("role", "no such role; GET /api/v1/roles lists them")
	}
	if err != nil {
		return role, err
	}
	for _, permission := range identity.Permissions() {
		if role.may[permission] && !a.holdsUntil(permission, at, until) {
			return role, errBeyond(permission, string(at.path)).in(at)
		}
	}
	return role, nil
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
	return s.perform(ctx, p, &dropGrant{ID: id})
}

// dropGrant takes a grant back.
type dropGrant struct {
	ID string `json:"id"`

	grant Grant
	at    *place
}

func (d *dropGrant) kind() deedKind { return deedDeleteGrant }

func (d *dropGrant) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if d.grant, d.at, err = a.readGrant(r, d.ID); err != nil {
		return w, err
	}
	w = weight{
		permission: identity.GrantDelete, places: []*place{d.at}, grant: a.grant(identity.GrantDelete, d.at), turns: true,
		subject: policy.SubjectAuthority, words: "take " + string(d.grant.Role) + " on " + string(d.at.path) + " from " + s.people.named(d.grant.For),
	}
	switch {
	case w.grant != "":
	case d.grant.For == a.who.ID():
		w.grant = string(d.grant.ID)
	default:
		return w, forbidden(identity.GrantDelete).in(d.at)
	}
	return w, nil
}

func (d *dropGrant) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	event := s.event(ctx, a.who, GrantDeleted)
	event.Grant = w.grant
	s.tellGrant(&event, &d.grant, d.at)
	return errors.Join(deleteGrant(tx, d.grant), s.append(tx, a.who, event))
}

func (d *dropGrant) after(*Service) {}

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
