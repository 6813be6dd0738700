package enroll

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// admitEnrolment is the enrolment of one device with one key, where that waits for
// somebody to approve: the device asks again and again until then.
type admitEnrolment struct {
	Order  OrderID           `json:"order"`
	Device identity.DeviceID `json:"device"`
	Key    ca.KeyHash        `json:"key"` // in the CSR
	// Made is whether the device gets a key that is made here, and not that one.
	Made bool `json:"made,omitempty"`
}

func (d *admitEnrolment) kind() deedKind { return deedEnrol }

// weigh asks of whoever approves what drawing a ticket takes: the power to let
// devices in.
func (d *admitEnrolment) weigh(_ *Service, r Reader, a *access) (w weight, err error) {
	order, err := r.Order(d.Order)
	if errors.Is(err, ErrNotFound) {
		return w, errOrder()
	}
	if err != nil {
		return w, err
	}
	at, err := a.moment.place(r, order.Fleet)
	return weight{
		permission: identity.TicketDraw, places: []*place{at}, subject: policy.SubjectEnrolment, devices: 1,
		words: fmt.Sprintf("enrol %s under order %s with %s", d.Device, d.Order, d.keyInWords()),
	}, err
}

func (d *admitEnrolment) keyInWords() string {
	if d.Made {
		return fmt.Sprintf("a key that is made here, asked for by the key %.16s…", d.Key)
	}
	return fmt.Sprintf("the key %.16s…", d.Key)
}

// do has nothing to write: the request says itself that it was approved.
func (d *admitEnrolment) do(context.Context, *Service, Tx, *access, weight) error { return nil }

func (d *admitEnrolment) after(*Service) {}

// enrolmentWaits returns the request by which an enrolment waits for a second
// person, or nil where it need not, or need not any more.
func (s *Service) enrolmentWaits(r Reader, request *opened, p *plan, c *claim) (*Approval, error) {
	if !p.at.policy.NeedsApproval(policy.SubjectEnrolment) || request.Principal.Kind == identity.BreakGlass {
		return nil, nil
	}
	d := &admitEnrolment{Order: c.order.ID, Device: c.device.ID, Key: request.asked, Made: request.MakeKey}
	key, err := waitKey(d, "")
	if err != nil {
		return nil, err
	}
	asked, err := readAsked(r, key)
	now := s.now()
	if errors.Is(err, ErrNotFound) {
		return mayAsk(r, d, now)
	}
	if err != nil {
		return nil, err
	}
	switch asked.StateAt(now) {
	case RequestWaiting:
		return &asked, nil
	case RequestDenied:
		return nil, Refuse(Forbidden, "the enrolment was denied")
	case RequestApproved:
		if now.Before(asked.goodUntil(p.at)) {
			return nil, nil
		}
	case RequestWithdrawn, RequestExpired:
	}
	return mayAsk(r, d, now)
}

// goodUntil is until when an approved enrolment can be used: for as long as requests
// waited when it was asked for, or do now, whichever is shorter. Who approved it agreed
// to no more, and who has shortened it since means this one too.
func (a *Approval) goodUntil(at *place) time.Time {
	lifetime, _ := at.policy.ApprovalLifetime()
	return a.DecidedAt.Add(min(lifetime, a.ExpiresAt.Sub(a.CreatedAt)))
}

// mayAsk lets an enrolment be asked for anew, unless the same device waits with another
// key: whoever has a ticket would fill the list of requests by making keys.
func mayAsk(r Reader, d *admitEnrolment, now time.Time) (*Approval, error) {
	last, err := readAsked(r, d.ofDevice())
	if err == nil && last.StateAt(now) == RequestWaiting {
		return nil, Refuse(Conflict, "another key of this device waits for approval already; send that one again, or have request %s denied", last.ID)
	}
	return &Approval{}, ifAny(err)
}

// ofDevice is the key under which the latest request for a device of an order stands,
// whichever the device's key.
func (d *admitEnrolment) ofDevice() string {
	hash := sha256.Sum256([]byte("device of an order\x00" + string(d.Order) + "\x00" + string(d.Device)))
	return hex.EncodeToString(hash[:])
}

// askToEnrol records that an enrolment waits.
func (s *Service) askToEnrol(ctx context.Context, tx Tx, request *opened, said verdict) (*Approval, error) {
	id, err := s.newOrderID(s.now())
	if err != nil {
		return nil, err
	}
	d := &admitEnrolment{Order: said.order, Device: said.asking.device.ID, Key: request.asked, Made: request.MakeKey}
	a, err := s.access(tx, actorOf(request.Principal, d.Device))
	if err != nil {
		return nil, err
	}
	w, err := d.weigh(s, tx, a)
	if err != nil {
		return nil, err
	}
	asked, err := s.ask(ctx, tx, a, d, w, ApprovalID(id))
	if err != nil {
		return nil, err
	}
	// Who drew the ticket has let the device in once; a second person does it now.
	if ticket := said.asking.device.Ticket; ticket != nil && request.Principal.Kind == identity.Anonymous {
		asked.Responsible = ticket.DrawnBy
	}
	return asked, errors.Join(
		putDocument(tx, ApprovalDocument, string(asked.ID), asked),
		putDocument(tx, ApprovalForDocument, d.ofDevice(), askedFor{ID: asked.ID}),
	)
}
