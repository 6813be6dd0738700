package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

const (
	deviceColumns = `id, fleet, order_id, state, owner, version, created_at, changed_at, issued, newest, live,
	ticket_order, ticket_hash, ticket_drawn_at, ticket_used_by, enrolment_order, enrolment_key, enrolment_serial,
	reenrol_by, reenrol_at, reenrol_until, clone_suspected_at, forked_at, owner_group, key_protection, ticket_drawn_by, rev`
	sqlFindDevices = `SELECT ` + deviceColumns + ` FROM devices WHERE id = ANY ($1)`
	sqlHoldDevices = sqlFindDevices + ` FOR UPDATE`

	// deviceRows are the rows that are written, in the order of deviceColumns.
	deviceRows = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::timestamptz[],
	$9::bigint[], $10::bytea[], $11::bytea[], $12::text[], $13::bytea[], $14::timestamptz[], $15::bytea[], $16::text[], $17::bytea[],
	$18::bytea[], $19::text[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[], $24::text[], $25::text[], $26::text[],
	$27::bigint[], $28::bytea[])
	AS put (` + deviceColumns + `, unseen)`
	// rareState is the state where it is one that few devices are in, so that an
	// index of them costs little and finds much.
	rareState = `CASE WHEN put.state IN ('held', 'revoked', 'retired') THEN put.state END`
	// lapsed is the newest certificate's serial number where the certificate is not
	// there. It is looked for only where this batch does not write it (unseen).
	lapsed           = `CASE WHEN put.unseen IS NOT NULL AND NOT EXISTS (SELECT FROM certificates AS c WHERE c.serial = put.unseen) THEN put.unseen END`
	sqlInsertDevices = `
INSERT INTO devices (` + deviceColumns + `, lapsed, rare_state)
SELECT put.id, put.fleet, put.order_id, put.state, put.owner, put.version, put.created_at, put.changed_at, put.issued, put.newest,
	put.live, put.ticket_order, put.ticket_hash, put.ticket_drawn_at, put.ticket_used_by, put.enrolment_order, put.enrolment_key,
	put.enrolment_serial, put.reenrol_by, put.reenrol_at, put.reenrol_until, put.clone_suspected_at, put.forked_at,
	put.owner_group, put.key_protection, put.ticket_drawn_by, put.rev, ` + lapsed + `, ` + rareState + ` FROM ` + deviceRows
	sqlUpdateDevices = `
UPDATE devices SET (lapsed, fleet, order_id, state, rare_state, owner, version, created_at, changed_at, issued, newest, live,
	ticket_order, ticket_hash, ticket_drawn_at, ticket_used_by, enrolment_order, enrolment_key, enrolment_serial,
	reenrol_by, reenrol_at, reenrol_until, clone_suspected_at, forked_at, owner_group, key_protection, ticket_drawn_by, rev)
	= (CASE WHEN substring(devices.newest FROM 1 FOR 20) = substring(put.newest FROM 1 FOR 20) THEN devices.lapsed ELSE ` + lapsed + ` END,
	   put.fleet, put.order_id, put.state, ` + rareState + `, put.owner, put.version, put.created_at, put.changed_at, put.issued,
	   put.newest, put.live, put.ticket_order, put.ticket_hash, put.ticket_drawn_at, put.ticket_used_by, put.enrolment_order,
	   put.enrolment_key, put.enrolment_serial, put.reenrol_by, put.reenrol_at, put.reenrol_until, put.clone_suspected_at,
	   put.forked_at, put.owner_group, put.key_protection, put.ticket_drawn_by, put.rev)
FROM ` + deviceRows + ` WHERE devices.id = put.id`
)

func readDevice(c *columns) (string, enroll.Device, int64) {
	d := enroll.Device{Device: identity.Device{
		ID: identity.DeviceID(c.text()), Fleet: identity.FleetID(c.text()), Order: c.text(), State: identity.State(c.text()),
		Owner: c.text(), Version: uint64(c.integer()), CreatedAt: c.time(), ChangedAt: c.time(),
	}}
	d.Issued = uint64(c.integer())
	if newest := unpackLive(c.next()); newest != nil {
		d.Newest = &newest[0]
	}
	d.Live = unpackLive(c.next())
	d.Ticket, d.Enrolment, d.Reenrol = readTicket(c), readEnrolment(c), readReenrol(c)
	d.CloneSuspectedAt, d.ForkedAt, d.OwnerGroup, d.KeyProtection = c.time(), c.time(), c.text(), policy.KeyProtection(c.text())
	if by := c.text(); d.Ticket != nil {
		d.Ticket.DrawnBy = by
	}
	return string(d.ID), d, c.integer()
}

func readTicket(c *columns) *enroll.Ticket {
	order := c.next()
	t := enroll.Ticket{Order: enroll.OrderID(order)}
	c.into(t.Hash[:])
	t.DrawnAt = c.time()
	var used ca.KeyHash
	if c.into(used[:]) {
		t.UsedBy = &used
	}
	if order == nil {
		return nil
	}
	return &t
}

func readEnrolment(c *columns) *enroll.Enrolment {
	order := c.next()
	e := enroll.Enrolment{Order: enroll.OrderID(order)}
	c.into(e.Key[:])
	c.into(e.Serial[:])
	if order == nil {
		return nil
	}
	return &e
}

func readReenrol(c *columns) *enroll.Reenrol {
	by := c.next()
	r := enroll.Reenrol{AllowedBy: string(by), AllowedAt: c.time(), Until: c.time()}
	if by == nil {
		return nil
	}
	return &r
}

// deviceWriter gathers the columns of devices.
type deviceWriter struct {
	id, fleet, order, state, owner         []string
	version, issued, rev                   []int64
	created, changed                       []pgtype.Timestamptz
	newest, live                           [][]byte
	ticketOrder, enrolmentOrder, reenrolBy []*string
	ticketHash, ticketUsedBy               [][]byte
	enrolmentKey, enrolmentSerial          [][]byte
	ticketDrawn, reenrolAt, reenrolUntil   []pgtype.Timestamptz
	cloneSuspected, forked                 []pgtype.Timestamptz
	ownerGroup, keyProtection, drawnBy     []string
	unseen                                 [][]byte
}

// add takes a device; unseen says that nobody has just seen or written its newest
// certificate.
func (w *deviceWriter) add(d enroll.Device, unseen bool, rev int64) error {
	w.id, w.fleet, w.order = append(w.id, string(d.ID)), append(w.fleet, string(d.Fleet)), append(w.order, d.Order)
	w.state, w.owner = append(w.state, string(d.State)), append(w.owner, d.Owner)
	w.version, w.issued, w.rev = append(w.version, int64(d.Version)), append(w.issued, int64(d.Issued)), append(w.rev, rev)
	created := timestamp(d.CreatedAt)
	created.Valid = true // it stands in an index; the zero time is in the year 1
	w.created, w.changed = append(w.created, created), append(w.changed, timestamp(d.ChangedAt))
	var newest []enroll.LiveCertificate
	var serial []byte
	if d.Newest != nil {
		newest = []enroll.LiveCertificate{*d.Newest}
		if unseen {
			serial = d.Newest.Serial[:]
		}
	}
	w.unseen = append(w.unseen, serial)
	one, err := packLive(newest)
	if err != nil {
		return err
	}
	all, err := packLive(d.Live)
	w.newest, w.live = append(w.newest, one), append(w.live, all)
	w.addTicket(d.Ticket)
	w.addEnrolment(d.Enrolment)
	w.addReenrol(d.Reenrol)
	w.cloneSuspected, w.forked = append(w.cloneSuspected, timestamp(d.CloneSuspectedAt)), append(w.forked, timestamp(d.ForkedAt))
	w.ownerGroup, w.keyProtection = append(w.ownerGroup, d.OwnerGroup), append(w.keyProtection, string(d.KeyProtection))
	by := ""
	if d.Ticket != nil {
		by = d.Ticket.DrawnBy
	}
	w.drawnBy = append(w.drawnBy, by)
	return err
}

func (w *deviceWriter) addTicket(t *enroll.Ticket) {
	var order *string
	var hash, used []byte
	var drawn pgtype.Timestamptz
	if t != nil {
		order, hash, drawn = (*string)(&t.Order), t.Hash[:], timestamp(t.DrawnAt)
		if t.UsedBy != nil {
			used = t.UsedBy[:]
		}
	}
	w.ticketOrder, w.ticketHash = append(w.ticketOrder, order), append(w.ticketHash, hash)
	w.ticketDrawn, w.ticketUsedBy = append(w.ticketDrawn, drawn), append(w.ticketUsedBy, used)
}

func (w *deviceWriter) addEnrolment(e *enroll.Enrolment) {
	var order *string
	var key, serial []byte
	if e != nil {
		order, key, serial = (*string)(&e.Order), e.Key[:], e.Serial[:]
	}
	w.enrolmentOrder, w.enrolmentKey = append(w.enrolmentOrder, order), append(w.enrolmentKey, key)
	w.enrolmentSerial = append(w.enrolmentSerial, serial)
}

func (w *deviceWriter) addReenrol(r *enroll.Reenrol) {
	var by *string
	var at, until pgtype.Timestamptz
	if r != nil {
		by, at, until = &r.AllowedBy, timestamp(r.AllowedAt), timestamp(r.Until)
	}
	w.reenrolBy, w.reenrolAt, w.reenrolUntil = append(w.reenrolBy, by), append(w.reenrolAt, at), append(w.reenrolUntil, until)
}

func (w *deviceWriter) queue(b *pgx.Batch, sql string) {
	if w.id == nil {
		return
	}
	b.Queue(sql, flat(w.id), flat(w.fleet), flat(w.order), flat(w.state), flat(w.owner), flat(w.version), flat(w.created),
		flat(w.changed), flat(w.issued), flat(w.newest), flat(w.live), flat(w.ticketOrder), flat(w.ticketHash), flat(w.ticketDrawn),
		flat(w.ticketUsedBy), flat(w.enrolmentOrder), flat(w.enrolmentKey), flat(w.enrolmentSerial), flat(w.reenrolBy),
		flat(w.reenrolAt), flat(w.reenrolUntil), flat(w.cloneSuspected), flat(w.forked), flat(w.ownerGroup), flat(w.keyProtection), flat(w.drawnBy), flat(w.rev), flat(w.unseen))
}

// A device's row keeps its certificates packed, one after another: 20 octets of
// the serial number, 20 of its predecessor's, 32 of the key's SHA-256, the first
// letter of the status, and 1 where the certificate was held by itself.
const (
	packedSize  = 74
	atKey       = 40
	atStatus    = 72
	atHeldAlone = 73
)

func packLive(list []enroll.LiveCertificate) ([]byte, error) {
	var packed []byte
	for _, c := range list {
		switch c.Status {
		case enroll.StatusGood, enroll.StatusHeld, enroll.StatusRevoked:
		default:
			return nil, fmt.Errorf("certificate %s cannot be recorded as %.20q: it is good, held or revoked", c.Serial, c.Status)
		}
		packed = append(append(append(packed, c.Serial[:]...), c.Predecessor[:]...), c.Key[:]...)
		packed = append(packed, c.Status[0], 0)
		if c.HeldAlone {
			packed[len(packed)-1] = 1
		}
	}
	return packed, nil
}

func unpackLive(packed []byte) []enroll.LiveCertificate {
	if len(packed) < packedSize {
		return nil
	}
	list := make([]enroll.LiveCertificate, len(packed)/packedSize)
	for i := range list {
		one := packed[i*packedSize:]
		c := &list[i]
		copy(c.Serial[:], one)
		copy(c.Predecessor[:], one[len(c.Serial):])
		copy(c.Key[:], one[atKey:])
		c.HeldAlone = one[atHeldAlone] == 1
		for _, status := range []enroll.Status{enroll.StatusGood, enroll.StatusHeld, enroll.StatusRevoked} {
			if status[0] == one[atStatus] {
				c.Status = status
			}
		}
	}
	return list
}

// cloneDevice shares nothing with its original that can be changed, and keeps
// what is kept of a device.
func cloneDevice(d enroll.Device) enroll.Device {
	d.CreatedAt, d.ChangedAt = micros(d.CreatedAt), micros(d.ChangedAt)
	d.CloneSuspectedAt, d.ForkedAt = micros(d.CloneSuspectedAt), micros(d.ForkedAt)
	d.Newest, d.Live, d.Enrolment = pointer(d.Newest), clone(d.Live), pointer(d.Enrolment)
	if d.Ticket = pointer(d.Ticket); d.Ticket != nil {
		d.Ticket.DrawnAt, d.Ticket.UsedBy = micros(d.Ticket.DrawnAt), pointer(d.Ticket.UsedBy)
	}
	if d.Reenrol = pointer(d.Reenrol); d.Reenrol != nil {
		d.Reenrol.Until, d.Reenrol.AllowedAt = micros(d.Reenrol.Until), micros(d.Reenrol.AllowedAt)
	}
	return d
}
