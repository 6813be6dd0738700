package storetest

import (
	"errors"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func (w *world) order() step {
	o := fullOrder()
	o.ID, o.Fleet, o.Model, o.Quantity, o.Opens = w.orderID(), w.fleetID(), w.model(), w.IntN(5), w.moment()
	if w.IntN(2) == 0 {
		o.Stations = nil
	}
	return func(tx enroll.Tx) (any, error) {
		if err := tx.PutOrder(o); err != nil {
			return nil, err
		}
		return tx.Order(o.ID)
	}
}

func (w *world) quota() step {
	id := w.orderID()
	return func(tx enroll.Tx) (any, error) {
		if err := tx.TakeQuota(id); err != nil {
			return nil, err
		}
		return tx.Order(id)
	}
}

func (w *world) refusal() step {
	id, code, n := w.orderID(), pick(w, enroll.Codes()...), 1+w.IntN(3)
	return func(tx enroll.Tx) (any, error) {
		if err := tx.CountRefusal(id, code, n); err != nil {
			return nil, err
		}
		return tx.Order(id)
	}
}

// fleet makes a fleet, or gives one another name or place: only ever below one
// with a lower id, so that the tree stays a tree. Some names are taken more often
// than not.
func (w *world) fleet() step {
	ids := []identity.FleetID{rootFleet, "f1", "f2", "f3", "f4", "f5"}
	n := w.IntN(len(ids))
	f := identity.Fleet{ID: ids[n]}
	if n > 0 {
		f.Parent, f.Name = ids[w.IntN(n)], pick(w, string(f.ID), string(f.ID)+"-renamed", "line-1", "line-2")
	}
	gone := n == len(ids)-1 && w.IntN(3) == 0 // the last, below which nothing is ever put
	return func(tx enroll.Tx) (any, error) {
		if gone {
			return nil, tx.DeleteFleet(f.ID)
		}
		was, err := tx.Fleet(f.ID)
		if err != nil && !errors.Is(err, enroll.ErrNotFound) {
			return nil, err
		}
		if tx.PutFleet(f) != nil { // a neighbour is called that
			return "refused", nil
		}
		is, err := tx.Fleet(f.ID)
		return []identity.Fleet{was, is}, err
	}
}

func (w *world) key() step {
	hash := keyAt(w.IntN(20))
	return func(tx enroll.Tx) (any, error) {
		use, err := tx.Key(hash)
		if err != nil {
			return nil, err
		}
		use.Compromised = true
		return use, tx.PutKey(hash, use)
	}
}

func (w *world) shard() step {
	s := fullShard()
	s.ShardKey, s.Changes, s.ThisUpdate = w.shardKey(), w.Uint64N(9), w.moment()
	gone := w.IntN(4) == 0
	return func(tx enroll.Tx) (any, error) {
		if gone {
			return nil, tx.DeleteShard(s.ShardKey)
		}
		if err := tx.PutShard(s); err != nil {
			return nil, err
		}
		return tx.Shard(s.ShardKey)
	}
}

func (w *world) shardContent() step {
	key, serial, kind := w.shardKey(), serialAt(w.IntN(4), w.IntN(3)), w.IntN(6)
	entry := []byte{byte(w.IntN(256))}
	return func(tx enroll.Tx) (any, error) {
		var err error
		switch kind {
		case 0:
			err = tx.PutCRL(key, entry)
		case 1:
			err = tx.DeleteCRLEntry(key, serial)
		case 2:
			err = tx.DeleteCRLEntries(key, serial)
		default:
			err = tx.PutCRLEntry(key, serial, entry)
		}
		if err != nil {
			return nil, err
		}
		der, _, err := tx.CRLEntries(key)
		return der, err
	}
}

func (w *world) event() step {
	e := eventAt(w.deviceID(), w.IntN(1000))
	e.Kind, e.Time = pick(w, enroll.EventKinds()...), w.moment()
	if w.IntN(3) == 0 {
		e.Device = ""
	}
	return func(tx enroll.Tx) (any, error) {
		size, err := tx.TreeSize()
		return size, errors.Join(err, tx.Append(e))
	}
}

// once changes what there is one of, and an issuer.
func (w *world) once() step {
	at := w.moment()
	id := pick(w, "i1", "i2")
	return func(tx enroll.Tx) (any, error) {
		return nil, errors.Join(
			tx.PutInstallation(enroll.Installation{PseudonymKey: []byte(id), BreakGlassSet: at}),
			tx.PutIssuer(enroll.IssuerRecord{ID: id, DER: []byte{1}, ActivatedAt: at}),
		)
	}
}

// deviceFilter draws a filter of any parts.
func (w *world) deviceFilter() enroll.DeviceFilter {
	var f enroll.DeviceFilter
	if w.IntN(3) == 0 {
		f.Fleets = w.fleetIDs()
	}
	if w.IntN(3) == 0 {
		f.Model = w.model()
	}
	if w.IntN(3) == 0 {
		f.State = pick(w, identity.States()...)
	}
	if w.IntN(3) == 0 {
		f.ExpiringBefore = serialAt(w.IntN(50), 0).NotAfter().Add(pick[time.Duration](w, 0, 1, -1))
	}
	if w.IntN(2) == 0 {
		f.Query = pick(w, "TH20", "TH2", "TH20-", "TH20-SN", "TH20-SN1", "TH20-TH20", "SN", "SN1", "A", "A-", "A-A", "-", ".", "TH20.", "zz", "\xff", "TH20-SN1-")
	}
	return f
}

// fleetIDs draws a few fleets, even none, in any order and twice.
func (w *world) fleetIDs() []identity.FleetID {
	ids := []identity.FleetID{}
	for range w.IntN(4) {
		ids = append(ids, w.fleetID())
	}
	if w.IntN(4) == 0 {
		ids = append(ids, "no-such-fleet")
	}
	return ids
}
