package enroll

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// shownCertificates is how many of a device's certificates are shown with it.
const shownCertificates = 100

// DeviceInfo is a device as a principal sees it.
type DeviceInfo struct {
	Device
	URN       string // RFC 9039
	FleetPath identity.FleetPath
	at        *place // where it stands
	grant     string // what lets the principal do what it asked for
	// Certificates are its newest ones, newest first; in a list only the newest.
	Certificates []CertificateInfo
	// More says that there are older certificates; Certificates lists them.
	More bool
}

// DeviceQuery selects devices; empty members select all. Fleet means the whole
// branch; Query is a prefix of the device's id or serial number.
type DeviceQuery struct {
	Fleet, Model, State string
	ExpiringBefore      time.Time
	Query               string
	// Owner selects what belongs to one person or group: "me", a pseudonymous id, or
	// whom it stands for. Within it lists go by the owner's index.
	Owner string
	Page
}

// Devices lists devices, each with its newest certificate only, which is read from
// the archive where it expired long ago. Whoever may read no branch is shown what
// belongs to them.
func (s *Service) Devices(ctx context.Context, p identity.Principal, q DeviceQuery) (List[DeviceInfo], error) {
	var list List[DeviceInfo]
	var away map[int]archivedPlace // by the place in the list
	if err := s.need(ctx, p, identity.DeviceRead); err != nil {
		return list, err
	}
	err := s.store.View(ctx, func(r Reader) error {
		a, err := s.access(r, p)
		if err != nil {
			return err
		}
		found, err := a.devices(r, q)
		if err != nil {
			return err
		}
		list, away = List[DeviceInfo]{Next: found.Next}, map[int]archivedPlace{}
		for i, d := range found.Items {
			info, err := s.deviceInfo(r, d)
			if err != nil {
				return err
			}
			if d.Newest != nil {
				newest, place, err := locate(r, d.Newest.Serial)
				if err != nil {
					return err
				}
				if place != nil {
					away[i] = *place
				} else {
					info.Certificates = []CertificateInfo{s.certificateInfo(newest)}
				}
			}
			list.Items = append(list.Items, info)
		}
		return nil
	})
	if err != nil {
		return List[DeviceInfo]{}, cursorFault(err)
	}
	return list, s.fetchNewest(ctx, list.Items, away)
}

// devices reads one part of a list of devices.
func (a *access) devices(r Reader, q DeviceQuery) (none List[Device], err error) {
	path, err := fleetIn(q.Fleet)
	if err != nil {
		return none, err
	}
	mine := q.Owner != "" || !a.anywhere(identity.DeviceRead)
	var fleets []identity.FleetID
	if path != "" || !mine {
		if fleets, err = a.selected(r, identity.DeviceRead, path); err != nil {
			return none, err
		}
	}
	filter, err := q.filter(fleets)
	switch {
	case err != nil:
		return none, err
	case mine:
		return a.ownedDevices(r, q.Owner, filter)
	default:
		return r.Devices(filter)
	}
}

// fetchNewest fills in the newest certificates that are in the archive, in the
// order in which they lie there. One whose file is missing or damaged stays out: a
// device is not to vanish from the list for it.
func (s *Service) fetchNewest(ctx context.Context, devices []DeviceInfo, away map[int]archivedPlace) error {
	inOrder := slices.SortedFunc(maps.Keys(away), func(a, b int) int { return away[a].serial.Compare(away[b].serial) })
	for _, i := range inOrder {
		newest, err := s.fromArchive(ctx, away[i])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.log.ErrorContext(ctx, "a device is listed without its newest certificate", "device", devices[i].ID, "error", err)
			continue
		}
		devices[i].Certificates = []CertificateInfo{s.certificateInfo(newest)}
	}
	return nil
}

func (q DeviceQuery) filter(fleets []identity.FleetID) (DeviceFilter, error) {
	filter := DeviceFilter{Fleets: fleets, ExpiringBefore: q.ExpiringBefore, Query: q.Query, Page: q.Page}
	if len(q.Query) > identity.MaxModel+1+identity.MaxSerialNumber {
		return filter, RefuseField("q", "a search is the beginning of a device's id or serial number")
	}
	model, modelErr := optional(q.Model, "model", identity.ParseModel)
	state, stateErr := optional(q.State, "state", identity.ParseState)
	filter.Model, filter.State = model, state
	return filter, errors.Join(modelErr, stateErr)
}

