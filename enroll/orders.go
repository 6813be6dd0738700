package enroll

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// NewOrder asks for an order. Profile, Opens, Closes, Serials and Stations are
// optional.
type NewOrder struct {
	Fleet, Model  string
	Quantity      int
	Profile       string
	Opens, Closes time.Time
	// Serials is the manifest: only these devices may be enrolled.
	Serials []string
	// Stations are ids of principals (Principal.ID) that may vouch for devices.
	Stations []string
	// Owner and OwnerGroup are who is to own its devices: a person as NewOwner.User
	// names them, and a group. Naming them takes DeviceAssign.
	Owner, OwnerGroup string
}

// OrderInfo is an order as a principal sees it.
type OrderInfo struct {
	Order
	FleetPath identity.FleetPath
	State     OrderState
	at        *place // where it stands
	grant     string // what lets the principal do what it asked for
}

// CreateOrder makes an order, and its fleet where that is unknown and p may.
func (s *Service) CreateOrder(ctx context.Context, p identity.Principal, asked NewOrder) (OrderInfo, error) {
	if err := s.need(ctx, p, identity.OrderCreate); err != nil {
		return OrderInfo{}, err
	}
	now := s.now()
	order, fleet, err := s.checkOrder(asked, now)
	if err != nil {
		return OrderInfo{}, err
	}
	if order.ID, err = s.newOrderID(now); err != nil {
		return OrderInfo{}, err
	}
	ids, err := s.newFleetIDs(fleet)
	if err != nil {
		return OrderInfo{}, err
	}
	var info OrderInfo
	err = s.store.Update(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		if info, err = s.newOrderIn(ctx, tx, a, order, fleet, ids); err != nil {
			return err
		}
		if info.Stations, err = a.nameStations(tx, nil, asked.Stations, info.at); err != nil {
			return err
		}
		if err := s.giveTo(tx, a, &info, &asked.Owner, &asked.OwnerGroup); err != nil {
			return err
		}
		order := info.Order
		for _, serial := range asked.Serials {
			if err := expect(tx, &order, identity.SerialNumber(serial), now); err != nil {
				return err
			}
		}
		event := s.event(ctx, p, OrderCreated)
		event.at(info.at)
		event.Order, event.Count, event.Profile, event.Grant = order.ID, order.Quantity, order.Profile, info.grant
		event.Stations = s.tellStations(&order)
		return errors.Join(tx.PutOrder(order), s.append(tx, p, event))
	})
	if err != nil {
		return OrderInfo{}, err
	}
	return info, nil
}

// newOrderIn finds the place that an order is for, which is made where it is
// unknown and the principal may.
func (s *Service) newOrderIn(ctx context.Context, tx Tx, a *access, order Order, fleet identity.FleetPath, ids []identity.FleetID) (OrderInfo, error) {
	at, err := s.ensureFleet(ctx, tx, a, fleet, ids)
	if err != nil {
		return OrderInfo{}, err
	}
	order.Fleet = at.id
	info := OrderInfo{Order: order, FleetPath: at.path, State: order.State(s.now()), at: at, grant: a.grant(identity.OrderCreate, at)}
	switch {
	case info.grant != "":
		return info, nil
	case a.may(identity.OrderRead, at):
		return info, forbidden(identity.OrderCreate).in(at)
	default:
		return info, errFleet().in(at)
	}
}

// checkOrder validates what was asked for.
func (s *Service) checkOrder(asked NewOrder, now time.Time) (Order, identity.FleetPath, error) {
	fleet, err := identity.ParseFleetPath(asked.Fleet)
	if err != nil {
		return Order{}, "", RefuseField("fleet", "%v", err)
	}
	model, err := identity.ParseModel(asked.Model)
	if err != nil {
		return Order{}, "", RefuseField("model", "%v", err)
	}
	profile := asked.Profile
	if profile == "" {
		profile = DefaultProfile
	}
	if _, ok := s.live().profiles[profile]; !ok {
		return Order{}, "", RefuseField("profile", "no such profile; configured are %s", strings.Join(s.profileNames(), ", "))
	}
	order := Order{
		Model: model, Quantity: asked.Quantity, Profile: profile, Opens: asked.Opens.UTC(), Closes: asked.Closes.UTC(),
		Manifest: len(asked.Serials) > 0, Stations: asked.Stations, CreatedAt: now, Version: 1,
	}
	if !order.Closes.IsZero() && !order.Closes.After(now) {
		return Order{}, "", RefuseField("closes", "an order closes in the future")
	}
	return order, fleet, errors.Join(checkTerms(&order), checkStations(asked.Stations), checkManifest(asked.Serials, asked.Quantity))
}

