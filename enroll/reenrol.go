package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
)

// AllowReenrol permits one enrolment of an active device with another key, for
// as long as the service's re-enrolment window. It costs no quota and takes the
// evidence of a first enrolment; the old lineage is revoked as superseded when
// it is used, and may renew until then. Allowing it again begins the window anew.
func (s *Service) AllowReenrol(ctx context.Context, p identity.Principal, id string, comment string) (DeviceInfo, error) {
	if err := s.need(ctx, p, identity.DeviceReenrol); err != nil {
		return DeviceInfo{}, err
	}
	if err := checkComment(comment); err != nil {
		return DeviceInfo{}, err
	}
	var info DeviceInfo
	err := s.store.Update(ctx, func(tx Tx) error {
		var err error
		if info, err = s.readDevice(tx, p, id, identity.DeviceReenrol); err != nil {
			return err
		}
		d := &info.Device
		if d.State != identity.Active {
			return Refuse(WrongState, "only an active device is enrolled again; this one is %s", d.State)
		}
		now := s.now()
		event := s.event(ctx, p, DeviceReenrolAllowed)
		event.at(info.at)
		event.Device, event.Order, event.Comment, event.Grant = d.ID, OrderID(d.Order), comment, info.grant
		d.Reenrol = &Reenrol{Until: now.Add(s.reenrolWindow), AllowedAt: now, AllowedBy: event.Actor}
		d.Version++
		d.ChangedAt = now
		return errors.Join(tx.PutDevice(*d), s.append(tx, p, event))
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, info)
}
