package enroll

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// FleetEdit renames a fleet, moves it below another, or both. Empty members stay as
// they are.
type FleetEdit struct {
	Name   string `json:"name,omitempty"`
	Parent string `json:"parent,omitempty"` // id or path
}

// EditFleet renames or moves a fleet. Nothing below it is touched: devices, orders,
// grants and policies go by ids. A move changes who has power over the branch and
// what holds there: whoever moves it holds FleetEdit on the branch and on its new
// parent, all that the move newly gives to anybody, GrantDelete where it takes
// power away, and PolicySet where other policy holds or binds afterwards.
func (s *Service) EditFleet(ctx context.Context, p identity.Principal, fleet string, edit FleetEdit) (FleetInfo, error) {
	if err := s.need(ctx, p, identity.FleetEdit); err != nil {
		return FleetInfo{}, err
	}
	d := &editFleet{Fleet: fleet, FleetEdit: edit}
	err := s.perform(ctx, p, d)
	return d.info, err
}

// editFleet renames and moves one fleet.
type editFleet struct {
	Fleet string `json:"fleet"` // id or path; the id while it waits
	FleetEdit

	was, is *place
	parent  identity.FleetID
	counts  recount
	info    FleetInfo
}

func (d *editFleet) kind() deedKind { return deedEditFleet }

func (d *editFleet) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if d.was, err = a.fleet(r, d.Fleet, identity.FleetEdit); err != nil {
		return w, err
	}
	d.Fleet = string(d.was.id)
	w = weight{
		permission: identity.FleetEdit, places: []*place{d.was}, grant: a.grant(identity.FleetEdit, d.was), turns: true,
		subject: policy.SubjectAuthority,
	}
	parent, err := d.target(r, a)
	if err != nil {
		return w, err
	}
	d.is, d.parent = parent.below(d.was.id, d.Name), parent.id
	if err := d.check(r); err != nil {
		return w, err
	}
	if err := d.is.read(r, parent.policy); err != nil {
		return w, err
	}
	w.words = "move " + string(d.was.path) + " to " + string(d.is.path)
	w.changesNothing = d.is.path == d.was.path
	if parent.id == d.was.chain[len(d.was.chain)-2] {
		return w, nil
	}
	w.places = append(w.places, parent)
	if err := s.mayMove(r, a, d.was, d.is); err != nil {
		return w, err
	}
	d.counts, err = s.weighMove(r, d.was, d.is)
	return w, err
}

// target returns the place that the fleet is to be below, and fills in its name.
func (d *editFleet) target(r Reader, a *access) (*place, error) {
	if d.was.id == identity.RootFleetID {
		return nil, Refuse(WrongState, "the root of the tree has no name and is below nothing")
	}
	if d.Name == "" {
		fleet, err := r.Fleet(d.was.id)
		if err != nil {
			return nil, err
		}
		d.Name = fleet.Name
	}
	if d.Parent == "" {
		return a.moment.place(r, d.was.chain[len(d.was.chain)-2])
	}
	parent, err := a.fleet(r, d.Parent, identity.FleetEdit)
	if err != nil {
		return nil, err
	}
	if parent.within(d.was.id) {
		return nil, Refuse(Conflict, "%s lies within %s, which cannot be below itself", parent.path, d.was.path)
	}
	d.Parent = string(parent.id)
	return parent, nil
}

// check refuses a malformed or taken name.
func (d *editFleet) check(r Reader) error {
	if err := identity.CheckFleetName(d.Name); err != nil {
		return RefuseField("name", "%v", err)
	}
	if len(d.is.path) > identity.MaxFleetPath {
		return RefuseField("name", "the path would be longer than %d bytes", identity.MaxFleetPath)
	}
	taken, err := r.Children(d.parent, d.Name, Page{Limit: 1})
	if err == nil && len(taken.Items) > 0 && taken.Items[0].ID != d.was.id {
		err = Refuse(Conflict, "there is a fleet %s already", d.is.path)
	}
	return err
}

func (d *editFleet) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	kind := FleetRenamed
	if d.parent != d.was.chain[len(d.was.chain)-2] {
		kind = FleetMoved
	}
	event := s.event(ctx, a.who, kind)
	event.at(d.is)
	event.Before, event.Grant = string(d.was.path), w.grant
	info, err := fleetInfo(tx, d.is)
	if err != nil || w.changesNothing {
		d.info = info
		return err
	}
	d.info = info
	return errors.Join(d.counts.write(tx, d.was.id), moveGuards(tx, d.was, d.is), tx.PutFleet(identity.Fleet{ID: d.was.id, Parent: d.parent, Name: d.Name}), s.append(tx, a.who, event))
}

func (d *editFleet) after(*Service) {}

