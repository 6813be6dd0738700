package enroll

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// MaxCertificate bounds a presented certificate, in bytes of DER.
const MaxCertificate = 16 << 10

// judgeRenewal applies the rules to a renewal with the device's own certificate.
// The key of the new one may be the same or another.
func (s *Service) judgeRenewal(r Reader, request *opened, evidence CertificateEvidence) (verdict, error) {
	now := s.now()
	presented, err := s.presented(r, request.shown, evidence.DER, now)
	if err != nil {
		return verdict{}, err
	}
	if presented.Device == "" {
		return verdict{proven: true}, Refuse(Forbidden, "this certificate is not a device's")
	}
	d, err := r.Device(presented.Device)
	if err != nil {
		return verdict{}, err
	}
	said := verdict{proven: true, device: &d, order: OrderID(d.Order)}
	if request.fault != nil {
		return said, request.fault
	}
	if d.State != identity.Active {
		return said, Refuse(WrongState, "the device is %s; an operator decides what becomes of it", d.State)
	}
	if presented.Status != StatusGood {
		return said, Refuse(WrongState, "the certificate is %s; the device needs to be enrolled again", presented.Status)
	}
	if d.Newest.Serial != presented.Serial {
		if said.recalled, err = recallRenewal(r, &d, presented, request.key, now); err != nil || said.recalled != nil {
			return said, forked(err, &said)
		}
	}
	if live := d.standing(now); len(live) >= s.maxLive {
		return said, &Refusal{
			Code: RateLimited, Message: "the device has renewed too often; its certificates must expire first",
			RetryAfter: live[0].NotAfter().Sub(now),
		}
	}
	if err := checkKey(r, request.key, d.ID); err != nil {
		return said, err
	}
	profile, err := s.profile(presented.Profile)
	if err != nil {
		return said, err
	}
	said.plan = &plan{what: renewal, device: d, order: OrderID(d.Order), profile: profile, issuer: s.issuing, predecessor: presented.Serial, owner: ownersOf(&d)}
	return said, nil
}

func errForeign() error { return Refuse(Unauthenticated, "the certificate was not issued here") }

func errExpired(serial ca.Serial) error {
	return Refuse(Unauthenticated, "the certificate expired at %s; the device needs to be enrolled again", serial.NotAfter().Format(time.RFC3339))
}

// serialOf returns the serial number of a presented certificate, where it looks
// like one of ours.
func serialOf(der []byte) (ca.Serial, error) {
	if len(der) == 0 || len(der) > MaxCertificate {
		return ca.Serial{}, errForeign()
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return ca.Serial{}, errForeign()
	}
	serial, err := ca.SerialFromInt(parsed.SerialNumber)
	if err != nil {
		return ca.Serial{}, errForeign()
	}
	return serial, nil
}

// presented finds the record of a certificate that was shown. It must be, byte
// for byte, one that we recorded, of an issuer that still counts, and unexpired:
// that is more than its signature could tell. One that has left for the archive is
// not looked for there: it expired, and its serial number says so.
func (s *Service) presented(r Reader, serial ca.Serial, der []byte, now time.Time) (Certificate, error) {
	recorded, err := r.Certificate(serial)
	if errors.Is(err, ErrNotFound) {
		if now.After(serial.NotAfter()) {
			return Certificate{}, errExpired(serial)
		}
		return Certificate{}, errForeign()
	}
	if err != nil {
		return Certificate{}, err
	}
	issuer := s.issuers[recorded.Issuer]
	switch {
	case !bytes.Equal(recorded.DER, der):
		return Certificate{}, errForeign()
	case issuer == nil || now.After(issuer.NotAfter()):
		return Certificate{}, Refuse(Unauthenticated, "the certificate's issuer does not count any more; the device needs to be enrolled again")
	case now.After(serial.NotAfter()):
		return Certificate{}, errExpired(serial)
	}
	return recorded, nil
}

// recallRenewal answers a renewal from a certificate that has a successor: the
// same answer to the same question, nothing where every successor has expired,
// and otherwise a Refusal: someone else renewed from the same certificate.
func recallRenewal(r Reader, d *Device, presented Certificate, key ca.KeyHash, now time.Time) (*Certificate, error) {
	if d.Newest.NotAfter().Before(now) {
		return nil, nil
	}
	if d.Newest.Predecessor == presented.Serial && d.Newest.Key == key {
		given, err := r.Certificate(d.Newest.Serial)
		if err != nil {
			return nil, err
		}
		if given.Status != StatusGood {
			return nil, Refuse(WrongState, "the certificate that this one was renewed to is %s", given.Status)
		}
		return &given, nil
	}
	return nil, Refuse(CloneSuspected, "this certificate was renewed already, and by someone who holds another copy of it; an operator can allow one re-enrolment")
}

// forked marks a verdict as the discovery of a fork, where err says so.
func forked(err error, said *verdict) error {
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == CloneSuspected {
		said.suspicion = RenewalForked
	}
	return err
}

// unexpired returns the certificates in the device's record that have not ended,
// oldest first.
func (d *Device) unexpired(now time.Time) []LiveCertificate {
	return d.live(func(c *LiveCertificate) bool { return now.Before(c.NotAfter()) })
}

// standing returns those of them that are not revoked.
func (d *Device) standing(now time.Time) []LiveCertificate {
	return d.live(func(c *LiveCertificate) bool { return now.Before(c.NotAfter()) && c.Status != StatusRevoked })
}

func (d *Device) live(keep func(*LiveCertificate) bool) []LiveCertificate {
	kept := make([]LiveCertificate, 0, len(d.Live)+1)
	for i := range d.Live {
		if keep(&d.Live[i]) {
			kept = append(kept, d.Live[i])
		}
	}
	return kept
}
