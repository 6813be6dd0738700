package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// branchCertificates lists the certificates of a branch, and is not done where all of
// the tree is asked for by somebody who may read that.
func (s *Service) branchCertificates(ctx context.Context, p identity.Principal, q CertificateQuery) (list List[CertificateInfo], done bool, err error) {
	if q.Device != "" {
		return list, false, RefuseField("fleet", "a device's certificates are listed wherever it stands; leave the fleet out")
	}
	path, err := optional(q.Fleet, "fleet", identity.ParseFleetPath)
	if err != nil {
		return list, false, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		list, done = List[CertificateInfo]{}, false
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		fleets, err := a.readable(r, path)
		if err != nil || fleets == nil {
			return err
		}
		found, err := newestOfDevices(r, fleets, q)
		for _, c := range found.Items {
			list.Items = append(list.Items, s.certificateInfo(c))
		}
		list.Next, done = found.Next, true
		return err
	})
	return list, done, err
}

// readable returns the fleets of the branch that a path names, or of all branches,
// whose certificates the principal may read; nil for the whole tree, and for whoever
// holds the permission on no branch at all.
func (a *access) readable(r Reader, path identity.FleetPath) ([]identity.FleetID, error) {
	switch {
	case path != "":
		return a.branch(r, identity.CertificateRead, path)
	case !a.anywhere(identity.CertificateRead):
		return nil, nil
	default:
		return a.branches(r, identity.CertificateRead)
	}
}

// newestOfDevices returns, of a part of the devices in some fleets, each one's newest
// certificate that ends within the time asked for. It reads nothing of other fleets:
// the tree of certificates, which is sorted by expiry, would lead through all.
func newestOfDevices(r Reader, fleets []identity.FleetID, q CertificateQuery) (List[Certificate], error) {
	devices, err := r.Devices(DeviceFilter{Fleets: fleets, Page: q.Page})
	if err != nil {
		return List[Certificate]{}, err
	}
	list := List[Certificate]{Next: devices.Next}
	for i := range devices.Items {
		c, err := newestWithin(r, &devices.Items[i], q)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return List[Certificate]{}, err
		}
		list.Items = append(list.Items, c)
	}
	return list, nil
}

// newestWithin returns a device's newest certificate in the store that ends within
// the time asked for; ErrNotFound for none.
func newestWithin(r Reader, d *Device, q CertificateQuery) (Certificate, error) {
	if d.Newest == nil {
		return Certificate{}, ErrNotFound
	}
	if end := d.Newest.NotAfter(); !end.Before(q.ExpiringAfter) && (q.ExpiringBefore.IsZero() || end.Before(q.ExpiringBefore)) {
		if c, err := r.Certificate(d.Newest.Serial); !errors.Is(err, ErrNotFound) { // it is not in the archive
			return c, err
		}
	}
	if d.Issued < 2 {
		return Certificate{}, ErrNotFound
	}
	found, err := r.Certificates(CertificateFilter{
		Device: d.ID, ExpiringAfter: q.ExpiringAfter, ExpiringBefore: q.ExpiringBefore, Page: Page{Limit: 1},
	})
	if err == nil && len(found.Items) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Certificate{}, err
	}
	return found.Items[0], nil
}
