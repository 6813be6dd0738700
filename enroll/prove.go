package enroll

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// text32 writes ids and secrets: base32hex (RFC 4648, section 7) in lower case,
// which sorts as the octets do, without padding: nothing that a URL or a label
// printer minds.
var text32 = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding) //nolint:gochecknoglobals // never changes

// Lengths of what names and opens an order, in characters.
const (
	orderIDLength      = 16 // of 10 octets: 6 of time in Unix milliseconds, 4 random
	ticketSecretLength = 26 // of 16 random octets
	ticketLength       = orderIDLength + 1 + ticketSecretLength
)

// claim is what evidence proved: a device of an order.
type claim struct {
	order  Order
	device Device // its record; only ID is set where there is none
	known  bool   // there is a record
	// fresh evidence was not used before: it may enrol once more where that is
	// permitted. Used evidence only recalls.
	fresh bool
}

// errTicket is the one answer to every ticket that does not open: it does not
// tell a guesser how near it was.
func errTicket() error {
	return Refuse(Unauthenticated, "the ticket is not valid for this device; draw a new one (user name: the device's serial number; password: the ticket)")
}

// proveTicket finds the device that a ticket was drawn for.
func proveTicket(r Reader, evidence TicketEvidence) (claim, error) {
	serial, err := identity.ParseSerialNumber(evidence.User)
	if err != nil || len(evidence.Secret) != ticketLength || evidence.Secret[orderIDLength] != '-' {
		return claim{}, errTicket()
	}
	id := evidence.Secret[:orderIDLength]
	if evidence.Label != "" && !strings.EqualFold(evidence.Label, id) {
		return claim{}, errTicket()
	}
	c, err := readClaim(r, OrderID(id), serial)
	if errors.Is(err, ErrNotFound) {
		return claim{}, errTicket()
	}
	if err != nil {
		return claim{}, err
	}
	hash := sha256.Sum256([]byte(evidence.Secret))
	ticket := c.device.Ticket
	if ticket == nil || ticket.Order != c.order.ID || subtle.ConstantTimeCompare(ticket.Hash[:], hash[:]) != 1 {
		return claim{}, errTicket()
	}
	c.fresh = ticket.UsedBy == nil
	return c, nil
}

// proveVouch takes a principal's word for a device, where it is one of the
// order's stations.
func (s *Service) proveVouch(r Reader, p identity.Principal, evidence VouchEvidence) (claim, error) {
	a, err := s.access(r, p)
	if err != nil {
		return claim{}, err
	}
	station := p.Kind == identity.Certificate || a.anywhere(identity.DeviceEnrol)
	if !station && !a.anywhere(identity.DeviceEnrolAny) {
		return claim{}, Refuse(Forbidden, "enrolling devices takes the role station and an order that names you")
	}
	order, err := r.Order(evidence.Order)
	if errors.Is(err, ErrNotFound) {
		return claim{}, errOrder()
	}
	if err != nil {
		return claim{}, err
	}
	at, err := a.moment.place(r, order.Fleet)
	if err != nil {
		return claim{}, err
	}
	vouches, err := s.vouchesFor(r, a, &order, at)
	if err != nil {
		return claim{}, err
	}
	if !vouches {
		if a.may(identity.OrderRead, at) {
			return claim{}, Refuse(Forbidden, "the order does not name you as one of its stations")
		}
		return claim{}, errOrder()
	}
	serial, err := identity.ParseSerialNumber(evidence.Serial)
	if err != nil {
		return claim{}, RefuseField("serial", "%v", err)
	}
	c, err := readDeviceOf(r, &order, serial)
	if err != nil {
		return claim{}, err
	}
	c.fresh = true
	return c, ownDevice(r, a.moment, c, func(of *Order, at *place) (bool, error) { return s.vouchesFor(r, a, of, at) })
}

// vouchesFor reports whether a principal's word counts for the devices of an order:
// it is one of its stations, or may vouch for any.
func (s *Service) vouchesFor(r Reader, a *access, order *Order, at *place) (bool, error) {
	if a.may(identity.DeviceEnrolAny, at) {
		return true, nil
	}
	named, err := s.isStation(r, a, order)
	return named && (a.who.Kind == identity.Certificate || a.may(identity.DeviceEnrol, at)), err
}

// ownDevice refuses a device that lives under another order than the claim's,
// unless the principal may act for that one too. What becomes of it is not told.
func ownDevice(r Reader, m *moment, c claim, may func(*Order, *place) (bool, error)) error {
	if !c.known || c.device.State == identity.Expected || c.device.Order == string(c.order.ID) {
		return nil
	}
	at, err := m.place(r, c.device.Fleet)
	if err != nil {
		return err
	}
	of, err := r.Order(OrderID(c.device.Order))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	told := false
	if err == nil {
		if told, err = may(&of, at); err != nil {
			return err
		}
	}
	if !told {
		return Refuse(AlreadyEnrolled, "the serial number belongs to a device of another order")
	}
	return nil
}

// readClaim reads an order and the record of its device with a serial number, if
// there is one.
func readClaim(r Reader, id OrderID, serial identity.SerialNumber) (claim, error) {
	order, err := r.Order(id)
	if err != nil {
		return claim{}, err
	}
	return readDeviceOf(r, &order, serial)
}

func errOrder() *Refusal { return Refuse(NotFound, "no such order") }
