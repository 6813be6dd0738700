package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// TransferLifetime is how long a transfer may be accepted.
const TransferLifetime = 7 * 24 * time.Hour

// Transfer is a device that its owner offers to somebody else. It becomes theirs
// when they accept it.
type Transfer struct {
	Device    identity.DeviceID `json:"device"`
	From      string            `json:"from"` // pseudonymous ids
	To        string            `json:"to"`
	OfferedAt time.Time         `json:"offered_at"`
	ExpiresAt time.Time         `json:"expires_at"`
}

// How transfers end, as events call it. One that nobody accepted in time makes no
// event.
const (
	transferAccepted  = "accept"
	transferDeclined  = "decline"
	transferWithdrawn = "withdraw"
	transferVoided    = "void" // the device came to belong to somebody else
)

// errTransfer is the one answer to whoever is offered nothing.
func errTransfer() error { return Refuse(NotFound, "no transfer of such a device is offered") }

// OfferTransfer offers a device to a person, by its owner. Offering it again
// withdraws the offer before. Who may assign the device does that instead.
func (s *Service) OfferTransfer(ctx context.Context, p identity.Principal, id, to string) (offer Transfer, err error) {
	if err := s.needOwner(ctx, p); err != nil {
		return Transfer{}, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		info, a, err := s.readOwn(tx, p, id, identity.DeviceAssign)
		if err != nil {
			return err
		}
		d := &info.Device
		switch {
		case d.Owner == "" || d.Owner != a.self():
			return Refuse(Forbidden, "a transfer takes the device's owner; you may assign the device")
		case d.State != identity.Active:
			return Refuse(WrongState, "a device that is %s is not transferred", d.State)
		}
		event := s.event(ctx, p, TransferOffered)
		offer = Transfer{Device: d.ID, From: d.Owner, OfferedAt: event.Time, ExpiresAt: event.Time.Add(TransferLifetime)}
		if offer.To, err = s.owner(tx, a, "to", to); err != nil {
			return err
		}
		if offer.To == "" || offer.To == d.Owner {
			return RefuseField("to", "name the person who is to have the device, who is not its owner yet")
		}
		if err := s.endTransfer(ctx, tx, d, info.at, p, transferWithdrawn); err != nil {
			return err
		}
		event.at(info.at)
		event.Device, event.Order, event.For, event.Before = d.ID, OrderID(d.Order), offer.To, offer.From
		event.Grant, event.NotAfter = ownersGrant, &offer.ExpiresAt
		return errors.Join(putTransfer(tx, offer), s.append(tx, p, event))
	})
	return offer, err
}

// needOwner refuses who owns nothing and may not say who owns what.
func (s *Service) needOwner(ctx context.Context, p identity.Principal) error {
	return s.require(ctx, p, identity.DeviceAssign, func(a *access, r Reader) (bool, error) {
		if a.anywhere(identity.DeviceAssign) {
			return true, nil
		}
		return a.ownsAny(r)
	})
}

