package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// world draws random transactions over a few things, so that they meet often. It
// remembers only what a caller of a store would know.
type world struct {
	*rand.Rand
	transactions int
	certificates []enroll.Certificate
	segments     int
	issued       map[identity.DeviceID]uint64
}

func newWorld(seed uint64) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 1)), issued: map[identity.DeviceID]uint64{}}
}

// transaction is one that runs the same way every time. What it looked up on its
// way is returned for comparison.
type transaction struct {
	id    string // of a person that says that it was committed
	steps []step
}

// step does something in a transaction and returns what it saw.
type step func(tx enroll.Tx) (saw any, err error)

// errDrawn is how a drawn transaction fails.
var errDrawn = errors.New("drawn to fail")

// run does the whole transaction, unless it was committed before: so it may be
// run again when its outcome is unknown.
func (x *transaction) run(tx enroll.Tx) (saw []any, err error) {
	if _, err := tx.Person(x.id); !errors.Is(err, enroll.ErrNotFound) {
		return nil, err
	}
	for _, s := range x.steps {
		found, err := s(tx)
		switch {
		case errors.Is(err, enroll.ErrNotFound), errors.Is(err, enroll.ErrQuota):
			found = err.Error() // an answer, not a failure
		case err != nil:
			return nil, err
		}
		saw = append(saw, found)
	}
	return saw, tx.PutPerson(enroll.Person{Pseudonym: x.id, FirstSeen: epoch()})
}

// draw draws a transaction of a few steps; one in eight fails at its end.
func (w *world) draw() *transaction {
	w.transactions++
	x := &transaction{id: fmt.Sprintf("transaction-%d", w.transactions)}
	if w.IntN(12) == 0 { // it numbers by itself, so it comes alone
		x.steps = append(x.steps, w.record())
	} else {
		for range 1 + w.IntN(6) {
			x.steps = append(x.steps, w.step())
		}
	}
	if w.IntN(8) == 0 {
		x.steps = append(x.steps, func(enroll.Tx) (any, error) { return nil, errDrawn })
	}
	return x
}

func (w *world) step() step {
	draws := []func() step{
		w.device, w.device, w.device, w.issue, w.issue, w.status, w.order, w.quota, w.refusal, w.fleet, w.key, w.shard,
		w.shardContent, w.shardContent, w.event, w.event, w.once, w.events, w.enrolled, w.forgetKey, w.forget, w.forget,
		w.segment, w.dropRecords, w.document, w.document, w.documents,
	}
	return draws[w.IntN(len(draws))]()
}

func pick[E any](w *world, from ...E) E { return from[w.IntN(len(from))] }

func (w *world) moment() time.Time {
	if w.IntN(5) == 0 {
		return time.Time{}
	}
	return epoch().Add(time.Duration(w.IntN(1_000_000_000)) * time.Microsecond)
}

func (w *world) fleetID() identity.FleetID {
	return pick[identity.FleetID](w, rootFleet, "f1", "f2", "f3", "f4", "f5")
}

func (w *world) orderID() enroll.OrderID { return enroll.OrderID(fmt.Sprintf("o%d", w.IntN(6))) }

func (w *world) model() identity.Model { return pick[identity.Model](w, "TH20", "TH2", "TH20.1", "A") }

func (w *world) deviceID() identity.DeviceID {
	serial := pick(w, fmt.Sprintf("SN%d", w.IntN(12)), "TH20-SN1", "A-A", "-", "SN")
	return identity.NewDeviceID(w.model(), identity.SerialNumber(serial))
}

func (w *world) shardKey() enroll.ShardKey {
	return enroll.ShardKey{Issuer: pick(w, "i1", "i2", "i"), Shard: pick[ca.ShardID](w, "1", "1-0", "2")}
}

func (w *world) drawDevice() enroll.Device {
	d := fullDevice()
	d.ID, d.Fleet, d.State = w.deviceID(), w.fleetID(), pick(w, identity.States()...)
	d.Version, d.CreatedAt, d.ChangedAt = w.Uint64N(9), w.moment(), w.moment()
	d.Newest, d.Live = nil, nil
	if w.IntN(2) == 0 {
		d.Ticket, d.Enrolment, d.Reenrol, d.Owner, d.OwnerGroup = nil, nil, nil, "", ""
	}
	return d
}

func (w *world) device() step {
	d := w.drawDevice()
	return func(tx enroll.Tx) (any, error) {
		was, err := tx.Device(d.ID)
		if err != nil && !errors.Is(err, enroll.ErrNotFound) {
			return nil, err
		}
		d := d
		d.Newest, d.Live = was.Newest, was.Live
		if err := tx.PutDevice(d); err != nil {
			return nil, err
		}
		return tx.Device(d.ID)
	}
}

// issue gives a device its next certificate.
func (w *world) issue() step {
	d := w.drawDevice()
	w.issued[d.ID]++
	c := fullCertificate()
	c.Serial, c.Device, c.Number = serialAt(w.IntN(48), len(w.certificates)), d.ID, w.issued[d.ID]
	c.Key, c.Status = keyAt(w.IntN(20)), pick(w, enroll.StatusGood, enroll.StatusHeld)
	c.DER = make([]byte, w.IntN(3000))
	w.certificates = append(w.certificates, c)
	return func(tx enroll.Tx) (any, error) {
		was, err := tx.Device(d.ID)
		if errors.Is(err, enroll.ErrNotFound) {
			was = d
		} else if err != nil {
			return nil, err
		}
		live := enroll.LiveCertificate{Serial: c.Serial, Key: c.Key, Status: c.Status}
		was.Newest, was.Issued = &live, was.Issued+1
		was.Live = append(was.Live, live)
		err = errors.Join(tx.PutDevice(was), tx.PutCertificate(c), tx.PutKey(c.Key, enroll.KeyUse{Device: d.ID}))
		return was, err
	}
}

// status changes a certificate that may have been issued.
func (w *world) status() step {
	if len(w.certificates) == 0 {
		return w.device()
	}
	serial, at := pick(w, w.certificates...).Serial, w.moment()
	return func(tx enroll.Tx) (any, error) {
		c, err := tx.Certificate(serial)
		if err != nil {
			return nil, err
		}
		c.Status, c.Reason, c.RevokedAt = enroll.StatusRevoked, ca.KeyCompromise, at
		return c, tx.PutCertificate(c)
	}
}
