package enroll

import (
	"errors"
	"slices"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// ownedDevices reads one part of what belongs to an owner, or to the principal and
// its groups where none is named, from the owners' index: what belongs to others is
// never looked at. It leaves out what the principal may not see.
func (a *access) ownedDevices(r Reader, owner string, filter DeviceFilter) (list List[Device], err error) {
	of := a.ownedBy()
	if owner != "" {
		if of, err = a.named(r, owner); err != nil {
			return list, err
		}
	}
	return filled(a.people, "owned", filter.Page, func(page Page) (List[Device], error) {
		filter.Page = page
		return a.ownedPart(r, of, filter)
	})
}

// ownedPart reads one part of what belongs to some owners.
func (a *access) ownedPart(r Reader, of []string, filter DeviceFilter) (list List[Device], err error) {
	list.Next, err = eachOwned(r, of, filter.Page, func(id identity.DeviceID, under string) error {
		d, at, err := a.deviceAt(r, id)
		if err != nil {
			return err
		}
		twice := len(of) > 1 && under != d.Owner && slices.Contains(of, d.Owner)
		if !twice && filter.matches(&d) && a.deviceGrant(identity.DeviceRead, &d, at) != "" {
			list.Items = append(list.Items, d)
		}
		return nil
	})
	return list, err
}

// named returns the owner that a query names.
func (a *access) named(r Reader, owner string) ([]string, error) {
	if strings.HasPrefix(owner, "group:") {
		return []string{owner}, checkOwnerGroup("owner", owner)
	}
	pseudonym, err := a.user(r, owner)
	if err == nil && pseudonym == "" {
		err = Refuse(NotFound, "no such person")
	}
	return []string{pseudonym}, err
}

// deviceAt returns a device and where it stands.
func (a *access) deviceAt(r Reader, id identity.DeviceID) (Device, *place, error) {
	d, err := r.Device(id)
	if err != nil {
		return d, nil, err
	}
	at, err := a.moment.place(r, d.Fleet)
	return d, at, err
}

// eachOwned calls f with what belongs to each of the owners, one part of it, and
// returns the cursor of the next. The cursor says in whose index it goes on, and
// where there.
func eachOwned(r Reader, of []string, page Page, f func(id identity.DeviceID, owner string) error) (next string, err error) {
	byKey := map[string]string{}
	for _, owner := range of {
		byKey[granteeKey(owner)] = owner
	}
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	left := pageLimit(page)
	at, after := 0, ""
	if page.After != "" {
		var key string
		key, after, _ = strings.Cut(page.After, ".")
		if at = slices.Index(keys, key); at < 0 {
			return "", ErrCursor
		}
	}
	for ; at < len(keys); at, after = at+1, "" {
		if left == 0 {
			return keys[at] + ".", nil
		}
		found, err := r.Documents(OwnedDocument, keys[at]+"/", Page{After: after, Limit: left})
		if err != nil {
			return "", err
		}
		for _, d := range found.Items {
			var entry owned
			err := decodeDocument(d, &entry)
			if err == nil {
				err = f(entry.Device, byKey[keys[at]])
			}
			if err != nil {
				return "", err
			}
		}
		if left -= len(found.Items); found.Next != "" {
			return keys[at] + "." + found.Next, nil
		}
	}
	return "", nil
}

// matches reports whether a filter selects a device.
func (f *DeviceFilter) matches(d *Device) bool {
	return (f.Fleets == nil || slices.Contains(f.Fleets, d.Fleet)) &&
		(f.Model == "" || d.ID.Model() == f.Model) &&
		(f.State == "" || d.State == f.State) &&
		(f.ExpiringBefore.IsZero() || d.Newest != nil && d.Newest.NotAfter().Before(f.ExpiringBefore)) &&
		(strings.HasPrefix(string(d.ID), f.Query) || strings.HasPrefix(string(d.ID.SerialNumber()), f.Query))
}

// ownCertificates reads one part of the newest certificates of what belongs to the
// principal, device by device. Older ones are listed by their device.
func (s *Service) ownCertificates(r Reader, a *access, q CertificateQuery) (list List[CertificateInfo], err error) {
	devices, err := a.ownedDevices(r, "", DeviceFilter{ExpiringBefore: q.ExpiringBefore, Page: q.Page})
	list.Next = devices.Next
	for _, d := range devices.Items {
		if d.Newest == nil || d.Newest.NotAfter().Before(q.ExpiringAfter) {
			continue
		}
		c, err := r.Certificate(d.Newest.Serial)
		if errors.Is(err, ErrNotFound) {
			continue // it expired long ago and stands in the archive
		}
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, s.certificateInfo(c))
	}
	return list, err
}
