package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// droppedKey is where the tree meta says which records have left.
func droppedKey() []byte { return []byte("dropped") }

// dropped is the index below which all records have left for the archive.
func (r *reader) dropped() uint64 {
	value := r.get(meta, droppedKey())
	if len(value) < 8 {
		return 0
	}
	return number(value[:8])
}

// DeleteCertificate implements enroll.Tx.
func (w *writer) DeleteCertificate(serial ca.Serial) error {
	row, err := load[certificateRow](&w.reader, certificates, serial[:])
	switch {
	case errors.Is(err, enroll.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	if err := w.pending.put(certificates, bytes.Clone(serial[:]), nil); err != nil || row.Device == "" {
		return err
	}
	id := identity.DeviceID(row.Device)
	place := numberedDeviceKey(id, lineageKey, row.Number)
	if bytes.Equal(w.get(devices, place), serial[:]) {
		if err := w.pending.put(devices, place, nil); err != nil {
			return err
		}
	}
	return w.lapse(id, serial)
}

// DeleteKey implements enroll.Tx.
func (w *writer) DeleteKey(hash ca.KeyHash) error {
	return w.pending.put(keys, bytes.Clone(hash[:]), nil)
}

// DropRecords implements enroll.Tx. With the records go their hashes, the tiles
// of level 0; those above stay, for the tree's root is made of them.
func (w *writer) DropRecords(before uint64) error {
	size, err := w.TreeSize()
	if err != nil {
		return err
	}
	if before%tileWidth != 0 || before > size {
		return fmt.Errorf("records below %d cannot be dropped: it is a multiple of %d, at most the number of records, %d", before, tileWidth, size)
	}
	first := w.dropped()
	if before <= first {
		return nil
	}
	for key, leaf := range w.ascend(records, numberKey(first), numberKey(before)) {
		if err := w.dropRecord(bytes.Clone(key), leaf); err != nil {
			return err
		}
	}
	for n := first / tileWidth; n < before/tileWidth; n++ {
		if err := w.pending.put(tiles, tileKey(0, n), nil); err != nil {
			return err
		}
	}
	tree, err := audit.FrontierAt(before, w.Hashes())
	if err != nil {
		return err
	}
	root := tree.Root()
	return w.pending.put(meta, droppedKey(), append(numberKey(before), root[:]...))
}

// dropRecord deletes a record and its place in the story of its device.
func (w *writer) dropRecord(key, leaf []byte) error {
	if err := w.pending.put(records, key, nil); err != nil {
		return err
	}
	device, err := deviceIn(leaf)
	if err != nil {
		return fmt.Errorf("record %d is damaged; restore the store from a backup: %w", number(key), err)
	}
	if device == "" {
		return nil
	}
	return w.pending.put(devices, numberedDeviceKey(device, storyKey, number(key)), nil)
}

// deviceIn returns the device that a leaf of the log is about; none for an empty
// id.
func deviceIn(leaf []byte) (identity.DeviceID, error) {
	var about struct {
		Device identity.DeviceID `json:"device"`
	}
	err := json.Unmarshal(leaf, &about)
	return about.Device, err
}
