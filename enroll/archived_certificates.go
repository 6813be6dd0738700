package enroll

import (
	"context"
	"errors"
	"strings"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// readArchived returns a certificate in the archive that p holds permission on,
// with its device, which is nil for Touchmark's own.
func (s *Service) readArchived(ctx context.Context, p identity.Principal, at archivedPlace, permission identity.Permission) (c Certificate, d *Device, err error) {
	c, err = s.fromArchive(ctx, at)
	if errors.Is(err, ErrNotFound) {
		return Certificate{}, nil, errCertificate()
	}
	if err != nil {
		return Certificate{}, nil, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		d, err = s.deviceOf(r, p, &c, permission)
		return err
	})
	if err != nil {
		return Certificate{}, nil, err
	}
	return c, d, nil
}

// actOnArchived answers for an action on a certificate in the archive: what is so
// already is well, and nothing else can be done.
func (s *Service) actOnArchived(ctx context.Context, p identity.Principal, at archivedPlace, permission identity.Permission, w withdrawal) (CertificateInfo, error) {
	c, d, err := s.readArchived(ctx, p, at, permission)
	if err == nil {
		err = mayChange(&c, d, w)
	}
	if err == nil && w.changes(&c) {
		err = Refuse(WrongState, "the certificate expired long ago and stands in the archive, where nothing changes; act on its device instead")
	}
	if err != nil {
		return CertificateInfo{}, err
	}
	return s.certificateInfo(c), nil
}

// archiveCursor begins the cursors of lists that go on in the archive.
const archiveCursor = "archive."

// maxLineagePart is how many of a device's certificates are read from the archive
// for one part of a list: each lies somewhere else.
const maxLineagePart = 50

// lineage lists a device's certificates: those in the store, then those in the
// archive.
func (s *Service) lineage(ctx context.Context, p identity.Principal, q CertificateQuery) (list List[CertificateInfo], err error) {
	var found []Certificate
	var older ca.Serial
	text, archived := strings.CutPrefix(q.After, archiveCursor)
	if archived {
		if older, err = ca.ParseSerial(text); err != nil {
			return list, ErrCursor
		}
	}
	var info DeviceInfo
	err = s.store.View(ctx, func(r Reader) error {
		if info, err = s.readDevice(r, p, q.Device, identity.CertificateRead); err != nil || archived {
			return err
		}
		hot, err := r.Certificates(CertificateFilter{
			Device: info.ID, ExpiringAfter: q.ExpiringAfter, ExpiringBefore: q.ExpiringBefore, Page: q.Page,
		})
		if err != nil {
			return err
		}
		found, list.Next, older = hot.Items, hot.Next, ca.Serial{}
		if hot.Next == "" {
			older, _, err = info.older(r, hot.Items)
		}
		return err
	})
	if err == nil && archived {
		found, older, err = s.archivedLineage(ctx, &info.Device, older, min(pageLimit(q.Page), maxLineagePart))
	}
	if err != nil {
		return List[CertificateInfo]{}, err
	}
	if !older.IsZero() {
		list.Next = archiveCursor + older.String()
	}
	for _, c := range found {
		end := c.Serial.NotAfter()
		if !end.Before(q.ExpiringAfter) && (q.ExpiringBefore.IsZero() || end.Before(q.ExpiringBefore)) {
			list.Items = append(list.Items, s.certificateInfo(c))
		}
	}
	return list, nil
}

// older returns the first of a device's certificates, from its newest back along
// its lineage, that the store does not have, and its place in the archive. known
// are certificates that were read already.
func (d *Device) older(r Reader, known []Certificate) (ca.Serial, *archivedPlace, error) {
	if d.Newest == nil {
		return ca.Serial{}, nil, nil
	}
	return olderArchived(r, d, d.Newest.Serial, known)
}

// pageLimit returns how many items a page asks for.
func pageLimit(page Page) int {
	if page.Limit < 1 || page.Limit > MaxPage {
		return DefaultPage
	}
	return page.Limit
}