// Device returns a device with its newest certificates.
func (s *Service) Device(ctx context.Context, p identity.Principal, id string) (info DeviceInfo, err error) {
	if err := s.need(ctx, p, identity.DeviceRead); err != nil {
		return DeviceInfo{}, err
	}
	var place *archivedPlace
	err = s.store.View(ctx, func(r Reader) error {
		if info, err = s.readDevice(r, p, id, identity.DeviceRead); err != nil {
			return err
		}
		place, err = s.fillCertificates(r, &info)
		return err
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return s.withNewest(ctx, info, place)
}

// refreshed returns a device as it is after a change.
func (s *Service) refreshed(ctx context.Context, info DeviceInfo) (DeviceInfo, error) {
	var place *archivedPlace
	err := s.store.View(ctx, func(r Reader) (err error) {
		place, err = s.fillCertificates(r, &info)
		return err
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return s.withNewest(ctx, info, place)
}

// withNewest returns a device with its newest certificate from the archive, where
// the store has none of it any more.
func (s *Service) withNewest(ctx context.Context, info DeviceInfo, place *archivedPlace) (DeviceInfo, error) {
	if place == nil || len(info.Certificates) > 0 {
		return info, nil
	}
	newest, err := s.fromArchive(ctx, *place)
	if err != nil {
		return DeviceInfo{}, fmt.Errorf("the newest certificate of %s: %w", info.ID, err)
	}
	info.Certificates = []CertificateInfo{s.certificateInfo(newest)}
	info.More = !newest.Predecessor.IsZero()
	return info, nil
}

// DeviceEvents returns a device's story, oldest first, from the records that the
// store still has; what is older stands in the audit log alone.
func (s *Service) DeviceEvents(ctx context.Context, p identity.Principal, id string, page Page) (list List[Record], err error) {
	if err := s.need(ctx, p, identity.DeviceRead); err != nil {
		return list, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		info, err := s.readDevice(r, p, id, identity.DeviceRead)
		if err != nil {
			return err
		}
		list, err = r.Records(RecordFilter{Device: info.ID, Page: page})
		return err
	})
	return list, cursorFault(err)
}

// readDevice returns a device that p holds permission on, without its
// certificates. Where p may not even read it, there is none.
func (s *Service) readDevice(r Reader, p identity.Principal, id string, permission identity.Permission) (DeviceInfo, error) {
	info, _, err := s.readDeviceBy(r, p, id, permission, func(a *access, d *Device, at *place) (string, error) {
		return a.deviceGrant(permission, d, at), nil
	})
	return info, err
}

// readDeviceBy returns a device and what p may do, where decide names what lets p do
// it. Where p may not even read the device, there is none.
func (s *Service) readDeviceBy(r Reader, p identity.Principal, id string, permission identity.Permission, decide func(*access, *Device, *place) (string, error)) (DeviceInfo, *access, error) {
	d, err := r.Device(identity.DeviceID(id))
	if errors.Is(err, ErrNotFound) {
		return DeviceInfo{}, nil, errDevice()
	}
	if err != nil {
		return DeviceInfo{}, nil, err
	}
	info, err := s.deviceInfo(r, d)
	if err != nil {
		return DeviceInfo{}, nil, err
	}
	a, err := s.access(r, p)
	if err != nil {
		return DeviceInfo{}, nil, err
	}
	if info.grant, err = decide(a, &d, info.at); err != nil {
		return DeviceInfo{}, nil, err
	}
	if info.grant == "" {
		if a.deviceGrant(identity.DeviceRead, &d, info.at) != "" {
			return DeviceInfo{}, nil, forbidden(permission).in(info.at)
		}
		return DeviceInfo{}, nil, errDevice().in(info.at)
	}
	return info, a, nil
}

func errDevice() *Refusal { return Refuse(NotFound, "no such device") }

func (s *Service) deviceInfo(r Reader, d Device) (DeviceInfo, error) {
	at, err := s.place(r, d.Fleet)
	if err != nil {
		return DeviceInfo{}, err
	}
	return DeviceInfo{Device: d, URN: s.pen.URN(d.ID), FleetPath: at.path, at: at}, nil
}

// fillCertificates fills in a device's certificates that the store has, and
// returns the place of the next older one where that is the archive.
func (s *Service) fillCertificates(r Reader, info *DeviceInfo) (*archivedPlace, error) {
	found, err := r.Certificates(CertificateFilter{Device: info.ID, Page: Page{Limit: shownCertificates}})
	if err != nil {
		return nil, err
	}
	info.Certificates = nil
	for _, c := range found.Items {
		info.Certificates = append(info.Certificates, s.certificateInfo(c))
	}
	if info.More = found.Next != ""; info.More {
		return nil, nil
	}
	older, place, err := info.older(r, found.Items)
	info.More = !older.IsZero()
	return place, err
}

// cursorFault turns a bad cursor into what the caller did wrong.
func cursorFault(err error) error {
	if errors.Is(err, ErrCursor) {
		return RefuseField("after", "not a cursor of this list; use the \"next\" of the part before")
	}
	return err
}
