package enroll

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// MaxComment bounds an operator's comment, in bytes.
const MaxComment = 1024

// Act holds, releases, revokes or retires a device with all its certificates. It
// returns when this node's OCSP says so. Repeating it changes nothing, except
// that keyCompromise replaces a weaker reason.
func (s *Service) Act(ctx context.Context, p identity.Principal, id string, action identity.Action, reason, comment string) (DeviceInfo, error) {
	if err := s.need(ctx, p, identity.ActionPermission(action)); err != nil {
		return DeviceInfo{}, err
	}
	d := &act{Device: id, Action: action, Reason: reason, Comment: comment}
	if err := s.perform(ctx, p, d); err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, d.info)
}

// act is an action on one device.
type act struct {
	Device  string          `json:"device"`
	Action  identity.Action `json:"action"`
	Reason  string          `json:"reason,omitempty"`
	Comment string          `json:"comment,omitempty"`

	withdrawal withdrawal
	info       DeviceInfo
	changed    []ca.Serial
}

func (d *act) kind() deedKind { return deedAct }

func (d *act) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	permission := identity.ActionPermission(d.Action)
	if d.withdrawal, err = s.withdrawalOf(d.Action, d.Reason, d.Comment); err != nil {
		return w, err
	}
	if d.info, err = s.readDevice(r, a.who, d.Device, permission); err != nil {
		return w, err
	}
	after, err := afterAction(d.info.State, d.Action, d.withdrawal)
	return weight{
		permission: permission, places: []*place{d.info.at}, grant: d.info.grant, subject: policy.SubjectActions, devices: 1,
		words: string(d.Action) + " " + d.Device + because(d.withdrawal), changesNothing: after == d.info.State && d.withdrawal.reason != ca.KeyCompromise,
	}, err
}

func (d *act) do(ctx context.Context, s *Service, tx Tx, a *access, _ weight) (err error) {
	d.changed, err = s.actOn(ctx, tx, a.who, &d.info, d.Action, d.withdrawal)
	return err
}

func (d *act) after(s *Service) { s.tellWithdrawn(d.changed) }

// because says why certificates are withdrawn, for people.
func because(w withdrawal) string {
	if w.status == StatusRevoked && w.reason != ca.Unspecified {
		return " for " + w.reason.String()
	}
	return ""
}

// withdrawalOf checks what was asked for and returns what it does to
// certificates.
func (s *Service) withdrawalOf(action identity.Action, reason, comment string) (withdrawal, error) {
	w := withdrawal{when: s.now(), comment: comment}
	if err := checkComment(comment); err != nil {
		return w, err
	}
	var err error
	if reason != "" {
		if w.reason, err = ca.ParseReason(reason); err != nil {
			return w, errReason(action)
		}
	}
	w.status = StatusRevoked
	switch action {
	case identity.Hold:
		w.status = StatusHeld
		return w, onlyReason(&w, action, reason, ca.CertificateHold)
	case identity.Release:
		w.status = StatusGood
		if reason != "" {
			return w, errReason(action)
		}
	case identity.Retire:
		return w, onlyReason(&w, action, reason, ca.CessationOfOperation)
	case identity.Revoke:
		switch w.reason {
		case ca.Unspecified, ca.KeyCompromise, ca.AffiliationChanged, ca.Superseded, ca.CessationOfOperation, ca.PrivilegeWithdrawn:
		default:
			return w, errReason(action)
		}
	}
	return w, nil
}

func onlyReason(w *withdrawal, action identity.Action, given string, only ca.Reason) error {
	if given != "" && w.reason != only {
		return errReason(action)
	}
	w.reason = only
	return nil
}

func errReason(action identity.Action) error {
	switch action {
	case identity.Hold:
		return RefuseField("reason", "holding has the one reason certificateHold; leave it out")
	case identity.Retire:
		return RefuseField("reason", "retiring has the one reason cessationOfOperation; leave it out")
	case identity.Release:
		return RefuseField("reason", "releasing takes no reason")
	default:
		return RefuseField("reason", "a reason is one of unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn (RFC 5280, section 5.3.1)")
	}
}

// checkComment bounds a comment and keeps control characters out of records.
func checkComment(comment string) error {
	if len(comment) > MaxComment {
		return RefuseField("comment", "a comment has at most %d bytes", MaxComment)
	}
	if !identity.Printable(comment) {
		return RefuseField("comment", "a comment is UTF-8 text without control characters")
	}
	return nil
}

// afterAction returns the state that an action leads to from another, or a Refusal.
func afterAction(from identity.State, action identity.Action, w withdrawal) (identity.State, error) {
	if w.reason == ca.KeyCompromise && from == identity.Retired {
		return identity.Revoked, nil
	}
	after, ok := from.After(action)
	if !ok {
		return from, Refuse(WrongState, "a device that is %s cannot be changed by %s", from, action)
	}
	return after, nil
}

// actOn changes the device and its certificates, if anything changes.
func (s *Service) actOn(ctx context.Context, tx Tx, p identity.Principal, info *DeviceInfo, action identity.Action, w withdrawal) ([]ca.Serial, error) {
	d := &info.Device
	after, err := afterAction(d.State, action, w)
	if err != nil {
		return nil, err
	}
	before := d.State
	w.at, w.grant = info.at, info.grant
	changed, err := s.withdrawAll(ctx, tx, p, d, w)
	if err != nil || after == before && len(changed) == 0 {
		return nil, err
	}
	if w.status == StatusRevoked {
		if d.Reenrol = nil; d.Ticket != nil && d.Ticket.UsedBy == nil {
			d.Ticket = nil // one that was used opens nothing any more, and tells its device why
		}
	}
	d.State = after
	d.Version++
	d.ChangedAt = w.when
	kinds := map[identity.Action]EventKind{
		identity.Hold: DeviceHeld, identity.Release: DeviceReleased, identity.Revoke: DeviceRevoked, identity.Retire: DeviceRetired,
	}
	event := s.event(ctx, p, kinds[action])
	event.at(info.at)
	event.Device, event.Order, event.Comment, event.Grant = d.ID, OrderID(d.Order), w.comment, w.grant
	if w.status != StatusGood {
		event.Reason = w.reason.String()
	}
	return changed, errors.Join(tx.PutDevice(*d), s.append(tx, p, event))
}
