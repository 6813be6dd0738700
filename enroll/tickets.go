package enroll

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// DrawnTicket is a ticket's text, told once: only its hash is kept.
type DrawnTicket struct {
	Serial identity.SerialNumber
	Ticket string
}

// DrawTickets draws a one-time secret for each of the devices, at most
// MaxTicketsPerDraw. Drawing again for a device voids its old ticket. Tickets
// reserve no quota.
func (s *Service) DrawTickets(ctx context.Context, p identity.Principal, id string, serials []string) ([]DrawnTicket, error) {
	if err := s.need(ctx, p, identity.TicketDraw); err != nil {
		return nil, err
	}
	if len(serials) < 1 || len(serials) > MaxTicketsPerDraw {
		return nil, RefuseField("serials", "name 1 to %d devices by serial number", MaxTicketsPerDraw)
	}
	if err := checkSerials(serials); err != nil {
		return nil, err
	}
	drawn := make([]DrawnTicket, len(serials))
	for i, serial := range serials {
		secret, err := s.randomText(16)
		if err != nil {
			return nil, err
		}
		drawn[i] = DrawnTicket{Serial: identity.SerialNumber(serial), Ticket: id + "-" + secret}
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		info, err := s.readOrder(tx, p, id, identity.TicketDraw)
		if err != nil {
			return err
		}
		now := s.now()
		if info.State == OrderEnded {
			return Refuse(OrderClosed, "the order is closed")
		}
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		for _, ticket := range drawn {
			if err := putTicket(tx, a, &info.Order, ticket, now); err != nil {
				return err
			}
		}
		event := s.event(ctx, p, TicketsDrawn)
		event.at(info.at)
		event.Order, event.Serials, event.Count, event.Grant = info.ID, serials, len(serials), info.grant
		return s.append(tx, p, event)
	})
	if err != nil {
		return nil, err
	}
	return drawn, nil
}

// putTicket writes a device's ticket into its record, which is made where there
// is none: the device is expected from now on.
func putTicket(tx Tx, a *access, order *Order, drawn DrawnTicket, now time.Time) error {
	c, err := readDeviceOf(tx, order, drawn.Serial)
	if err != nil {
		return err
	}
	may := func(_ *Order, at *place) (bool, error) { return a.may(identity.TicketDraw, at), nil }
	if err := ownDevice(tx, a.moment, c, may); err != nil {
		return err
	}
	d := &c.device
	switch {
	case !c.known || d.State == identity.Expected:
		if err := expectedHere(tx, c, now); err != nil {
			return err
		}
		if !c.known {
			d.CreatedAt = now
		}
		d.State, d.Fleet, d.Order = identity.Expected, order.Fleet, string(order.ID)
	case d.State == identity.Revoked || d.State == identity.Retired:
		return Refuse(WrongState, "the device %s is %s and is not enrolled again", d.ID, d.State)
	}
	d.Ticket = &Ticket{
		Order: order.ID, Hash: sha256.Sum256([]byte(drawn.Ticket)), DrawnAt: now, DrawnBy: a.people.named(a.who.Responsible()),
	}
	d.Version++
	d.ChangedAt = now
	return tx.PutDevice(*d)
}

// readDeviceOf reads the record of an order's device with a serial number, if
// there is one.
func readDeviceOf(r Reader, order *Order, serial identity.SerialNumber) (claim, error) {
	c := claim{order: *order}
	c.device.ID = identity.NewDeviceID(order.Model, serial)
	device, err := r.Device(c.device.ID)
	switch {
	case err == nil:
		c.device, c.known = device, true
	case !errors.Is(err, ErrNotFound):
		return claim{}, err
	}
	return c, nil
}
