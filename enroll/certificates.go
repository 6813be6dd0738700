package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// CertificateInfo is a certificate as a principal sees it.
type CertificateInfo struct {
	Certificate
	StatusNow Status
}

func (s *Service) certificateInfo(c Certificate) CertificateInfo {
	return CertificateInfo{Certificate: c, StatusNow: c.StatusAt(s.now())}
}

// CertificateQuery selects certificates: one device's, newest first; or all that end
// within a time, soonest first; or, where Fleet names a branch or the principal may
// not read those of the whole tree, the newest that ends within the time of each
// device in the branch, in the order of devices. A device's are followed into the
// archive, from its newest back to the first of its lineage; other lists tell of the
// store alone, that is of those that expired no longer ago than
// Retention.Certificates.
type CertificateQuery struct {
	Device, Fleet                 string
	ExpiringAfter, ExpiringBefore time.Time
	Page
}

// Certificates lists certificates.
func (s *Service) Certificates(ctx context.Context, p identity.Principal, q CertificateQuery) (List[CertificateInfo], error) {
	if err := s.need(ctx, p, identity.CertificateRead); err != nil {
		return List[CertificateInfo]{}, err
	}
	if q.Device != "" {
		if q.Fleet != "" {
			return List[CertificateInfo]{}, RefuseField("fleet", "a device's certificates are listed wherever it stands; leave the fleet out")
		}
		list, err := s.lineage(ctx, p, q)
		return list, cursorFault(err)
	}
	var list List[CertificateInfo]
	path, err := fleetIn(q.Fleet)
	if err != nil {
		return list, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		if path == "" && !a.anywhere(identity.CertificateRead) {
			list, err = s.ownCertificates(r, a, q)
			return err
		}
		fleets, err := a.selected(r, identity.CertificateRead, path)
		if err != nil {
			return err
		}
		var found List[Certificate]
		if fleets == nil {
			found, err = r.Certificates(CertificateFilter{ExpiringAfter: q.ExpiringAfter, ExpiringBefore: q.ExpiringBefore, Page: q.Page})
		} else {
			found, err = newestOfDevices(r, fleets, q)
		}
		list = List[CertificateInfo]{Next: found.Next}
		for _, c := range found.Items {
			list.Items = append(list.Items, s.certificateInfo(c))
		}
		return err
	})
	return list, cursorFault(err)
}

// Certificate returns a certificate by its serial number, which may be written
// with upper case and colons.
func (s *Service) Certificate(ctx context.Context, p identity.Principal, serial string) (info CertificateInfo, err error) {
	if err := s.need(ctx, p, identity.CertificateRead); err != nil {
		return CertificateInfo{}, err
	}
	var place *archivedPlace
	err = s.store.View(ctx, func(r Reader) error {
		var c Certificate
		c, _, place, err = s.readCertificate(r, p, serial, identity.CertificateRead)
		info = s.certificateInfo(c)
		return err
	})
	if err == nil && place != nil {
		info.Certificate, _, err = s.readArchived(ctx, p, *place, identity.CertificateRead)
		info = s.certificateInfo(info.Certificate)
	}
	return info, err
}

// ActOnCertificate holds, releases, revokes or retires one certificate. For
// keyCompromise every certificate with the same key goes with it. Its device
// stays as it is.
func (s *Service) ActOnCertificate(ctx context.Context, p identity.Principal, serial string, action identity.Action, reason, comment string) (CertificateInfo, error) {
	permission := identity.ActionPermission(action)
	if err := s.need(ctx, p, permission); err != nil {
		return CertificateInfo{}, err
	}
	d := &actOnCertificate{Serial: serial, Action: action, Reason: reason, Comment: comment}
	if err := s.perform(ctx, p, d); err != nil {
		return CertificateInfo{}, err
	}
	if d.away != nil {
		return s.actOnArchived(ctx, p, *d.away, permission, d.withdrawal)
	}
	return s.certificateInfo(d.certificate), nil
}

// mayChange refuses what w cannot do to a certificate of a device, nil for
// Touchmark's own.
func mayChange(c *Certificate, d *Device, w withdrawal) error {
	switch {
	case d == nil:
		return Refuse(WrongState, "this certificate is Touchmark's own; it is replaced by a restart and expires soon")
	case c.Status == StatusRevoked && w.status != StatusRevoked:
		return Refuse(WrongState, "the certificate is revoked, and that is final")
	case w.status == StatusGood && d.State == identity.Held:
		return Refuse(WrongState, "its device is held; release the device")
	}
	return nil
}

// together returns the certificates that w changes with c: those of the same key
// where the key is compromised.
func together(r Reader, c *Certificate, d *Device, w withdrawal) ([]ca.Serial, error) {
	serials := []ca.Serial{c.Serial}
	if w.reason != ca.KeyCompromise {
		return serials, nil
	}
	for _, live := range d.unexpired(w.when) {
		if live.Key == c.Key && live.Serial != c.Serial {
			serials = append(serials, live.Serial)
		}
	}
	revoked, err := revokedBefore(r, d.ID, w.when, func(other *Certificate) bool { return other.Key == c.Key })
	return append(serials, revoked...), err
}

func errCertificate() *Refusal { return Refuse(NotFound, "no such certificate") }

// readCertificate returns a certificate that p holds permission on, with its
// device, which is nil for Touchmark's own; or its place in the archive, about
// which p is to be told nothing yet.
func (s *Service) readCertificate(r Reader, p identity.Principal, text string, permission identity.Permission) (Certificate, *Device, *archivedPlace, error) {
	serial, err := ca.ParseSerial(text)
	if err != nil {
		return Certificate{}, nil, nil, errCertificate()
	}
	c, place, err := locate(r, serial)
	if errors.Is(err, ErrNotFound) {
		return Certificate{}, nil, nil, errCertificate()
	}
	if err != nil || place != nil {
		return Certificate{}, nil, place, err
	}
	d, err := s.deviceOf(r, p, &c, permission)
	return c, d, nil, err
}

// deviceOf returns the device of a certificate that p holds permission on, nil for
// Touchmark's own. A certificate that p may not know of is not there.
func (s *Service) deviceOf(r Reader, p identity.Principal, c *Certificate, permission identity.Permission) (*Device, error) {
	d, at, err := s.certificatePlace(r, c)
	if err != nil {
		return nil, err
	}
	a, err := s.access(r, p)
	if err != nil {
		return nil, err
	}
	if a.deviceGrant(permission, &d, at) == "" {
		if a.deviceGrant(identity.CertificateRead, &d, at) != "" {
			return nil, forbidden(permission).in(at)
		}
		return nil, errCertificate().in(at)
	}
	if c.Device == "" {
		return nil, nil
	}
	return &d, nil
}

// certificatePlace returns a certificate's device and its place: for Touchmark's
// own, none and the root.
func (s *Service) certificatePlace(r Reader, c *Certificate) (d Device, at *place, err error) {
	if c.Device == "" {
		at, err = s.place(r, identity.RootFleetID)
		return d, at, err
	}
	if d, err = r.Device(c.Device); err != nil {
		return d, nil, err
	}
	at, err = s.place(r, d.Fleet)
	return d, at, err
}
