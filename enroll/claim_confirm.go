package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// ClaimInfo is what a code opens, as shown to whoever has it.
type ClaimInfo struct {
	Device    identity.DeviceID
	ExpiresAt time.Time
	// ByDevice says that the device asked for it, and shows the code.
	ByDevice bool
}

// errClaimCode is the one answer to every code that does not open: it does not tell a
// guesser whether it ever did.
func errClaimCode() error {
	return Refuse(NotFound, "no device waits to be claimed with this code; it may have been used, have expired, or have been drawn anew")
}

// LookUpClaim shows what a code opens, and changes nothing: a person is to see what
// they are about to answer for.
func (s *Service) LookUpClaim(ctx context.Context, p identity.Principal, code, source string) (info ClaimInfo, err error) {
	err = s.claiming(ctx, p, "claim.look_up", source, func() error {
		return s.store.View(ctx, func(r Reader) error {
			found, err := s.findClaim(r, code)
			info = ClaimInfo{Device: found.device, ByDevice: found.way == claimStarted}
			if err == nil {
				info.ExpiresAt = found.secret.Until
			}
			return err
		})
	})
	return info, err
}

// ConfirmClaim makes a person the owner of the device whose code they have.
func (s *Service) ConfirmClaim(ctx context.Context, p identity.Principal, code, source string) (info DeviceInfo, err error) {
	err = s.claiming(ctx, p, "claim.confirm", source, func() error {
		return s.store.Update(ctx, func(tx Tx) error {
			found, err := s.findClaim(tx, code)
			if err == nil {
				info, err = s.confirm(ctx, tx, p, found)
			}
			return err
		})
	})
	if err != nil {
		return DeviceInfo{}, err
	}
	return s.refreshed(ctx, info)
}

// confirm gives a device to whoever showed its code.
func (s *Service) confirm(ctx context.Context, tx Tx, p identity.Principal, found foundClaim) (DeviceInfo, error) {
	d, err := tx.Device(found.device)
	if err != nil {
		return DeviceInfo{}, err
	}
	info, err := s.deviceInfo(tx, d)
	if err != nil {
		return DeviceInfo{}, err
	}
	a, err := s.access(tx, p)
	if err != nil {
		return DeviceInfo{}, err
	}
	free := d.Owner == "" && (d.OwnerGroup == "" || a.inGroup(d.OwnerGroup))
	if err := claimableBy(&d, free); err != nil {
		return DeviceInfo{}, err
	}
	to := owners{a.self(), d.OwnerGroup}
	if found.secret.By == to.person { // who drew the code never held the device
		if err := a.mayOwn(owners{person: to.person}, info.at); err != nil {
			return DeviceInfo{}, err
		}
	}
	err = s.changeOwner(ctx, tx, &info.Device, info.at, ownerChange{to: to, by: p, how: "claim." + string(found.way)})
	if err == nil && found.way == claimStarted {
		err = putDocument(tx, ClaimOfDocument, string(d.ID), claims{Started: found.secret.spent(ClaimConfirmed)})
	}
	return info, errors.Join(err, putOwned(tx, &info.Device, s.now()))
}

// DenyClaim ends a claim that a device started: whoever was shown the code did not
// want that. A code that was drawn is left to whoever it was drawn for.
func (s *Service) DenyClaim(ctx context.Context, p identity.Principal, code, source string) error {
	return s.claiming(ctx, p, "claim.deny", source, func() error {
		return s.store.Update(ctx, func(tx Tx) error {
			found, err := s.findClaim(tx, code)
			if err != nil {
				return err
			}
			if found.way != claimStarted {
				return Refuse(WrongState, "this code was drawn for the owner of the device; to deny it, do not use it")
			}
			d, err := tx.Device(found.device)
			if err != nil {
				return err
			}
			at, err := s.place(tx, d.Fleet)
			if err != nil {
				return err
			}
			now := found.of
			now.Started = found.secret.spent(ClaimRefused)
			event := s.event(ctx, p, ClaimDenied)
			event.at(at)
			event.Device, event.Order, event.About = d.ID, OrderID(d.Order), found.secret.ID
			return errors.Join(putClaims(tx, d.ID, found.of, now), s.append(tx, p, event))
		})
	})
}

// foundClaim is a code that opens.
type foundClaim struct {
	device identity.DeviceID
	way    claimWay
	secret *claimSecret
	of     claims // all of the device's
}

// findClaim finds what a code opens now.
func (s *Service) findClaim(r Reader, code string) (found foundClaim, err error) {
	if len(code) > maxClaimCode {
		return found, errClaimCode()
	}
	hash := claimHash(code)
	pointer, err := readDocument[claimPointer](r, ClaimDocument, hash)
	if errors.Is(err, ErrNotFound) {
		return found, errClaimCode()
	}
	if err != nil {
		return found, err
	}
	found = foundClaim{device: pointer.Device, way: pointer.Way}
	if found.of, err = readClaims(r, found.device); err != nil {
		return found, err
	}
	if found.secret = found.of.Drawn; found.way == claimStarted {
		found.secret = found.of.Started
	}
	if hashOf(found.secret) != hash || !s.now().Before(found.secret.Until) {
		return found, errClaimCode()
	}
	return found, nil
}

// claiming runs what a person does with a code. Wrong codes are counted against the
// person, wherever they come from, and against where they come from; a right one
// forgives nothing, for anybody can have one of their own.
func (s *Service) claiming(ctx context.Context, p identity.Principal, operation, source string, do func() error) error {
	if p.Kind != identity.OIDC {
		return s.turnDown(ctx, p, operation, Refuse(Forbidden, "a device is claimed by a person who signed in at the identity provider"))
	}
	if err := errors.Join(s.guesses.check(claimGuess, p.ID(), ""), s.guesses.check(claimGuess, source, "")); err != nil {
		return err
	}
	err := do()
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	if refusal.Code == NotFound {
		s.guesses.wrong(claimGuess, p.ID(), "")
		s.guesses.wrong(claimGuess, source, "")
	}
	return s.turnDown(ctx, p, operation, refusal)
}

// turnDown records that p was refused an operation that no permission opens, and
// returns the refusal.
func (s *Service) turnDown(ctx context.Context, p identity.Principal, operation string, refusal *Refusal) error {
	if p.Kind == identity.Anonymous {
		s.turnAway(Unauthenticated)
		return Refuse(Unauthenticated, "sign in first")
	}
	return s.Refused(ctx, p, identity.Permission(operation), refusal)
}
