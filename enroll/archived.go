package enroll

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/ca"
)

// errNoArchive is what operators see who took the archive away.
var errNoArchive = errors.New("the store names files of an archive, and no archive is configured")

// archivedPlace is where a certificate stands that is not in the store. It is
// found in a View and read after it: a View never waits for files, and files
// never change.
type archivedPlace struct {
	serial ca.Serial
	in     Segment
}

// segmentOf returns the file that a key may stand in; ErrNotFound for none.
func segmentOf(r Reader, kind SegmentKind, key []byte) (Segment, error) {
	segment, err := r.Segment(kind, key)
	if err == nil && bytes.Compare(key, segment.First) < 0 {
		err = ErrNotFound
	}
	return segment, err
}

// locate finds a certificate in the store, or else its place in the archive, if
// it was ever issued; or else ErrNotFound.
func locate(r Reader, serial ca.Serial) (Certificate, *archivedPlace, error) {
	c, err := r.Certificate(serial)
	if !errors.Is(err, ErrNotFound) {
		return c, nil, err
	}
	in, err := segmentOf(r, CertificateSegments, serial[:])
	if err != nil {
		return Certificate{}, nil, err
	}
	return Certificate{}, &archivedPlace{serial, in}, nil
}

// fromArchive reads a certificate from its place. Nothing but its never having
// been issued is ErrNotFound.
func (s *Service) fromArchive(ctx context.Context, at archivedPlace) (Certificate, error) {
	if s.live().retention.Archive == nil {
		return Certificate{}, fmt.Errorf("certificate %s: %w", at.serial, errNoArchive)
	}
	value, err := s.live().retention.Archive.Get(ctx, at.in, at.serial[:])
	if err != nil {
		return Certificate{}, err
	}
	return decodeCertificate(value, at.serial)
}

// archivedLineage returns a part of a device's certificates in the archive: those
// that the certificate at, and what stands in its place after it, renewed, newest
// first. Those of them that are in the store were listed before. Each step reads
// one certificate, and so a part is short.
func (s *Service) archivedLineage(ctx context.Context, d *Device, at ca.Serial, limit int) (list []Certificate, next ca.Serial, err error) {
	for len(list) < limit && !at.IsZero() {
		var from ca.Serial
		var place *archivedPlace
		err := s.store.View(ctx, func(r Reader) (err error) {
			from, place, err = olderArchived(r, d, at, nil)
			return err
		})
		if err != nil || place == nil {
			return list, from, err
		}
		c, err := s.fromArchive(ctx, *place)
		if errors.Is(err, ErrNotFound) || err == nil && c.Device != d.ID {
			err = errLineage(d, from)
		}
		if err != nil {
			return nil, ca.Serial{}, err
		}
		list, at = append(list, c), c.Predecessor
	}
	return list, at, nil
}

// errLineage is told of a certificate that cannot be of a device's lineage, as
// where a cursor was made up.
func errLineage(d *Device, at ca.Serial) error {
	return fmt.Errorf("certificate %s is not of the device %s: %w", at, d.ID, ErrCursor)
}

// olderArchived goes from a device's certificate back along its lineage, through
// the store, to the first that is in the archive, and returns its serial number
// and place; no serial number at the end of the lineage, and one without a place
// where the way is so long that it takes another call. known are some certificates
// that were read already.
func olderArchived(r Reader, d *Device, at ca.Serial, known []Certificate) (ca.Serial, *archivedPlace, error) {
	read := map[ca.Serial]*Certificate{}
	for i := range known {
		read[known[i].Serial] = &known[i]
	}
	for range MaxPage {
		if at.IsZero() {
			return at, nil, nil
		}
		if c := read[at]; c != nil {
			at = c.Predecessor
			continue
		}
		c, place, err := locate(r, at)
		if errors.Is(err, ErrNotFound) || err == nil && place == nil && c.Device != d.ID {
			return at, nil, errLineage(d, at)
		}
		if err != nil || place != nil {
			return at, place, err
		}
		at = c.Predecessor
	}
	return at, nil, nil
}
