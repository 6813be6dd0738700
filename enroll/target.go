package enroll

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// maxTarget bounds what records say of a request's target, in bytes.
const maxTarget = 256

// Target is what a request is about, as its caller names it: nothing of it need be
// there.
type Target struct {
	// Text is the whole of it, such as "/devices/TH20-SN1/hold".
	Text string
	// At most one of these is set, where the target is one thing.
	Device, Order, Certificate string
}

type targetKey struct{}

// WithTarget returns a context that carries what a request is about, for the
// records of what comes of it. What does not print is replaced, and what is long is
// cut.
func WithTarget(ctx context.Context, t Target) context.Context {
	t.Text = harmless(t.Text)
	return context.WithValue(ctx, targetKey{}, t)
}

func targetOf(ctx context.Context) Target {
	t, _ := ctx.Value(targetKey{}).(Target)
	return t
}

// harmless returns at most maxTarget bytes of a text, all of which print.
func harmless(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text[:min(len(text), maxTarget)])
	for len(text) > maxTarget || !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}

// aim says in an event what its request was about, and where that stands, as far
// as there is such a thing.
func (s *Service) aim(r Reader, event *Event, t Target) error {
	event.Target = t.Text
	fleet, err := stand(r, event, t)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || fleet == "" || event.FleetID != "" {
		return err
	}
	at, err := s.place(r, fleet)
	if err == nil {
		event.at(at)
	}
	return err
}

// stand names in an event the one thing that a target is, and returns its fleet;
// ErrNotFound where it is not there, and no fleet where it stands in none.
func stand(r Reader, event *Event, t Target) (identity.FleetID, error) {
	switch {
	case t.Certificate != "":
		return standCertificate(r, event, t.Certificate)
	case t.Device != "":
		return standDevice(r, event, identity.DeviceID(t.Device))
	case t.Order != "":
		order, err := r.Order(OrderID(t.Order))
		if err == nil {
			event.Order = order.ID
		}
		return order.Fleet, err
	default:
		return "", nil
	}
}

func standDevice(r Reader, event *Event, id identity.DeviceID) (identity.FleetID, error) {
	d, err := r.Device(id)
	if err == nil {
		event.Device, event.Order = d.ID, OrderID(d.Order)
	}
	return d.Fleet, err
}

// standCertificate names a certificate that the store has: a transaction does not
// wait for the archive.
func standCertificate(r Reader, event *Event, text string) (identity.FleetID, error) {
	serial, err := ca.ParseSerial(text)
	if err != nil {
		return "", ErrNotFound
	}
	c, err := r.Certificate(serial)
	if err != nil {
		return "", err
	}
	event.Certificate = &c.Serial
	if c.Device == "" {
		return "", nil
	}
	return standDevice(r, event, c.Device)
}