func (s *Service) profileNames() []string {
	var names []string
	for name := range s.live().profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkTerms validates what creating and editing an order have in common.
func checkTerms(o *Order) error {
	if o.Quantity < 1 || o.Quantity > MaxQuantity {
		return RefuseField("quantity", "a quantity is 1 to %d", MaxQuantity)
	}
	if err := errors.Join(checkTime("opens", o.Opens), checkTime("closes", o.Closes)); err != nil {
		return err
	}
	if !o.Closes.IsZero() && !o.Closes.After(o.Opens) {
		return RefuseField("closes", "an order closes after it opens")
	}
	return nil
}

// checkStations refuses ids that name no principal, and those that are named twice.
func checkStations(ids []string) error {
	if len(ids) > MaxStations {
		return RefuseField("stations", "an order names at most %d stations", MaxStations)
	}
	for i, id := range ids {
		bad := id == "" || len(id) > maxStation || !identity.Printable(id) || slices.Contains(ids[:i], id)
		if name, device := strings.CutPrefix(id, string(identity.Certificate)+":"); device {
			_, err := identity.ParseDeviceID(name)
			bad = bad || err != nil
		}
		if bad {
			return RefuseField(fmt.Sprintf("stations[%d]", i), "a station is the id of a principal, named once, such as oidc:https://idp.example#line-3 or device:GW-1; whoami shows it")
		}
	}
	return nil
}

// checkTime refuses times that nobody means and that no format holds. Zero stands
// for no bound.
func checkTime(field string, t time.Time) error {
	if year := t.UTC().Year(); !t.IsZero() && (year < 2000 || year > 9998) {
		return RefuseField(field, "a time lies in the years 2000 to 9998; leave it out for no bound")
	}
	return nil
}

func checkManifest(serials []string, quantity int) error {
	if len(serials) > MaxManifest {
		return RefuseField("serials", "a manifest has at most %d serial numbers in one request", MaxManifest)
	}
	if len(serials) > quantity {
		return RefuseField("serials", "the manifest has %d serial numbers, more than the quantity of %d", len(serials), quantity)
	}
	return checkSerials(serials)
}

// checkSerials refuses malformed and repeated serial numbers.
func checkSerials(serials []string) error {
	seen := make(map[string]bool, len(serials))
	for i, serial := range serials {
		if _, err := identity.ParseSerialNumber(serial); err != nil {
			return RefuseField(fmt.Sprintf("serials[%d]", i), "%v", err)
		}
		if seen[serial] {
			return RefuseField(fmt.Sprintf("serials[%d]", i), "the serial number stands in the list twice")
		}
		seen[serial] = true
	}
	return nil
}

// expect puts a device on the order's manifest.
func expect(tx Tx, order *Order, serial identity.SerialNumber, now time.Time) error {
	id := identity.NewDeviceID(order.Model, serial)
	d, err := tx.Device(id)
	switch {
	case errors.Is(err, ErrNotFound):
		d.Device = identity.Device{ID: id, CreatedAt: now}
	case err != nil:
		return err
	case d.State != identity.Expected:
		return Refuse(Conflict, "a device with one of these serial numbers is enrolled already: %s", id)
	default:
		if err := expectedHere(tx, claim{order: Order{ID: order.ID}, device: d, known: true}, now); err != nil {
			return err
		}
	}
	d.State, d.Fleet, d.Order, d.Ticket = identity.Expected, order.Fleet, string(order.ID), nil
	d.Version++
	d.ChangedAt = now
	return tx.PutDevice(d)
}

// newOrderID makes an id that sorts by the time now.
func (s *Service) newOrderID(now time.Time) (OrderID, error) {
	var octets [10]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(octets[:6], ms[2:])
	if _, err := io.ReadFull(s.rand, octets[6:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return OrderID(text32.EncodeToString(octets[:])), nil
}
