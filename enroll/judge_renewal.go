package enroll

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// MaxCertificate bounds a presented certificate, in bytes of DER.
const MaxCertificate = 16 << 10

// judgeRenewal applies the rules to a renewal with the device's own certificate.
// The key of the new one may be the same or another.
func (s *Service) judgeRenewal(r Reader, request *opened, evidence CertificateEvidence) (verdict, error) {
	now := s.now()
	presented, err := s.presented(r, request.shown, evidence.DER, now, s.graceOf)
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
	at, err := s.place(r, d.Fleet)
	if err != nil {
		return said, err
	}
	p := &plan{what: renewal, device: d, at: at, order: OrderID(d.Order), issuer: request.by.issuing, predecessor: presented.Serial, owner: ownersOf(&d)}
	if d.Newest.Serial != presented.Serial {
		said.recalled, err = recallRenewal(r, &d, presented, request.key, now)
		if p.forked = at.policy.AllowsForks() && isFork(err); p.forked {
			err = nil
		}
		if err != nil || said.recalled != nil {
			return said, forked(err, &said)
		}
	}
	if err := inTime(at, &presented, now); err != nil {
		return said, err
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
	protection := d.Protection()
	if request.key != presented.Key {
		protection = policy.Software // nobody says where a new key is kept
	}
	p.device.KeyProtection = recorded(protection)
	if err := checkPolicyOf(at, request, policy.Certificate, protection); err != nil {
		return said, err
	}
	if p.profile, err = s.profileAt(request.by, at, presented.Profile); err == nil {
		said.plan = p
	}
	return said, err
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
//
// grace says for how long after its end a certificate still counts.
func (s *Service) presented(r Reader, serial ca.Serial, der []byte, now time.Time, grace graceFunc) (Certificate, error) {
	recorded, err := r.Certificate(serial)
	if errors.Is(err, ErrNotFound) {
		if !now.After(serial.NotAfter()) {
			return Certificate{}, errForeign()
		}
		if recorded, err = s.longExpired(r, serial, der); errors.Is(err, ErrNotFound) {
			return Certificate{}, errExpired(serial)
		}
	}
	if err != nil {
		return Certificate{}, err
	}
	issuer := s.live().issuers[recorded.Issuer]
	switch {
	case !bytes.Equal(recorded.DER, der):
		return Certificate{}, errForeign()
	case issuer == nil || now.After(issuer.NotAfter()):
		return Certificate{}, Refuse(Unauthenticated, "the certificate's issuer does not count any more; the device needs to be enrolled again")
	case !now.After(serial.NotAfter()):
		return recorded, nil
	}
	late, err := grace(r, &recorded)
	if err == nil && now.After(serial.NotAfter().Add(late)) {
		err = errExpired(serial)
	}
	return recorded, err
}

// recallRenewal answers a renewal from a certificate that has a successor: the
// same answer to the same question, nothing where every successor has expired,
// and otherwise a Refusal: someone else renewed from the same certificate.
func recallRenewal(r Reader, d *Device, presented Certificate, key ca.KeyHash, now time.Time) (*Certificate, error) {
	// An expired one that is not the newest renews nothing by grace: whoever has the
	// newest has that.
	late := now.After(presented.Serial.NotAfter())
	ended := d.Newest.NotAfter().Before(now)
	if ended && (!late || d.Newest.Predecessor == presented.Serial && d.Newest.Key == key) {
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
	if isFork(err) {
		said.suspicion = RenewalForked
	}
	return err
}

// isFork reports whether a renewal was refused as a fork.
func isFork(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal) && refusal.Code == CloneSuspected
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
