package bolt

import (
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

type deviceRow struct {
	Fleet            string        `cbor:"1,keyasint"`
	Order            string        `cbor:"2,keyasint,omitzero"`
	State            string        `cbor:"3,keyasint"`
	Owner            string        `cbor:"4,keyasint,omitzero"`
	Version          uint64        `cbor:"5,keyasint,omitzero"`
	CreatedAt        stamp         `cbor:"6,keyasint,omitzero"`
	ChangedAt        stamp         `cbor:"7,keyasint,omitzero"`
	Issued           uint64        `cbor:"8,keyasint,omitzero"`
	Newest           *liveRow      `cbor:"9,keyasint,omitzero"`
	Live             []liveRow     `cbor:"10,keyasint,omitempty"`
	Ticket           *ticketRow    `cbor:"11,keyasint,omitzero"`
	Enrolment        *enrolmentRow `cbor:"12,keyasint,omitzero"`
	Reenrol          *reenrolRow   `cbor:"13,keyasint,omitzero"`
	CloneSuspectedAt stamp         `cbor:"14,keyasint,omitzero"`
	ForkedAt         stamp         `cbor:"15,keyasint,omitzero"`
	OwnerGroup       string        `cbor:"16,keyasint,omitzero"`
	KeyProtection    string        `cbor:"17,keyasint,omitzero"`
}

type liveRow struct {
	Serial      [20]byte `cbor:"1,keyasint"`
	Predecessor [20]byte `cbor:"2,keyasint,omitzero"`
	Key         [32]byte `cbor:"3,keyasint"`
	Status      string   `cbor:"4,keyasint"`
	HeldAlone   bool     `cbor:"5,keyasint,omitzero"`
}

type ticketRow struct {
	Order   string    `cbor:"1,keyasint"`
	Hash    [32]byte  `cbor:"2,keyasint"`
	DrawnAt stamp     `cbor:"3,keyasint,omitzero"`
	UsedBy  *[32]byte `cbor:"4,keyasint,omitzero"`
	DrawnBy string    `cbor:"5,keyasint,omitzero"`
}

type enrolmentRow struct {
	Order  string   `cbor:"1,keyasint"`
	Key    [32]byte `cbor:"2,keyasint"`
	Serial [20]byte `cbor:"3,keyasint"`
}

type reenrolRow struct {
	Until     stamp  `cbor:"1,keyasint,omitzero"`
	AllowedAt stamp  `cbor:"2,keyasint,omitzero"`
	AllowedBy string `cbor:"3,keyasint,omitzero"`
}

// deviceIndexed is the part of a device's row that the indexes go by.
type deviceIndexed struct {
	Fleet     string `cbor:"1,keyasint"`
	State     string `cbor:"3,keyasint"`
	CreatedAt stamp  `cbor:"6,keyasint,omitzero"`
}

func newDeviceRow(d *enroll.Device) *deviceRow {
	row := &deviceRow{
		Fleet: string(d.Fleet), Order: d.Order, State: string(d.State), Owner: d.Owner, Version: d.Version,
		CreatedAt: stampOf(d.CreatedAt), ChangedAt: stampOf(d.ChangedAt), Issued: d.Issued,
		CloneSuspectedAt: stampOf(d.CloneSuspectedAt), ForkedAt: stampOf(d.ForkedAt), OwnerGroup: d.OwnerGroup,
		KeyProtection: string(d.KeyProtection),
	}
	if d.Newest != nil {
		newest := newLiveRow(d.Newest)
		row.Newest = &newest
	}
	for i := range d.Live {
		row.Live = append(row.Live, newLiveRow(&d.Live[i]))
	}
	if t := d.Ticket; t != nil {
		row.Ticket = &ticketRow{Order: string(t.Order), Hash: t.Hash, DrawnAt: stampOf(t.DrawnAt), UsedBy: (*[32]byte)(t.UsedBy), DrawnBy: t.DrawnBy}
	}
	if e := d.Enrolment; e != nil {
		row.Enrolment = &enrolmentRow{Order: string(e.Order), Key: e.Key, Serial: e.Serial}
	}
	if r := d.Reenrol; r != nil {
		row.Reenrol = &reenrolRow{Until: stampOf(r.Until), AllowedAt: stampOf(r.AllowedAt), AllowedBy: r.AllowedBy}
	}
	return row
}

func (row *deviceRow) device(id identity.DeviceID) enroll.Device {
	d := enroll.Device{
		Device: identity.Device{
			ID: id, Fleet: identity.FleetID(row.Fleet), Order: row.Order, State: identity.State(row.State), Owner: row.Owner,
			OwnerGroup: row.OwnerGroup, Version: row.Version, CreatedAt: row.CreatedAt.time(), ChangedAt: row.ChangedAt.time(),
		},
		KeyProtection: policy.KeyProtection(row.KeyProtection), Issued: row.Issued, CloneSuspectedAt: row.CloneSuspectedAt.time(), ForkedAt: row.ForkedAt.time(),
	}
	if row.Newest != nil {
		newest := row.Newest.live()
		d.Newest = &newest
	}
	for i := range row.Live {
		d.Live = append(d.Live, row.Live[i].live())
	}
	if t := row.Ticket; t != nil {
		d.Ticket = &enroll.Ticket{Order: enroll.OrderID(t.Order), Hash: t.Hash, DrawnAt: t.DrawnAt.time(), UsedBy: (*ca.KeyHash)(t.UsedBy), DrawnBy: t.DrawnBy}
	}
	if e := row.Enrolment; e != nil {
		d.Enrolment = &enroll.Enrolment{Order: enroll.OrderID(e.Order), Key: e.Key, Serial: e.Serial}
	}
	if r := row.Reenrol; r != nil {
		d.Reenrol = &enroll.Reenrol{Until: r.Until.time(), AllowedAt: r.AllowedAt.time(), AllowedBy: r.AllowedBy}
	}
	return d
}

func newLiveRow(c *enroll.LiveCertificate) liveRow {
	return liveRow{Serial: c.Serial, Predecessor: c.Predecessor, Key: c.Key, Status: string(c.Status), HeldAlone: c.HeldAlone}
}

func (row *liveRow) live() enroll.LiveCertificate {
	return enroll.LiveCertificate{
		Serial: row.Serial, Predecessor: row.Predecessor, Key: row.Key, Status: enroll.Status(row.Status), HeldAlone: row.HeldAlone,
	}
}
