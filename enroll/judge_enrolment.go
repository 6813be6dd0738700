package enroll

import (
	"errors"
	"slices"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// judgeEnrolment applies the rules to a claim that was proven, or passes on why
// it was not.
func (s *Service) judgeEnrolment(r Reader, request *opened, c claim, err error) (verdict, error) {
	if err != nil {
		var refusal *Refusal
		proven := errors.As(err, &refusal) && refusal.Code != Unauthenticated && request.Principal.Kind != identity.Anonymous
		return verdict{proven: proven}, err
	}
	said := verdict{proven: true, order: c.order.ID}
	if c.known {
		said.device = &c.device
	}
	if request.fault != nil {
		return said, request.fault
	}
	now := s.now()
	way, err := s.wayIn(r, request, c, now, &said)
	if err != nil || said.recalled != nil {
		return said, err
	}
	if err := admit(&c.order, way, now); err != nil {
		return said, err
	}
	if err := checkKey(r, request.key, c.device.ID); err != nil {
		return said, err
	}
	p := &plan{what: way, device: c.device, isNew: way == first, order: c.order.ID, issuer: request.by.issuing, owner: ownersOf(&c.device)}
	if way == first {
		s.bear(p, &c.order, now)
	}
	if err := s.settle(r, request, p, c.order.Profile); err != nil {
		return said, err
	}
	switch said.waiting, err = s.enrolmentWaits(r, request, p, &c); {
	case err != nil:
	case said.waiting == nil:
		said.plan = p
	case said.waiting.ID == "":
		said.asking = p
	}
	return said, err
}

// settle decides by the policy of the place where the device is to stand.
func (s *Service) settle(r Reader, request *opened, p *plan, usual string) (err error) {
	if p.at, err = s.place(r, p.device.Fleet); err != nil {
		return err
	}
	evidence, protection := policy.Ticket, policy.Software
	if vouched, ok := request.Evidence.(VouchEvidence); ok {
		evidence = policy.Station
		if vouched.KeyProtection != "" {
			protection = vouched.KeyProtection
		}
		if !slices.Contains(policy.KeyProtections(), protection) {
			return RefuseField("key_protection", "a key is kept in one of %v", policy.KeyProtections())
		}
	}
	if err := checkPolicyOf(p.at, request, evidence, protection); err != nil {
		return err
	}
	p.device.KeyProtection = recorded(protection)
	p.profile, err = s.profileAt(request.by, p.at, usual)
	return err
}

// bear fills in who a new device is. It belongs to whom it was given while it was
// expected, and else to whom the order says.
func (s *Service) bear(p *plan, order *Order, now time.Time) {
	if p.owner.none() {
		p.owner = owners{order.Owner, order.OwnerGroup}
	}
	created := p.device.CreatedAt
	if created.IsZero() {
		created = now
	}
	p.device.Device = identity.Device{
		ID: p.device.ID, Fleet: order.Fleet, Order: string(p.order), State: identity.Active,
		Owner: p.device.Owner, OwnerGroup: p.device.OwnerGroup, Version: p.device.Version, CreatedAt: created,
	}
}

// wayIn finds how the device may be enrolled: recalled, for the first time, or
// once more. It sets said.recalled, or returns the way.
func (s *Service) wayIn(r Reader, request *opened, c claim, now time.Time, said *verdict) (enrolment, error) {
	d := &c.device
	if !c.known || d.State == identity.Expected {
		return first, expectedHere(r, c, now)
	}
	if d.State != identity.Active {
		return 0, Refuse(WrongState, "the device is %s; an operator decides what becomes of it", d.State)
	}
	e := d.Enrolment
	same := e != nil && e.Order == c.order.ID && e.Key == request.key
	permitted := c.fresh && d.Reenrol != nil && now.Before(d.Reenrol.Until)
	if same {
		recalled, err := recall(r, d, e.Serial, now)
		var refusal *Refusal
		if err == nil || !errors.As(err, &refusal) || !permitted {
			said.recalled = recalled
			return 0, err
		}
	}
	switch {
	case permitted:
		return another, nil
	case c.fresh && !same && d.withdrawnAlone():
		return another, nil
	case e != nil && e.Key == request.key:
		return 0, Refuse(AlreadyEnrolled, "the device was enrolled under another order; renew with its certificate, or have an operator allow re-enrolment")
	default:
		said.suspicion = CloneWasSuspected
		if request.MakeKey {
			return 0, Refuse(CloneSuspected, "the device is enrolled, and a key that was made for it is not kept and cannot be given again; an operator can allow one re-enrolment")
		}
		return 0, Refuse(CloneSuspected, "the device is enrolled with another key; if its memory was wiped, an operator can allow one re-enrolment")
	}
}

// recall returns the answer that was given before, while it still stands. One that
// has left for the archive expired long ago.
func recall(r Reader, d *Device, serial ca.Serial, now time.Time) (*Certificate, error) {
	given, err := r.Certificate(serial)
	if errors.Is(err, ErrNotFound) && now.After(serial.NotAfter()) {
		given, err = Certificate{Serial: serial}, nil
		if d.Newest != nil && d.Newest.Serial == serial {
			given.Status = d.Newest.Status
		}
	}
	if err != nil {
		return nil, err
	}
	switch given.StatusAt(now) {
	case StatusHeld, StatusRevoked:
		return nil, Refuse(WrongState, "the certificate given to this device is %s; it is not given again", given.Status)
	case StatusExpired:
		return nil, Refuse(AlreadyEnrolled, "the certificate given to this device has expired; an operator can allow one re-enrolment")
	case StatusGood:
	}
	if d.Newest == nil || d.Newest.Serial != serial {
		return nil, Refuse(AlreadyEnrolled, "the device has renewed since; it renews with its newest certificate, or an operator allows one re-enrolment")
	}
	return &given, nil
}

// withdrawnAlone reports whether the device's latest certificate was revoked by
// itself: the device is active and needs new evidence.
func (d *Device) withdrawnAlone() bool {
	return d.Newest != nil && d.Newest.Status == StatusRevoked
}

// expectedHere refuses a device that this order does not expect, or that another
// order still does.
func expectedHere(r Reader, c claim, now time.Time) error {
	mine := c.known && c.device.Order == string(c.order.ID)
	switch {
	case mine:
		return nil
	case c.order.Manifest:
		return Refuse(Forbidden, "the serial number is not on the order's manifest")
	case !c.known:
		return nil
	}
	other, err := r.Order(OrderID(c.device.Order))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err == nil && other.State(now) != OrderEnded {
		return Refuse(Conflict, "the device is expected by another order; enrol it under that one, or close that one first")
	}
	return nil
}

// admit refuses what the order does not take. A permitted re-enrolment costs no
// quota, but the order must be open.
func admit(order *Order, way enrolment, now time.Time) error {
	switch order.State(now) {
	case OrderPending:
		return Refuse(OrderClosed, "the order opens at %s", order.Opens.Format(time.RFC3339))
	case OrderEnded:
		return Refuse(OrderClosed, "the order is closed")
	case OrderOpen:
	}
	if way == first && order.Enrolled >= order.Quantity {
		return Refuse(OrderFull, "all %d devices of the order are enrolled", order.Quantity)
	}
	return nil
}
