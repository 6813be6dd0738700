package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// DeleteFleet deletes a fleet in which there is nothing: no fleet below it, no device,
// no order, and no grant and no scoped token that has not ended. Those that have ended
// go with it, as does its own policy, which takes PolicySet. Its name is free again,
// and its id never comes back.
func (s *Service) DeleteFleet(ctx context.Context, p identity.Principal, fleet string) error {
	if err := s.need(ctx, p, identity.FleetDelete); err != nil {
		return err
	}
	return s.perform(ctx, p, &deleteFleet{Fleet: fleet})
}

// deleteFleet deletes one fleet.
type deleteFleet struct {
	Fleet string `json:"fleet"` // id or path; the id while it waits

	at     *place
	grants []Grant // those that have ended
	tokens []Token
}

func (d *deleteFleet) kind() deedKind { return deedDeleteFleet }

func (d *deleteFleet) weigh(_ *Service, r Reader, a *access) (w weight, err error) {
	if d.at, err = a.fleet(r, d.Fleet, identity.FleetDelete); err != nil {
		return w, err
	}
	d.Fleet = string(d.at.id)
	if d.at.id == identity.RootFleetID {
		return w, Refuse(WrongState, "the root of the tree stays")
	}
	own, err := readPolicy(r, d.at.id)
	if err != nil {
		return w, err
	}
	if !own.Policy.Empty() && !a.may(identity.PolicySet, d.at) {
		return w, Refuse(Forbidden, "%s has a policy of its own, which would go with it: that takes %s there", d.at.path, identity.PolicySet)
	}
	if err := d.isEmpty(r); err != nil {
		return w, err
	}
	return weight{
		permission: identity.FleetDelete, places: []*place{d.at}, grant: a.grant(identity.FleetDelete, d.at), turns: true,
		subject: policy.SubjectAuthority, words: "delete the fleet " + string(d.at.path),
	}, d.ended(r, a.now)
}

// isEmpty refuses a fleet in which there is something that stays for good.
func (d *deleteFleet) isEmpty(r Reader) error {
	alone, one := []identity.FleetID{d.at.id}, Page{Limit: 1}
	below, err := r.Children(d.at.id, "", one)
	if err != nil {
		return err
	}
	devices, err := r.Devices(DeviceFilter{Fleets: alone, Page: one})
	if err != nil {
		return err
	}
	orders, err := r.Orders(OrderFilter{Fleets: alone, Page: one})
	switch {
	case err != nil:
		return err
	case len(below.Items) > 0:
		return Refuse(Conflict, "there are fleets below %s; delete or move them first", d.at.path)
	case len(devices.Items) > 0:
		return Refuse(Conflict, "%s has devices, whatever their state, and so it stays", d.at.path)
	case len(orders.Items) > 0:
		return Refuse(Conflict, "%s has orders, open or closed, and so it stays", d.at.path)
	default:
		return nil
	}
}

// maxEndedWith bounds how many grants, and how many tokens, that have ended go with a
// fleet.
const maxEndedWith = 1_000

// ended finds the grants and tokens that go with the fleet, and refuses where some
// have not ended.
func (d *deleteFleet) ended(r Reader, now time.Time) error {
	d.grants, d.tokens = nil, nil
	below := string(d.at.id) + "/"
	err := eachDocument(r, GrantAtDocument, below, func(g Grant) error {
		if g.Until.IsZero() || now.Before(g.Until) || len(d.grants) == maxEndedWith {
			return Refuse(Conflict, "there are grants on %s; delete them first (touchmark grant list --fleet %s)", d.at.path, d.at.path)
		}
		d.grants = append(d.grants, g)
		return nil
	})
	if err != nil {
		return err
	}
	return eachDocument(r, TokenAtDocument, below, func(t Token) error {
		if now.Before(t.Until) || len(d.tokens) == maxEndedWith {
			return Refuse(Conflict, "there are scoped tokens on %s; revoke them first (touchmark token list --fleet %s)", d.at.path, d.at.path)
		}
		d.tokens = append(d.tokens, t)
		return nil
	})
}

func (d *deleteFleet) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	var errs []error
	for _, g := range d.grants {
		errs = append(errs, deleteGrant(tx, g))
	}
	for _, t := range d.tokens {
		errs = append(errs, deleteToken(tx, t))
	}
	fleet, err := tx.Fleet(d.at.id)
	if err != nil {
		return err
	}
	own, err := readPolicy(tx, d.at.id)
	if err != nil {
		return err
	}
	event := s.event(ctx, a.who, FleetDeleted)
	event.at(d.at)
	event.Grant = w.grant
	return errors.Join(append(errs,
		dropFromCount(tx, d.at),
		addGuards(tx, d.at.chain, guardChange(own.Policy, policy.Policy{})),
		tx.DeleteDocument(PolicyDocument, string(d.at.id)),
		putDocument(tx, FleetGoneDocument, string(d.at.id), fleetGone{Parent: fleet.Parent, Name: fleet.Name}),
		tx.DeleteFleet(d.at.id),
		s.append(tx, a.who, event),
	)...)
}

func (d *deleteFleet) after(*Service) {}

// dropFromCount counts one fleet less. What was never counted will be when it matters.
func dropFromCount(tx Tx, at *place) error {
	top := at.countedAt()
	if top == at.id {
		return tx.DeleteDocument(FleetCountDocument, string(top))
	}
	n, err := readDocument[int](tx, FleetCountDocument, string(top))
	if err != nil {
		return ifAny(err)
	}
	return putCount(tx, top, n-1)
}

// fleetGone is what is kept of a fleet that was deleted: where it was. What is told of
// it, in records and requests, is told to those who may know of the place.
type fleetGone struct {
	Parent identity.FleetID `json:"parent"`
	Name   string           `json:"name"`
}

// past returns where a fleet stands now, or stood when it was deleted, below where
// those that were above it stand now.
func (m *moment) past(r Reader, id identity.FleetID) (*place, error) {
	at, err := m.place(r, id)
	if !errors.Is(err, ErrNotFound) {
		return at, err
	}
	gone, err := readDocument[fleetGone](r, FleetGoneDocument, string(id))
	if err != nil {
		return nil, err
	}
	above, err := m.past(r, gone.Parent)
	if err != nil {
		return nil, err
	}
	return above.below(id, gone.Name), nil
}
