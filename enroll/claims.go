package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// DrawnCode is a claim code, told once: only its hash is kept.
type DrawnCode struct {
	Device    identity.DeviceID
	Code      string
	ExpiresAt time.Time
}

// DrawClaimCode draws the code by which a person claims a device that has no owner:
// it is printed, say, on a card in the box. Drawing again voids the code before. A
// lifetime of 0 is ClaimCodeLifetime. Besides those who hold ClaimDraw, the stations
// of the device's order may, while the order is open.
func (s *Service) DrawClaimCode(ctx context.Context, p identity.Principal, id string, lifetime time.Duration) (DrawnCode, error) {
	err := s.require(ctx, p, identity.ClaimDraw, func(a *access, _ Reader) (bool, error) {
		station := p.Kind == identity.Certificate || a.anywhere(identity.DeviceEnrol) || a.anywhere(identity.DeviceEnrolAny)
		return station || a.anywhere(identity.ClaimDraw), nil
	})
	if err != nil {
		return DrawnCode{}, err
	}
	if setDefault(&lifetime, ClaimCodeLifetime); lifetime < MinClaimCodeLifetime || lifetime > MaxClaimCodeLifetime {
		return DrawnCode{}, RefuseField("lifetime", "a claim code lasts %s to %d days", MinClaimCodeLifetime, MaxClaimCodeLifetime/(24*time.Hour))
	}
	secret, err := s.randomText(16)
	if err != nil {
		return DrawnCode{}, err
	}
	var drawn DrawnCode
	err = s.store.Update(ctx, func(tx Tx) error {
		info, _, err := s.readDeviceBy(tx, p, id, identity.ClaimDraw, s.mayDraw(tx))
		if err != nil {
			return err
		}
		d := &info.Device
		if err := claimableBy(d, d.Owner == ""); err != nil && d.State != identity.Expected {
			return err
		}
		was, err := readClaims(tx, d.ID)
		if err != nil {
			return err
		}
		event := s.event(ctx, p, ClaimCodeDrawn)
		drawn = DrawnCode{Device: d.ID, Code: claimPrefix + secret, ExpiresAt: event.Time.Add(lifetime)}
		now := was
		now.Drawn = &claimSecret{
			Hash: claimHash(drawn.Code), Made: event.Time, Until: drawn.ExpiresAt, By: s.people.named(p.Responsible()),
		}
		event.at(info.at)
		event.Device, event.Order, event.Grant, event.NotAfter = d.ID, OrderID(d.Order), info.grant, &drawn.ExpiresAt
		return errors.Join(putClaims(tx, d.ID, was, now), s.append(tx, p, event))
	})
	if err != nil {
		return DrawnCode{}, err
	}
	return drawn, nil
}

// stationsGrant is what events call the power of a station that shows a certificate:
// an order names it.
const stationsGrant = "order"

// mayDraw decides who may draw a device's claim code.
func (s *Service) mayDraw(r Reader) func(*access, *Device, *place) (string, error) {
	return func(a *access, d *Device, at *place) (string, error) {
		if grant := a.grant(identity.ClaimDraw, at); grant != "" {
			return grant, nil
		}
		order, err := r.Order(OrderID(d.Order))
		if err != nil || order.State(s.now()) != OrderOpen {
			return "", ifAny(err)
		}
		if vouches, err := s.vouchesFor(r, a, &order, at); err != nil || !vouches {
			return "", err
		}
		for _, permission := range []identity.Permission{identity.DeviceEnrolAny, identity.DeviceEnrol} {
			if grant := a.grant(permission, at); grant != "" {
				return grant, nil
			}
		}
		return stationsGrant, nil
	}
}

// claimableBy refuses a device that nobody can claim now; free says that it belongs
// to nobody else.
func claimableBy(d *Device, free bool) error {
	switch {
	case !free:
		return Refuse(Conflict, "the device belongs to somebody; they transfer it or give it up, or an operator assigns it")
	case d.State != identity.Active:
		return Refuse(WrongState, "the device is %s and cannot be claimed", d.State)
	default:
		return nil
	}
}

// StartedClaim is a claim that a device started. The code is told once: only its
// hash is kept.
type StartedClaim struct {
	ID, UserCode string
	ExpiresAt    time.Time
}

// StartClaim begins a claim of a device by itself, over its own certificate: it
// shows the code to whoever stands before it, who confirms it within ClaimLifetime.
// Starting again voids the claim before.
func (s *Service) StartClaim(ctx context.Context, p identity.Principal) (StartedClaim, error) {
	if p.Kind != identity.Certificate {
		return StartedClaim{}, s.turnDown(ctx, p, "claim.start", Refuse(Forbidden, "a device starts a claim over its own certificate"))
	}
	code, err := s.newUserCode()
	if err != nil {
		return StartedClaim{}, err
	}
	id, err := s.randomText(16)
	if err != nil {
		return StartedClaim{}, err
	}
	var started StartedClaim
	err = s.store.Update(ctx, func(tx Tx) error {
		d, err := tx.Device(p.Device)
		if err != nil {
			return err
		}
		if err := claimableBy(&d, d.Owner == ""); err != nil {
			return err
		}
		was, err := readClaims(tx, d.ID)
		if err != nil {
			return err
		}
		event := s.event(ctx, p, ClaimStarted)
		if before := was.Started; before != nil && event.Time.Before(before.Made.Add(claimAgain)) {
			return &Refusal{
				Code: RateLimited, Message: "the device started a claim just now; it starts one at most once a minute",
				RetryAfter: before.Made.Add(claimAgain).Sub(event.Time),
			}
		}
		at, err := s.place(tx, d.Fleet)
		if err != nil {
			return err
		}
		started = StartedClaim{ID: id, UserCode: code, ExpiresAt: event.Time.Add(ClaimLifetime)}
		now := was
		now.Started = &claimSecret{Hash: claimHash(code), ID: id, Made: event.Time, Until: started.ExpiresAt, State: ClaimWaiting}
		event.at(at)
		event.Device, event.Order, event.About, event.NotAfter = d.ID, OrderID(d.Order), id, &started.ExpiresAt
		if taken, err := tx.Document(ClaimDocument, now.Started.Hash); err == nil && taken != nil {
			return errClaimTaken()
		} else if ifAny(err) != nil {
			return err
		}
		return errors.Join(putClaims(tx, d.ID, was, now), s.append(tx, p, event))
	})
	if err != nil {
		return StartedClaim{}, err
	}
	return started, nil
}

// errClaimTaken tells a device to draw again: another waits with the same code.
func errClaimTaken() error {
	return &Refusal{Code: Unavailable, Message: "no code was free just now; try again", RetryAfter: time.Second}
}

// ClaimStateOf tells a device what became of the claim that it started last.
func (s *Service) ClaimStateOf(ctx context.Context, p identity.Principal, id string) (state ClaimState, err error) {
	if p.Kind != identity.Certificate {
		return "", s.turnDown(ctx, p, "claim.start", Refuse(Forbidden, "a device asks for its claims over its own certificate"))
	}
	err = s.store.View(ctx, func(r Reader) error {
		of, err := readClaims(r, p.Device)
		if err != nil {
			return err
		}
		if of.Started == nil || of.Started.ID != id {
			return Refuse(NotFound, "no such claim of this device; it may have started another since")
		}
		state = of.Started.stateAt(s.now())
		return nil
	})
	return state, err
}