// SetFleetPolicy replaces what a fleet itself says. It may tighten what it inherits,
// and loosen only what a fleet above lets it; all faults are told at once. version
// is the PolicyVersion that the new one was made from; 0 for whichever there is.
func (s *Service) SetFleetPolicy(ctx context.Context, p identity.Principal, fleet string, own policy.Config, version uint64) (FleetInfo, error) {
	if err := s.need(ctx, p, identity.PolicySet); err != nil {
		return FleetInfo{}, err
	}
	d := &setPolicy{Fleet: fleet, Policy: own, Version: version}
	err := s.perform(ctx, p, d)
	return d.info, err
}

// setPolicy writes a fleet's own policy.
type setPolicy struct {
	Fleet   string        `json:"fleet"` // id or path; the id while it waits
	Policy  policy.Config `json:"policy"`
	Version uint64        `json:"version,omitempty"`
	// Base is the version that the policy replaces, once it waits: whoever approves is
	// not to undo what others set meanwhile.
	Base *uint64 `json:"base,omitempty"`

	at  *place
	was fleetPolicy
	own policy.Policy
	// holds is what holds at the fleet afterwards.
	holds policy.Effective
	info  FleetInfo
}

func (d *setPolicy) kind() deedKind { return deedSetPolicy }

// MarshalJSON writes it as it waits, and what waited as it did.
func (d *setPolicy) MarshalJSON() ([]byte, error) {
	type waiting setPolicy
	w := waiting(*d)
	if w.Base == nil {
		w.Base = &d.was.Version
	}
	return json.Marshal(w)
}

func (d *setPolicy) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if d.at, err = a.fleet(r, d.Fleet, identity.PolicySet); err != nil {
		return w, err
	}
	d.Fleet = string(d.at.id)
	above, err := a.above(r, d.at)
	if err != nil {
		return w, err
	}
	if d.own, err = s.checkPolicy(above, d.Policy); err != nil {
		return w, err
	}
	if d.was, err = readPolicy(r, d.at.id); err != nil {
		return w, err
	}
	base := d.was.Version
	if d.Version != 0 {
		base = d.Version
	} else if d.Base != nil {
		base = *d.Base
	}
	if base != d.was.Version {
		return w, Refuse(Conflict, "the fleet's policy was changed meanwhile (version %d, not %d); look at it again", d.was.Version, base)
	}
	d.holds = above.Below(policy.Layer{Fleet: d.at.id, Path: d.at.path, Policy: d.own})
	return weight{
		permission: identity.PolicySet, places: []*place{d.at}, grant: a.grant(identity.PolicySet, d.at), turns: true,
		subject: policy.SubjectAuthority, words: "set the policy of " + string(d.at.path), changesNothing: d.own == d.was.Policy,
	}, nil
}

// above returns what holds right above a place.
func (a *access) above(r Reader, at *place) (policy.Effective, error) {
	if len(at.chain) < 2 {
		return policy.Effective{}, nil
	}
	parent, err := a.moment.place(r, at.chain[len(at.chain)-2])
	if err != nil {
		return policy.Effective{}, err
	}
	return parent.policy, nil
}

// checkPolicy refuses a policy that is malformed, looser than it may be, or names a
// profile that is not configured.
func (s *Service) checkPolicy(above policy.Effective, asked policy.Config) (policy.Policy, error) {
	own, faults := policy.Review(asked)
	if profile := own.Config().Profile; profile != nil {
		if _, ok := s.live().profiles[*profile]; !ok {
			faults = append(faults, policy.Fault{Path: "profile", Message: "is not configured; there are " + joinWords(s.profileNames())})
		}
	}
	faults = append(faults, faultsOf(policy.Check(above, own))...)
	if len(faults) > 0 {
		return own, RefuseFaults("policy", faults)
	}
	return own, nil
}

func (d *setPolicy) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	d.info = FleetInfo{ID: d.at.id, Path: d.at.path, Policy: d.own, PolicyVersion: d.was.Version}
	if len(d.at.chain) > 1 {
		d.info.Parent = d.at.chain[len(d.at.chain)-2]
	}
	if w.changesNothing {
		return nil
	}
	event := s.event(ctx, a.who, PolicyChanged)
	event.at(d.at)
	event.Grant, event.Policy = w.grant, &d.own
	d.info.PolicyVersion++
	now := fleetPolicy{Policy: d.own, Version: d.info.PolicyVersion, ChangedAt: s.now().Truncate(time.Millisecond), ChangedBy: event.Actor}
	counted := addGuards(tx, d.at.chain, guardChange(d.was.Policy, d.own))
	return errors.Join(counted, putDocument(tx, PolicyDocument, string(d.at.id), now), s.append(tx, a.who, event))
}

func (d *setPolicy) after(*Service) {}
