package bolt

import (
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type orderRow struct {
	Fleet     string   `cbor:"1,keyasint"`
	Model     string   `cbor:"2,keyasint"`
	Quantity  int      `cbor:"3,keyasint"`
	Profile   string   `cbor:"4,keyasint,omitzero"`
	Opens     stamp    `cbor:"5,keyasint,omitzero"`
	Closes    stamp    `cbor:"6,keyasint,omitzero"`
	Manifest  bool     `cbor:"7,keyasint,omitzero"`
	Stations  []string `cbor:"8,keyasint,omitempty"`
	ClosedAt  stamp    `cbor:"9,keyasint,omitzero"`
	CreatedAt stamp    `cbor:"10,keyasint,omitzero"`
	Version   uint64   `cbor:"11,keyasint,omitzero"`
	// Whom its devices are given to.
	Owner      string `cbor:"12,keyasint,omitzero"`
	OwnerGroup string `cbor:"13,keyasint,omitzero"`
}

// orderQuantity is the part of an order's row that its quota goes by.
type orderQuantity struct {
	Quantity int `cbor:"3,keyasint"`
}

// refusalsRow counts an order's refusals by code.
type refusalsRow struct {
	Counts map[string]int `cbor:"1,keyasint"`
}

type fleetRow struct {
	Parent string `cbor:"1,keyasint,omitzero"`
	Name   string `cbor:"2,keyasint,omitzero"`
}

func (row *orderRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Fleet = r.text()
		case 2:
			row.Model = r.text()
		case 3:
			row.Quantity = int(r.integer())
		case 4:
			row.Profile = r.text()
		case 5:
			row.Opens = r.stamp()
		case 6:
			row.Closes = r.stamp()
		case 7:
			row.Manifest = r.flag()
		case 8:
			row.Stations = make([]string, r.count(cborArray))
			for i := range row.Stations {
				row.Stations[i] = r.text()
			}
			r.depth--
		case 9:
			row.ClosedAt = r.stamp()
		case 10:
			row.CreatedAt = r.stamp()
		case 11:
			row.Version = r.number()
		case 12:
			row.Owner = r.text()
		case 13:
			row.OwnerGroup = r.text()
		default:
			r.skip()
		}
	}
}

func (row *orderQuantity) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 3:
			row.Quantity = int(r.integer())
		default:
			r.skip()
		}
	}
}

func (row *fleetRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Parent = r.text()
		case 2:
			row.Name = r.text()
		default:
			r.skip()
		}
	}
}

func newOrderRow(o *enroll.Order) *orderRow {
	return &orderRow{
		Fleet: string(o.Fleet), Model: string(o.Model), Quantity: o.Quantity, Profile: o.Profile, Opens: stampOf(o.Opens),
		Closes: stampOf(o.Closes), Manifest: o.Manifest, Stations: o.Stations, ClosedAt: stampOf(o.ClosedAt),
		CreatedAt: stampOf(o.CreatedAt), Version: o.Version, Owner: o.Owner, OwnerGroup: o.OwnerGroup,
	}
}

func (row *orderRow) order(id enroll.OrderID) enroll.Order {
	return enroll.Order{
		ID: id, Fleet: identity.FleetID(row.Fleet), Model: identity.Model(row.Model), Quantity: row.Quantity,
		Profile: row.Profile, Opens: row.Opens.time(), Closes: row.Closes.time(), Manifest: row.Manifest,
		Stations: row.Stations, ClosedAt: row.ClosedAt.time(), CreatedAt: row.CreatedAt.time(), Version: row.Version,
		Owner: row.Owner, OwnerGroup: row.OwnerGroup,
	}
}

func (row *fleetRow) fleet(id identity.FleetID) identity.Fleet {
	return identity.Fleet{ID: id, Parent: identity.FleetID(row.Parent), Name: row.Name}
}
