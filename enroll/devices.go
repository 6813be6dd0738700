package enroll

import (
	"context"
	"errors"
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
	Page
}

// Devices lists devices, each with its newest certificate only.
func (s *Service) Devices(ctx context.Context, p identity.Principal, q DeviceQuery) (List[DeviceInfo], error) {
	var list List[DeviceInfo]
	err := s.viewBranch(ctx, p, identity.DeviceRead, q.Fleet, func(r Reader, fleets []identity.FleetID) error {
		filter, err := q.filter(fleets)
		if err != nil {
			return err
		}
		found, err := r.Devices(filter)
		if err != nil {
			return err
		}
		list = List[DeviceInfo]{Next: found.Next}
		for _, d := range found.Items {
			info, err := s.deviceInfo(r, d)
			if err != nil {
				return err
			}
			if d.Newest != nil {
				newest, err := r.Certificate(d.Newest.Serial)
				if err != nil {
					return err
				}
				info.Certificates = []CertificateInfo{s.certificateInfo(newest)}
			}
			list.Items = append(list.Items, info)
		}
		return nil
	})
	return list, err
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
	if !p.MayAnywhere(identity.DeviceRead) {
		return DeviceInfo{}, s.deny(ctx, p, identity.DeviceRead)
	}
	err = s.store.View(ctx, func(r Reader) error {
		if info, err = s.readDevice(r, p, id, identity.DeviceRead); err != nil {
			return err
		}
		return s.fillCertificates(r, &info)
	})
	return info, err
}

// refreshed returns a device as it is after a change.
func (s *Service) refreshed(ctx context.Context, info DeviceInfo) (DeviceInfo, error) {
	err := s.store.View(ctx, func(r Reader) error { return s.fillCertificates(r, &info) })
	return info, err
}

// DeviceEvents returns a device's story, oldest first.
func (s *Service) DeviceEvents(ctx context.Context, p identity.Principal, id string, page Page) (list List[Record], err error) {
	if !p.MayAnywhere(identity.DeviceRead) {
		return list, s.deny(ctx, p, identity.DeviceRead)
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
	d, err := r.Device(identity.DeviceID(id))
	if errors.Is(err, ErrNotFound) {
		return DeviceInfo{}, errDevice()
	}
	if err != nil {
		return DeviceInfo{}, err
	}
	info, err := s.deviceInfo(r, d)
	if err != nil {
		return DeviceInfo{}, err
	}
	if !p.May(permission, info.FleetPath) {
		if p.May(identity.DeviceRead, info.FleetPath) {
			return DeviceInfo{}, forbidden(permission)
		}
		return DeviceInfo{}, errDevice()
	}
	return info, nil
}

func errDevice() error { return Refuse(NotFound, "no such device") }

func (s *Service) deviceInfo(r Reader, d Device) (DeviceInfo, error) {
	fleet, err := fleetPath(r, d.Fleet)
	return DeviceInfo{Device: d, URN: s.pen.URN(d.ID), FleetPath: fleet}, err
}

func (s *Service) fillCertificates(r Reader, info *DeviceInfo) error {
	found, err := r.Certificates(CertificateFilter{Device: info.ID, Page: Page{Limit: shownCertificates}})
	if err != nil {
		return err
	}
	info.Certificates = nil
	for _, c := range found.Items {
		info.Certificates = append(info.Certificates, s.certificateInfo(c))
	}
	info.More = found.Next != ""
	return nil
}

// cursorFault turns a bad cursor into what the caller did wrong.
func cursorFault(err error) error {
	if errors.Is(err, ErrCursor) {
		return RefuseField("after", "not a cursor of this list; use the \"next\" of the part before")
	}
	return err
}
