package enroll

import (
	"errors"

	"github.com/touchmark/touchmark/identity"
)

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
