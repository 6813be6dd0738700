package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// AllowReenrol permits one enrolment of an active device with another key, for
// as long as the service's re-enrolment window. It costs no quota and takes the
// evidence of a first enrolment; the old lineage is revoked as superseded when
// it is used, and may renew until then. Allowing it again begins the window anew.
func (s *Service) AllowReenrol(ctx context.Context, p identity.Principal, id string, comment string) (DeviceInfo, error) {
	if err := s.need(ctx, p, identity.DeviceReenrol); err != nil {
		return DeviceInfo{}, err
	}
	d := &allowReenrol{Device: id, Comment: comment}
	if err := s.perform(ctx, p, d); err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, d.info)
}

// allowReenrol is the permission to enrol one device once more.
type allowReenrol struct {
	Device  string `json:"device"`
	Comment string `json:"comment,omitempty"`

	info   DeviceInfo
	grants int // that stand for the device, and will not for the next key
}

func (d *allowReenrol) kind() deedKind { return deedReenrol }

func (d *allowReenrol) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if err := checkComment(d.Comment); err != nil {
		return w, err
	}
	if d.info, err = s.readDevice(r, a.who, d.Device, identity.DeviceReenrol); err != nil {
		return w, err
	}
	if d.info.State != identity.Active {
		return w, Refuse(WrongState, "only an active device is enrolled again; this one is %s", d.info.State)
	}
	if d.grants, err = grantsOf(r, a, &d.info.Device); err != nil {
		return w, err
	}
	return weight{
		permission: identity.DeviceReenrol, places: []*place{d.info.at}, grant: d.info.grant, subject: policy.SubjectActions, devices: 1,
		words: "allow " + d.Device + " to enrol once with another key",
	}, nil
}

func (d *allowReenrol) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	device, now := &d.info.Device, s.now()
	event := s.event(ctx, a.who, DeviceReenrolAllowed)
	event.at(d.info.at)
	event.Device, event.Order, event.Comment, event.Count, event.Grant = device.ID, OrderID(device.Order), d.Comment, d.grants, w.grant
	device.Reenrol = &Reenrol{Until: now.Add(s.live().reenrolWindow), AllowedAt: now, AllowedBy: event.Actor}
	device.Version++
	device.ChangedAt = now
	return errors.Join(tx.PutDevice(*device), s.append(tx, a.who, event))
}

func (d *allowReenrol) after(*Service) {}
