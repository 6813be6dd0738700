package enroll

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// Question asks whether somebody may do something somewhere.
type Question struct {
	// As is the id of a principal (identity.Principal.ID) or of a group, as grants name
	// them; empty for the caller.
	As string
	// Groups are those that a person or service is taken to be in, rather than those
	// that are remembered of them: only those are remembered who left something to be
	// done without them.
	Groups     []string
	Permission string
	On         string // path or id of a fleet, or the id of a device
}

// Explanation answers a Question.
type Explanation struct {
	Allowed bool
	Fleet   identity.FleetPath // that was asked about, or that the device is in
	// Deciding is the grant that gives it, the first that does. Others are those that
	// give the same permission elsewhere or not any more, as far as the caller may know
	// of their branches.
	Deciding *HeldGrant
	Others   []HeldGrant
	// Waits says that it would wait for a second person.
	Waits bool
	// Groups are those by which it was decided, as they were last seen for somebody
	// else than the caller.
	Groups []string
}

// HeldGrant is a grant as it bears on a question.
type HeldGrant struct {
	Grant string // its id, or "configuration:" and a role, or "break-glass"
	Role  identity.Role
	Fleet identity.FleetPath
	Until time.Time
	// Why is why it does not decide: "elsewhere", "ended", "enrolled anew since", of a
	// device, or "outside the token's scope"; empty for one that does.
	Why string
}

// maxAskedGroups bounds the groups that a question names.
const maxAskedGroups = 500

// Explain tells which grant decides. About oneself everybody may ask; about others,
// and about oneself in other groups, whoever holds AccessExplain on the fleet.
func (s *Service) Explain(ctx context.Context, p identity.Principal, q Question) (answer Explanation, err error) {
	if p.Kind == identity.Anonymous {
		return answer, s.deny(ctx, p, identity.AccessExplain)
	}
	if q.As == "" {
		q.As = p.ID()
	}
	self := q.As == p.ID() && len(q.Groups) == 0
	if !self {
		if err := s.need(ctx, p, identity.AccessExplain); err != nil {
			return answer, err
		}
	}
	if len(q.Groups) > maxAskedGroups {
		return answer, RefuseField("groups", "name at most %d groups", maxAskedGroups)
	}
	permission := identity.Permission(q.Permission)
	if !permission.Known() {
		return answer, RefuseField("permission", "no such permission; there are %v", identity.Permissions())
	}
	err = s.store.View(ctx, func(r Reader) error {
		asking, err := s.access(r, p)
		if err != nil {
			return err
		}
		asked := asking
		if !self {
			if asked, err = s.accessOf(r, q); err != nil {
				return err
			}
		}
		at, device, err := s.askedAbout(r, asking, q.On, self)
		if err != nil {
			return err
		}
		if answer, err = asked.explain(r, permission, at); err != nil {
			return err
		}
		if !self || asking.scope != nil {
			if err := answer.narrow(r, asking, at); err != nil {
				return err
			}
		}
		if device != nil && answer.Deciding == nil {
			answer.explainOwner(asked, device, permission)
		} else if answer.Deciding != nil {
			answer.Waits, err = s.mustWait(r, asked, weight{subject: subjectOf(permission), places: []*place{at}, grant: answer.Deciding.Grant, devices: 1})
		}
		answer.Groups = asked.who.Groups
		return err
	})
	return answer, err
}

// askedAbout finds where a question is about. About oneself one may ask of what one
// can see; about others of where one holds AccessExplain.
func (s *Service) askedAbout(r Reader, asking *access, on string, self bool) (*place, *Device, error) {
	reading := identity.AccessExplain
	if !strings.HasPrefix(on, "/") {
		if id, err := identity.ParseDeviceID(on); err == nil {
			if self {
				reading = identity.DeviceRead
			}
			info, err := s.readDevice(r, asking.who, string(id), reading)
			return info.at, &info.Device, err
		}
	}
	at, err := asking.lookUp(r, on)
	if err != nil {
		return nil, nil, inField(err, "on")
	}
	if self && (asking.scope == nil || at.within(asking.scope.fleet)) {
		// Where one holds anything at all one may ask what that is. What its maker holds
		// elsewhere is none of a token's business.
		for i := range asking.held {
			if h := &asking.held[i]; h.covers(at, asking.now) {
				return at, nil, nil
			}
		}
	}
	if !asking.may(reading, at) {
		return nil, nil, errFleet()
	}
	return at, nil, nil
}

