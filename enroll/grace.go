package enroll

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// graceFunc says for how long after its end a certificate still counts.
type graceFunc func(Reader, *Certificate) (time.Duration, error)

// noGrace is for what only good certificates may do.
func noGrace(Reader, *Certificate) (time.Duration, error) { return 0, nil }

// graceOf returns the grace that policy gives to a device, 0 to Touchmark's own. A
// certificate whose key was compromised since has none.
func (s *Service) graceOf(r Reader, c *Certificate) (time.Duration, error) {
	if c.Device == "" {
		return 0, nil
	}
	d, err := r.Device(c.Device)
	if err != nil {
		return 0, err
	}
	at, err := s.place(r, d.Fleet)
	if err != nil {
		return 0, err
	}
	late, _ := at.policy.Grace()
	if late == 0 {
		return 0, nil
	}
	use, err := r.Key(c.Key)
	if errors.Is(err, ErrNotFound) {
		return late, nil
	}
	if use.Compromised {
		late = 0
	}
	return late, err
}

// longExpired returns what is left to know of a certificate that has gone to the
// archive, or ErrNotFound. It has to be its device's newest, and of an issuer of
// ours by its signature: what we signed and did not record was never released.
func (s *Service) longExpired(r Reader, serial ca.Serial, der []byte) (Certificate, error) {
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{}, ErrNotFound
	}
	id, err := identity.ParseDeviceID(parsed.Subject.CommonName)
	if err != nil {
		return Certificate{}, ErrNotFound
	}
	d, err := r.Device(id)
	if err != nil {
		return Certificate{}, err
	}
	hash, err := ca.HashKey(parsed.PublicKey)
	if err != nil || d.Newest == nil || d.Newest.Serial != serial || d.Newest.Key != hash {
		return Certificate{}, ErrNotFound
	}
	order, err := r.Order(OrderID(d.Order))
	if err != nil {
		return Certificate{}, err
	}
	for name, issuer := range s.live().issuers {
		if parsed.CheckSignatureFrom(issuer.Certificate()) == nil {
			return Certificate{
				Serial: serial, DER: der, Issuer: name, Profile: order.Profile, Device: id, Predecessor: d.Newest.Predecessor, Number: d.Issued,
				Key: hash, NotBefore: parsed.NotBefore, Status: d.Newest.Status,
			}, nil
		}
	}
	return Certificate{}, ErrNotFound
}
