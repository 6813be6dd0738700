package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// Inquiry is a device that asks what to ask for, before it does. Whatever it says
// of itself is a hint: an answer is no promise, and gives nothing away but a kind of
// key.
type Inquiry struct {
	// Certificate is the one that was presented in TLS, in DER; empty for none.
	Certificate []byte
	// Order is the order that the client named; empty for none.
	Order string
}

// Advice is what a device had best ask for.
type Advice struct {
	// Key is the kind of key to make. Others that the policy of the fleet accepts do
	// as well.
	Key policy.KeyKind
	// Binding says whether the CSR is to be bound to the TLS connection.
	Binding BindingRule
}

// Advise says what key a device had best make: the first of the kinds that the
// policy of its fleet accepts, in the order of what small devices do best. The fleet
// is that of the device whose certificate was presented, or else of the order that
// was named, or else the root. What does not name anything names the root, so that
// nobody learns which orders there are. It errs only where the store does.
func (s *Service) Advise(ctx context.Context, q Inquiry) (advice Advice, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		fleet, err := s.fleetOf(r, q)
		if err != nil {
			return err
		}
		at, err := s.place(r, fleet)
		if err != nil {
			return err
		}
		advice = Advice{Key: preferredKey(at.policy), Binding: s.binding}
		return nil
	})
	return advice, err
}

// fleetOf returns the fleet that a device asks about.
func (s *Service) fleetOf(r Reader, q Inquiry) (identity.FleetID, error) {
	if serial, err := serialOf(q.Certificate); err == nil {
		presented, err := s.presented(r, serial, q.Certificate, s.now(), s.graceOf)
		fleet, err := fleetOfDevice(r, presented, err)
		if fleet != "" || err != nil {
			return fleet, err
		}
	}
	if len(q.Order) != orderIDLength {
		return identity.RootFleetID, nil
	}
	order, err := r.Order(OrderID(strings.ToLower(q.Order)))
	if errors.Is(err, ErrNotFound) {
		return identity.RootFleetID, nil
	}
	return order.Fleet, err
}

// fleetOfDevice returns the fleet of the device whose certificate was presented;
// empty for a certificate that is refused with err, or is no device's.
func fleetOfDevice(r Reader, certificate Certificate, err error) (identity.FleetID, error) {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return "", nil
	case err != nil:
		return "", err
	case certificate.Device == "":
		return "", nil
	}
	d, err := r.Device(certificate.Device)
	return d.Fleet, err
}

// preferredKey returns the first kind of key that is accepted: small and quick ones
// before large and slow ones, and those that most libraries know before others.
func preferredKey(holds policy.Effective) policy.KeyKind {
	preferred := []policy.KeyKind{
		policy.ECDSAP256, policy.ECDSAP384, policy.Ed25519, policy.ECDSAP521, policy.RSA3072, policy.RSA2048, policy.RSA4096,
	}
	i := slices.IndexFunc(preferred, holds.AcceptsKey)
	return preferred[max(i, 0)]
}
