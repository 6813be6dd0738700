package enroll

import (
	"context"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// actOnCertificate is an action on one certificate.
type actOnCertificate struct {
	Serial  string          `json:"serial"`
	Action  identity.Action `json:"action"`
	Reason  string          `json:"reason,omitempty"`
	Comment string          `json:"comment,omitempty"`

	withdrawal  withdrawal
	certificate Certificate
	device      *Device
	away        *archivedPlace // where the archive has the certificate
	changed     []ca.Serial
}

func (d *actOnCertificate) kind() deedKind { return deedActCertificate }

// weigh leaves to whoever asked what is in the archive, where nothing changes.
func (d *actOnCertificate) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	permission := identity.ActionPermission(d.Action)
	if d.withdrawal, err = s.withdrawalOf(d.Action, d.Reason, d.Comment); err != nil {
		return w, err
	}
	d.withdrawal.alone = true
	d.certificate, d.device, d.away, err = s.readCertificate(r, a.who, d.Serial, permission)
	if err != nil || d.away != nil {
		return weight{changesNothing: true}, err
	}
	if err := mayChange(&d.certificate, d.device, d.withdrawal); err != nil {
		return w, err
	}
	at, err := a.moment.place(r, d.device.Fleet)
	if err != nil {
		return w, err
	}
	w = weight{
		permission: permission, places: []*place{at}, grant: a.deviceGrant(permission, d.device, at), subject: policy.SubjectActions, devices: 1,
		words:          string(d.Action) + " certificate " + d.certificate.Serial.String() + " of " + string(d.device.ID) + because(d.withdrawal),
		changesNothing: !d.withdrawal.changes(&d.certificate),
	}
	d.withdrawal.at, d.withdrawal.grant = at, w.grant
	return w, nil
}

func (d *actOnCertificate) do(ctx context.Context, s *Service, tx Tx, a *access, _ weight) error {
	if d.away != nil {
		return nil
	}
	serials, err := together(tx, &d.certificate, d.device, d.withdrawal)
	if err != nil {
		return err
	}
	if d.changed, err = s.withdrawEach(ctx, tx, a.who, d.device, serials, d.withdrawal); err != nil {
		return err
	}
	if len(d.changed) > 0 {
		d.device.Version++
		d.device.ChangedAt = d.withdrawal.when
		if err := tx.PutDevice(*d.device); err != nil {
			return err
		}
	}
	d.certificate, err = tx.Certificate(d.certificate.Serial)
	return err
}

func (d *actOnCertificate) after(s *Service) { s.tellWithdrawn(d.changed) }