// AcceptTransfer makes a person the owner of a device that was offered to them. The
// group that owns it beside stays.
func (s *Service) AcceptTransfer(ctx context.Context, p identity.Principal, id string) (info DeviceInfo, err error) {
	err = s.onTransfer(ctx, p, id, func(tx Tx, a *access, found DeviceInfo, offer Transfer) error {
		info = found
		d := &info.Device
		switch {
		case offer.To != a.self():
			return errTransfer()
		case d.State != identity.Active:
			return Refuse(WrongState, "the device is %s; it can be accepted once it is active again", d.State)
		}
		change := ownerChange{to: owners{offer.To, d.OwnerGroup}, by: p, how: "transfer"}
		return errors.Join(s.changeOwner(ctx, tx, d, info.at, change), putOwned(tx, d, s.now()))
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, info)
}

// EndTransfer takes an offer back, as its owner, or declines it, as whom it was made
// to.
func (s *Service) EndTransfer(ctx context.Context, p identity.Principal, id string, decline bool) error {
	return s.onTransfer(ctx, p, id, func(tx Tx, a *access, info DeviceInfo, offer Transfer) error {
		switch self := a.self(); {
		case decline && offer.To == self:
			return s.endTransfer(ctx, tx, &info.Device, info.at, p, transferDeclined)
		case !decline && offer.From == self:
			return s.endTransfer(ctx, tx, &info.Device, info.at, p, transferWithdrawn)
		default:
			return errTransfer()
		}
	})
}

// onTransfer runs what one of both sides does with an offer that stands.
func (s *Service) onTransfer(ctx context.Context, p identity.Principal, id string, do func(Tx, *access, DeviceInfo, Transfer) error) error {
	if p.Kind != identity.OIDC {
		return s.turnDown(ctx, p, "transfer", Refuse(Forbidden, "transfers are between people who signed in at the identity provider"))
	}
	return s.store.Update(ctx, func(tx Tx) error {
		offer, err := readDocument[Transfer](tx, TransferDocument, id)
		if errors.Is(err, ErrNotFound) || err == nil && !s.now().Before(offer.ExpiresAt) {
			return errTransfer()
		}
		if err != nil {
			return err
		}
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		d, err := tx.Device(offer.Device)
		if err != nil {
			return err
		}
		info, err := s.deviceInfo(tx, d)
		if err != nil {
			return err
		}
		return do(tx, a, info, offer)
	})
}

// Transfers lists the devices that others offer to the caller.
func (s *Service) Transfers(ctx context.Context, p identity.Principal, page Page) (list List[Transfer], err error) {
	if p.Kind != identity.OIDC {
		return list, s.turnDown(ctx, p, "transfer", Refuse(Forbidden, "transfers are between people who signed in at the identity provider"))
	}
	to := granteeKey(s.people.pseudonym(p)) + "/"
	err = s.store.View(ctx, func(r Reader) error {
		found, err := r.Documents(TransferToDocument, to, page)
		if err != nil {
			return err
		}
		list = List[Transfer]{Next: found.Next}
		for _, d := range found.Items {
			var offer Transfer
			if err := decodeDocument(d, &offer); err != nil {
				return err
			}
			if s.now().Before(offer.ExpiresAt) {
				list.Items = append(list.Items, offer)
			}
		}
		return nil
	})
	return list, cursorFault(err)
}

func putTransfer(tx Tx, t Transfer) error {
	return errors.Join(
		putDocument(tx, TransferDocument, string(t.Device), t),
		putDocument(tx, TransferToDocument, ownedKey(t.To, t.Device), t),
	)
}

// endTransfer deletes what is offered of a device, if anything is, and records how
// that ended unless time had ended it.
func (s *Service) endTransfer(ctx context.Context, tx Tx, d *Device, at *place, by identity.Principal, how string) error {
	offer, err := readDocument[Transfer](tx, TransferDocument, string(d.ID))
	if err != nil {
		return ifAny(err)
	}
	err = errors.Join(
		tx.DeleteDocument(TransferDocument, string(d.ID)),
		tx.DeleteDocument(TransferToDocument, ownedKey(offer.To, d.ID)),
	)
	event := s.event(ctx, by, TransferEnded)
	if err != nil || !event.Time.Before(offer.ExpiresAt) {
		return err
	}
	event.at(at)
	event.Device, event.Order, event.For, event.Before, event.Operation = d.ID, OrderID(d.Order), offer.To, offer.From, how
	return s.append(tx, by, event)
}

// voidTransfer ends what is offered of a device whose owner changes: by being
// accepted, or because there is nothing left to offer.
func (s *Service) voidTransfer(ctx context.Context, tx Tx, d *Device, at *place, c ownerChange) error {
	how := transferVoided
	if c.how == "transfer" {
		how = transferAccepted
	}
	return s.endTransfer(ctx, tx, d, at, c.by, how)
}