// accessOf returns what somebody may do, by their id, or what a group gives.
func (s *Service) accessOf(r Reader, q Question) (*access, error) {
	rest, isGroup := strings.CutPrefix(q.As, "group:")
	if isGroup && len(q.Groups) == 0 {
		issuer, group, _ := strings.Cut(rest, "#")
		return s.access(r, identity.Principal{Kind: identity.OIDC, Issuer: issuer, Groups: []string{group}, Grants: s.live().standing(issuer, []string{group})})
	}
	p, err := s.doer(r, q.As)
	if errors.Is(err, ErrNotFound) && !isGroup {
		err = RefuseField("as", "name a principal, as whoami does, or group:<issuer>#<group>")
	}
	if isGroup || err == nil && len(q.Groups) > 0 && p.Kind != identity.OIDC {
		err = RefuseField("groups", "only people and services of a provider are in groups")
	}
	if err != nil {
		return nil, err
	}
	if len(q.Groups) > 0 {
		p.Groups, p.Grants = q.Groups, s.live().standing(p.Issuer, q.Groups)
	}
	return s.access(r, p)
}

// explain goes through all that the principal holds.
func (a *access) explain(r Reader, permission identity.Permission, at *place) (answer Explanation, err error) {
	answer.Fleet = at.path
	deciding := a.deciding(permission, at)
	for i := range a.held {
		h := &a.held[i]
		if !h.permissions[permission] {
			continue
		}
		told := HeldGrant{Grant: h.grant, Role: h.role, Fleet: h.branch, Until: h.until}
		if h.fleet != "" {
			branch, err := a.moment.place(r, h.fleet)
			if err != nil {
				return answer, err
			}
			told.Fleet = branch.path
		}
		if h == deciding {
			answer.Allowed, answer.Deciding = true, &told
			continue
		}
		switch {
		case h.superseded:
			told.Why = "enrolled anew since"
		case !h.lasts(a.now):
			told.Why = "ended"
		case !h.covers(at, a.now):
			told.Why = "elsewhere"
		case deciding == nil:
			told.Why = "outside the token's scope"
		}
		answer.Others = append(answer.Others, told)
	}
	return answer, nil
}

// narrow leaves out the grants on branches of which the asker may not learn. Those
// that reach the place asked about stay: their branches are above it.
func (e *Explanation) narrow(r Reader, asking *access, at *place) error {
	var told []HeldGrant
	for _, g := range e.Others {
		if !at.path.Within(g.Fleet) {
			branch, err := asking.find(r, g.Fleet)
			var refusal *Refusal
			if errors.As(err, &refusal) {
				continue // the configuration names a fleet that is not there
			}
			if err != nil {
				return err
			}
			if !asking.may(identity.AccessExplain, branch) {
				continue
			}
		}
		told = append(told, g)
	}
	e.Others = told
	return nil
}

// subjectOf returns what an operation is to a policy's approval, and nothing for
// what never waits.
func subjectOf(permission identity.Permission) policy.Subject {
	switch permission {
	case identity.DeviceHold, identity.DeviceRelease, identity.DeviceRevoke, identity.DeviceRetire, identity.DeviceReenrol, identity.DeviceAssign:
		return policy.SubjectActions
	case identity.FleetEdit, identity.FleetDelete, identity.PolicySet, identity.GrantCreate, identity.GrantDelete, identity.RoleEdit:
		return policy.SubjectAuthority
	case identity.DeviceEnrol, identity.DeviceEnrolAny:
		return policy.SubjectEnrolment
	default:
		return ""
	}
}

// inField says which value of a request a refusal is about, where it is one value's.
func inField(err error, field string) error {
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Field == "" {
		return err
	}
	told := *refusal
	told.Field = field
	return &told
}

// explainOwner tells where somebody may because the device belongs to them.
func (e *Explanation) explainOwner(asked *access, d *Device, permission identity.Permission) {
	if ownersMay(permission) && asked.owns(d) {
		e.Allowed, e.Deciding = true, &HeldGrant{Grant: ownersGrant, Fleet: e.Fleet}
	}
}
