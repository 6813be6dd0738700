package bolt

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// PutFleet keeps the index of children. Two fleets of one name below one parent
// are a fault of the caller, which has the transaction to look first.
func (w *writer) PutFleet(f identity.Fleet) error {
	if err := checkID("fleet", string(f.ID)); err != nil {
		return err
	}
	old, err := w.Fleet(f.ID)
	if err != nil && !errors.Is(err, enroll.ErrNotFound) {
		return err
	}
	key := joined(string(f.Parent), f.Name)
	if taken := w.get(children, key); f.Parent != "" && taken != nil && string(taken) != string(f.ID) {
		return fmt.Errorf("fleet %s cannot be called %q: its neighbour %s is", f.ID, f.Name, taken)
	}
	if old.Parent != "" {
		if err := w.pending.put(children, joined(string(old.Parent), old.Name), nil); err != nil {
			return err
		}
	}
	if f.Parent != "" {
		if err := w.pending.put(children, key, []byte(f.ID)); err != nil {
			return err
		}
	}
	return w.keep(fleets, []byte(f.ID), &fleetRow{Parent: string(f.Parent), Name: f.Name})
}

// DeleteFleet keeps the index of children.
func (w *writer) DeleteFleet(id identity.FleetID) error {
	old, err := w.Fleet(id)
	if errors.Is(err, enroll.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if old.Parent != "" {
		if err := w.pending.put(children, joined(string(old.Parent), old.Name), nil); err != nil {
			return err
		}
	}
	return w.pending.put(fleets, []byte(id), nil)
}

// PutOrder keeps the index of a fleet's orders.
func (w *writer) PutOrder(o enroll.Order) error {
	if err := errors.Join(checkID("order", string(o.ID)), checkID("fleet", string(o.Fleet))); err != nil {
		return err
	}
	old, err := load[orderRow](&w.reader, orders, []byte(o.ID))
	if err != nil && !errors.Is(err, enroll.ErrNotFound) {
		return err
	}
	was := old.Fleet != ""
	if err := w.move(fleetOrders, keyIf(was, joined(old.Fleet, string(o.ID))), joined(string(o.Fleet), string(o.ID))); err != nil {
		return err
	}
	return w.keep(orders, []byte(o.ID), newOrderRow(&o))
}

// PutDevice keeps the indexes of devices by fleet and by state.
func (w *writer) PutDevice(d enroll.Device) error {
	if err := errors.Join(checkDeviceID(d.ID), checkID("fleet", string(d.Fleet))); err != nil {
		return err
	}
	key := deviceKey(d.ID, deviceRowKey)
	if err := w.know(d.ID, key); err != nil {
		return err
	}
	old := w.known.row
	row := newDeviceRow(&d)
	now := deviceIndexed{Fleet: row.Fleet, State: row.State, CreatedAt: row.CreatedAt}
	if now != old {
		was := keyIf(old.Fleet != "", fleetDeviceKey(identity.FleetID(old.Fleet), old.CreatedAt, d.ID))
		if err := w.move(fleetDevices, was, fleetDeviceKey(d.Fleet, row.CreatedAt, d.ID)); err != nil {
			return err
		}
		was = keyIf(indexedState(identity.State(old.State)), joined(old.State, string(d.ID)))
		if err := w.move(stateDevices, was, keyIf(indexedState(d.State), joined(row.State, string(d.ID)))); err != nil {
			return err
		}
	}
	w.known.row = now
	if newest := newestOf(&d); newest != w.known.newest {
		w.renewed = append(w.renewed, renewal{device: d.ID, from: w.known.newest, to: newest})
		w.known.newest = newest
	}
	return w.keep(devices, key, row)
}

// Device remembers what PutDevice would read again.
func (w *writer) Device(id identity.DeviceID) (enroll.Device, error) {
	row, err := load[deviceRow](&w.reader, devices, deviceKey(id, deviceRowKey))
	if err != nil {
		return enroll.Device{}, err
	}
	d := row.device(id)
	w.known.id, w.known.row = id, deviceIndexed{Fleet: row.Fleet, State: row.State, CreatedAt: row.CreatedAt}
	w.known.newest = newestOf(&d)
	return d, nil
}

// know reads what Device would have remembered; zeros of a device that is new.
func (w *writer) know(id identity.DeviceID, key []byte) error {
	if w.known.id == id {
		return nil
	}
	row, err := load[deviceIndexed](&w.reader, devices, key)
	if err != nil && !errors.Is(err, enroll.ErrNotFound) {
		return err
	}
	newest, err := w.newest(id)
	if err != nil && !errors.Is(err, enroll.ErrNotFound) {
		return err
	}
	w.known.id, w.known.row, w.known.newest = id, row, newest
	return nil
}

// indexedState tells the states that few devices are in, so that an index of
// them costs little and finds much.
func indexedState(s identity.State) bool {
	return s == identity.Held || s == identity.Revoked || s == identity.Retired
}

// move takes an entry of an index from one key to another; nil is no key.
func (w *writer) move(t tree, from, to []byte) error {
	if bytes.Equal(from, to) {
		return nil
	}
	if from != nil {
		if err := w.pending.put(t, from, nil); err != nil {
			return err
		}
	}
	if to != nil {
		return w.pending.put(t, to, []byte{})
	}
	return nil
}

func keyIf(there bool, key []byte) []byte {
	if there {
		return key
	}
	return nil
}
