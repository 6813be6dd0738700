package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// withdrawal is what becomes of certificates: held, released (good again) or
// revoked.
type withdrawal struct {
	status  Status
	reason  ca.Reason
	when    time.Time
	alone   bool // the certificate itself, not its device
	comment string
	// at is where the device stands, and grant what lets somebody withdraw it.
	at    *place
	grant string
}

// weaker reports whether a certificate's status gives way to w. What is revoked
// stays so, except that keyCompromise replaces a weaker reason.
func (w withdrawal) changes(c *Certificate) bool {
	if c.Status == StatusRevoked {
		return w.status == StatusRevoked && w.reason == ca.KeyCompromise && c.Reason != ca.KeyCompromise
	}
	return c.Status != w.status
}

// withdrawAll applies w to every unexpired certificate of a device, whose record
// it changes and leaves to the caller to write. Certificates that were held by
// themselves are not released with their device. It returns those that changed.
func (s *Service) withdrawAll(ctx context.Context, tx Tx, who identity.Principal, d *Device, w withdrawal) ([]ca.Serial, error) {
	var serials []ca.Serial
	for _, live := range d.unexpired(w.when) {
		if w.status != StatusGood || !live.HeldAlone {
			serials = append(serials, live.Serial)
		}
	}
	if w.reason == ca.KeyCompromise {
		revoked, err := revokedBefore(tx, d.ID, w.when, func(*Certificate) bool { return true })
		if err != nil {
			return nil, err
		}
		serials = append(serials, revoked...)
	}
	return s.withdrawEach(ctx, tx, who, d, serials, w)
}

// withdrawEach applies w to each of a device's certificates and returns those
// that changed.
func (s *Service) withdrawEach(ctx context.Context, tx Tx, who identity.Principal, d *Device, serials []ca.Serial, w withdrawal) ([]ca.Serial, error) {
	var changed []ca.Serial
	for _, serial := range serials {
		did, err := s.withdrawOne(ctx, tx, who, d, serial, w)
		if err != nil {
			return nil, err
		}
		if did {
			changed = append(changed, serial)
		}
	}
	return changed, nil
}

// revokedBefore returns the unexpired certificates of a device, among its latest,
// that were revoked for a weaker reason than keyCompromise, which replaces it.
func revokedBefore(r Reader, device identity.DeviceID, now time.Time, of func(*Certificate) bool) ([]ca.Serial, error) {
	latest, err := r.Certificates(CertificateFilter{Device: device, Page: Page{Limit: MaxPage}})
	var serials []ca.Serial
	for _, c := range latest.Items {
		if c.Status == StatusRevoked && c.Reason != ca.KeyCompromise && now.Before(c.Serial.NotAfter()) && of(&c) {
			serials = append(serials, c.Serial)
		}
	}
	return serials, err
}

// withdrawOne applies w to one certificate of a device, and says whether that
// changed anything.
func (s *Service) withdrawOne(ctx context.Context, tx Tx, who identity.Principal, d *Device, serial ca.Serial, w withdrawal) (bool, error) {
	c, err := tx.Certificate(serial)
	if err != nil || !w.changes(&c) {
		return false, err
	}
	c.Status, c.Reason, c.RevokedAt = w.status, w.reason, w.when
	if w.status == StatusGood {
		c.Reason, c.RevokedAt = ca.Unspecified, time.Time{}
	}
	d.mark(serial, w)
	kinds := map[Status]EventKind{StatusGood: CertificateReleased, StatusHeld: CertificateHeld, StatusRevoked: CertificateRevoked}
	event := s.event(ctx, who, kinds[w.status])
	event.at(w.at)
	event.Device, event.Certificate, event.Order = c.Device, &serial, OrderID(d.Order)
	event.Comment, event.Grant = w.comment, w.grant
	if w.status != StatusGood {
		event.Reason = w.reason.String()
	}
	return true, errors.Join(tx.PutCertificate(c), putRevocation(tx, &c), s.append(tx, who, event), s.compromise(tx, &c))
}

// mark writes a certificate's status into its device's record.
func (d *Device) mark(serial ca.Serial, w withdrawal) {
	live := make([]LiveCertificate, len(d.Live))
	copy(live, d.Live)
	for i := range live {
		if live[i].Serial == serial {
			live[i].Status, live[i].HeldAlone = w.status, w.alone && w.status == StatusHeld
		}
	}
	d.Live = live
	if d.Newest != nil && d.Newest.Serial == serial {
		newest := *d.Newest
		newest.Status, newest.HeldAlone = w.status, w.alone && w.status == StatusHeld
		d.Newest = &newest
	}
}

// putRevocation brings the certificate's CRL shard up to its status.
func putRevocation(tx Tx, c *Certificate) error {
	if c.Shard == "" {
		return nil
	}
	key := ShardKey{Issuer: c.Issuer, Shard: c.Shard}
	shard, err := tx.Shard(key)
	if errors.Is(err, ErrNotFound) {
		return nil // past its last CRL: the certificate has long expired
	}
	if err != nil {
		return err
	}
	shard.Changes++
	if c.Status == StatusGood {
		err = tx.DeleteCRLEntry(key, c.Serial)
	} else {
		err = tx.PutCRLEntry(key, c.Serial, ca.EncodeCRLEntry(c.Serial, c.RevokedAt, c.Reason))
	}
	return errors.Join(err, tx.PutShard(shard))
}

// compromise remembers the key of a certificate that was revoked for
// keyCompromise: it is never certified again.
func (s *Service) compromise(tx Tx, c *Certificate) error {
	if c.Status != StatusRevoked || c.Reason != ca.KeyCompromise {
		return nil
	}
	return tx.PutKey(c.Key, KeyUse{Device: c.Device, Compromised: true})
}

// tellWithdrawn tells those who answer for certificates, before the caller is
// told, and wakes the publisher of CRLs.
func (s *Service) tellWithdrawn(serials []ca.Serial) {
	if len(serials) == 0 {
		return
	}
	s.observer.Count(CountWithdrawn, len(serials))
	s.spread(serials)
}

// spread passes on which certificates were withdrawn, here or by another node.
func (s *Service) spread(serials []ca.Serial) {
	if len(serials) == 0 {
		return
	}
	for _, tell := range s.withdrawn {
		tell(serials...)
	}
	s.publisher.wake()
}
