package enroll

import (
	"time"

	"github.com/touchmark/touchmark/identity"
)

// OrderID names an order: 16 characters of lower-case base32, the first of them
// its time of creation, so that orders sort by age.
type OrderID string

// Bounds of an order.
const (
	MaxQuantity = 10_000_000
	// MaxManifest bounds the serial numbers that one request may put on an
	// order's manifest.
	MaxManifest = 100_000
	// MaxTicketsPerDraw bounds one drawing of tickets.
	MaxTicketsPerDraw = 1_000
	// MaxStations bounds the stations that an order names.
	MaxStations = 100
	maxStation  = 512 // bytes of a station's id
)

// Order is a production order: so many devices of a model, for a fleet, within
// a time.
type Order struct {
	ID       OrderID
	Fleet    identity.FleetID
	Model    identity.Model
	Quantity int // 1 to MaxQuantity
	Profile  string
	// Opens and Closes bound when devices may be enrolled; a zero Closes means no
	// end.
	Opens, Closes time.Time
	// Manifest says that only devices expected by this order may be enrolled
	// under it.
	Manifest bool
	// Stations are the principals that may vouch for its devices, as they are noted;
	// StationIDs are their ids.
	Stations []string
	// Owner and OwnerGroup are who owns the devices that are enrolled under it, as
	// identity.Device has them; empty for nobody.
	Owner, OwnerGroup string
	// ClosedAt is when it was closed by hand; zero while it is not.
	ClosedAt  time.Time
	CreatedAt time.Time
	Version   uint64
	// Enrolled and Refused are filled in by the store when it reads an order:
	// TakeQuota and CountRefusal change them, PutOrder does not.
	Enrolled int
	Refused  map[Code]int
}

// OrderState says whether an order takes devices.
type OrderState string

// The states of an order. A full order is open: recall and permitted
// re-enrolments still use it.
const (
	OrderPending OrderState = "pending"
	OrderOpen    OrderState = "open"
	OrderEnded   OrderState = "closed"
)

// State returns whether the order takes devices at the time now.
func (o *Order) State(now time.Time) OrderState {
	switch {
	case !o.ClosedAt.IsZero() || !o.Closes.IsZero() && !now.Before(o.Closes):
		return OrderEnded
	case now.Before(o.Opens):
		return OrderPending
	default:
		return OrderOpen
	}
}
