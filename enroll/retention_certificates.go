package enroll

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// How certificates are put together in files. A file waits for certificatesLeast
// of them, but no certificate waits longer than certificatesWait, so that neither
// a large fleet nor a small one makes thousands of small files.
const (
	certificatesMost  = 16 << 10
	certificatesLeast = 4 << 10
	certificatesWait  = 24 * time.Hour
	// certificatesStep is how many leave the store in one transaction.
	certificatesStep = 64
)

// certificates moves the certificates that expired long ago, in the order of
// expiry, which is that of their serial numbers.
func (m *mover) certificates(ctx context.Context) error {
	for {
		last, err := m.s.lastSegment(ctx, CertificateSegments)
		if err != nil {
			return err
		}
		if last != nil {
			if err := m.deleteCertificates(ctx, last); err != nil {
				return err
			}
		}
		items, err := m.expired(ctx, last)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := m.put(ctx, CertificateSegments, last, items); err != nil {
			return err
		}
	}
}

// expired returns the certificates that are due, as items for a file; none while
// they are too few.
func (m *mover) expired(ctx context.Context, last *Segment) ([]Item, error) {
	due := m.s.clock.look().Earliest.Add(-m.s.live().retention.Certificates)
	filter := CertificateFilter{ExpiringBefore: due, Page: Page{Limit: MaxPage}}
	var after ca.Serial
	if last != nil {
		after = ca.Serial(last.Last)
		filter.ExpiringAfter = after.NotAfter()
	}
	var items []Item
	var oldest time.Time
	for {
		found, err := m.listCertificates(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range found.Items {
			c := &found.Items[i]
			if c.Serial.Compare(after) <= 0 || len(items) == certificatesMost {
				continue
			}
			value, err := encodeCertificate(c)
			if err != nil {
				return nil, err
			}
			if len(items) == 0 {
				oldest = c.Serial.NotAfter()
			}
			items = append(items, Item{Key: bytes.Clone(c.Serial[:]), Value: value})
		}
		if filter.After = found.Next; filter.After == "" || len(items) == certificatesMost {
			break
		}
	}
	if len(items) < certificatesLeast && !oldest.Before(due.Add(-certificatesWait)) {
		return nil, nil
	}
	return items, nil
}

func (m *mover) listCertificates(ctx context.Context, filter CertificateFilter) (list List[Certificate], err error) {
	err = m.s.store.View(ctx, func(r Reader) (err error) {
		list, err = r.Certificates(filter)
		return err
	})
	return list, err
}

// deleteCertificates deletes what stands in the archive up to its last file. One
// that was changed after it was written there, as when somebody revokes what has
// expired, stays, and is what counts.
func (m *mover) deleteCertificates(ctx context.Context, last *Segment) error {
	end := ca.Serial(last.Last)
	filter := CertificateFilter{ExpiringBefore: end.NotAfter().Add(time.Millisecond), Page: Page{Limit: certificatesStep}}
	for {
		found, err := m.listCertificates(ctx, filter)
		if err != nil {
			return err
		}
		var serials []ca.Serial
		for _, c := range found.Items {
			if c.Serial.Compare(end) <= 0 {
				serials = append(serials, c.Serial)
			}
		}
		if err := m.deleteArchived(ctx, serials); err != nil {
			return err
		}
		if filter.After = found.Next; filter.After == "" || len(serials) < len(found.Items) {
			return nil
		}
	}
}

// deleteArchived reads certificates back from the archive and deletes those that
// are still what was written there, with their keys.
func (m *mover) deleteArchived(ctx context.Context, serials []ca.Serial) error {
	archived, err := m.readBack(ctx, serials)
	if err != nil || len(archived) == 0 {
		return err
	}
	var deleted int
	err = m.update(ctx, func(tx Tx) error {
		deleted = 0
		for i := range archived {
			did, err := deleteIfSame(tx, &archived[i])
			if err != nil {
				return err
			}
			if did {
				deleted++
			}
		}
		return nil
	})
	if err == nil {
		m.moved.certificates += deleted
	}
	return err
}

// readBack returns what the archive has of certificates.
func (m *mover) readBack(ctx context.Context, serials []ca.Serial) (archived []Certificate, err error) {
	var places []archivedPlace
	err = m.s.store.View(ctx, func(r Reader) error {
		places = nil
		for _, serial := range serials {
			in, err := segmentOf(r, CertificateSegments, serial[:])
			if err != nil {
				return err
			}
			places = append(places, archivedPlace{serial, in})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, at := range places {
		c, err := m.s.fromArchive(ctx, at)
		if errors.Is(err, ErrNotFound) {
			m.s.log.ErrorContext(ctx, "a certificate is as old as those in the archive and is not there; it stays in the store", "serial", at.serial.String(), "file", at.in.Name)
			continue
		}
		if err != nil {
			return nil, err
		}
		archived = append(archived, c)
	}
	return archived, nil
}

// deleteIfSame deletes a certificate that is what the archive says, and says
// whether it was.
func deleteIfSame(tx Tx, archived *Certificate) (bool, error) {
	current, err := tx.Certificate(archived.Serial)
	if err != nil || !current.equal(archived) {
		return false, ifAny(err)
	}
	return true, errors.Join(tx.DeleteCertificate(archived.Serial), forgetKey(tx, archived))
}

// forgetKey forgets the public key of a certificate that leaves, so that keys are
// as few as devices, unless the device still has it, or nobody may have it again.
func forgetKey(tx Tx, c *Certificate) error {
	use, err := tx.Key(c.Key)
	if err != nil || use.Compromised || use.Device != c.Device || c.Device == "" {
		return ifAny(err)
	}
	d, err := tx.Device(c.Device)
	if err != nil {
		return err
	}
	if d.Newest != nil && d.Newest.Key == c.Key {
		return nil
	}
	for i := range d.Live {
		if d.Live[i].Key == c.Key && d.Live[i].Serial != c.Serial {
			return nil
		}
	}
	return tx.DeleteKey(c.Key)
}
