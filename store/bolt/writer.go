package bolt

import (
	"encoding/binary"
	"fmt"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// writer is enroll.Tx: it keeps its writes and events until the committer takes
// them.
type writer struct {
	reader
	events []event
	next   uint64 // index of the first of events
	// known is what the indexes go by of the device that was read or written last,
	// which is most often the one that is written next.
	known struct {
		id     identity.DeviceID
		row    deviceIndexed
		newest ca.Serial // zero for none
	}
	renewed []renewal // by this transaction
}

// reset makes the writer that of a new transaction on the same snapshot, whose
// events are numbered from next on.
func (w *writer) reset(next uint64) {
	w.pending.reset()
	w.events, w.next = w.events[:0], next
	w.known.id, w.renewed = "", w.renewed[:0]
}

// event is one that waits for its number.
type event struct {
	device identity.DeviceID
	json   []byte
	leaf   []byte // of a record of another log, which has its number; nil for any other
}

var _ enroll.Tx = (*writer)(nil)

// keep encodes a row and keeps it as a write.
func (w *writer) keep(t tree, key []byte, row any) error {
	data, err := encodeRow(row)
	if err != nil {
		return fmt.Errorf("encoding a row of the tree %s: %w", t.name(), err)
	}
	return w.pending.put(t, key, data)
}

func (w *writer) PutInstallation(i enroll.Installation) error {
	row := installationRow{PseudonymKey: i.PseudonymKey, BreakGlass: i.BreakGlass, BreakGlassSet: stampOf(i.BreakGlassSet)}
	return w.keep(installation, []byte("installation"), &row)
}

func (w *writer) PutPerson(p enroll.Person) error {
	return w.keep(people, []byte(p.Pseudonym), &personRow{ID: p.ID, Name: p.Name, FirstSeen: stampOf(p.FirstSeen)})
}

func (w *writer) PutIssuer(i enroll.IssuerRecord) error {
	return w.keep(issuers, []byte(i.ID), &issuerRow{DER: i.DER, ActivatedAt: stampOf(i.ActivatedAt)})
}

func (w *writer) PutKey(hash ca.KeyHash, use enroll.KeyUse) error {
	return w.keep(keys, hash[:], &keyRow{Device: string(use.Device), Compromised: use.Compromised})
}

func (w *writer) PutCertificate(c enroll.Certificate) error {
	if c.Device != "" {
		if err := checkDeviceID(c.Device); err != nil {
			return err
		}
		if err := w.pending.put(devices, numberedDeviceKey(c.Device, lineageKey, c.Number), c.Serial[:]); err != nil {
			return err
		}
	}
	if err := w.unlapse(c.Serial); err != nil {
		return err
	}
	return w.keep(certificates, c.Serial[:], newCertificateRow(&c))
}

func (w *writer) PutShard(s enroll.Shard) error {
	if err := checkShardKey(s.ShardKey); err != nil {
		return err
	}
	return w.keep(shards, shardKey(s.ShardKey), &shardRow{
		Changes: s.Changes, Published: s.Published, Number: s.Number, ThisUpdate: stampOf(s.ThisUpdate),
		NextUpdate: stampOf(s.NextUpdate), Issued: s.Issued,
	})
}

func (w *writer) PutCRL(key enroll.ShardKey, der []byte) error {
	if err := checkShardKey(key); err != nil {
		return err
	}
	return w.pending.put(crls, shardKey(key), owned(der))
}

func (w *writer) PutCRLEntry(key enroll.ShardKey, serial ca.Serial, der []byte) error {
	if err := checkShardKey(key); err != nil {
		return err
	}
	return w.pending.put(crlEntries, entryKey(key, serial[:]), owned(der))
}

func (w *writer) DeleteCRLEntry(key enroll.ShardKey, serial ca.Serial) error {
	return w.pending.put(crlEntries, entryKey(key, serial[:]), nil)
}

func (w *writer) DeleteCRLEntries(key enroll.ShardKey, before ca.Serial) error {
	return w.deleteRange(crlEntries, entryKey(key, nil), entryKey(key, before[:]))
}

func (w *writer) DeleteShard(key enroll.ShardKey) error {
	for _, t := range []tree{shards, crls} {
		if err := w.pending.put(t, shardKey(key), nil); err != nil {
			return err
		}
	}
	prefix := entryKey(key, nil)
	return w.deleteRange(crlEntries, prefix, after(prefix))
}

// deleteRange deletes the keys in [from, to), the transaction's own included.
func (w *writer) deleteRange(t tree, from, to []byte) error {
	for _, own := range w.pending.within(t, from, to) {
		if err := w.pending.put(t, own.key, nil); err != nil {
			return err
		}
	}
	for key := range w.ascend(t, from, to) {
		if err := w.pending.put(t, owned(key), nil); err != nil {
			return err
		}
	}
	return nil
}

// TakeQuota is exact because transactions run one after another.
func (w *writer) TakeQuota(id enroll.OrderID) error {
	row, err := load[orderQuantity](&w.reader, orders, []byte(id))
	if err != nil {
		return err
	}
	taken := number(w.get(quotas, []byte(id)))
	if taken >= uint64(max(row.Quantity, 0)) {
		return enroll.ErrQuota
	}
	return w.pending.put(quotas, []byte(id), binary.BigEndian.AppendUint64(nil, taken+1))
}

func (w *writer) CountRefusal(id enroll.OrderID, code enroll.Code, n int) error {
	if n < 1 {
		return fmt.Errorf("%d refusals of the order %s cannot be counted: at least 1", n, id)
	}
	if w.get(orders, []byte(id)) == nil {
		return enroll.ErrNotFound
	}
	row := refusalsRow{}
	if data := w.get(refusals, []byte(id)); data != nil {
		var err error
		if row, err = decodeRow[refusalsRow](refusals, []byte(id), data); err != nil {
			return err
		}
	}
	if row.Counts == nil {
		row.Counts = map[string]int{}
	}
	row.Counts[string(code)] += n
	return w.keep(refusals, []byte(id), &row)
}

func (w *writer) Append(e enroll.Event) error {
	if e.Device != "" {
		if err := checkDeviceID(e.Device); err != nil {
			return err
		}
	}
	data, err := e.JSON()
	if err != nil {
		return fmt.Errorf("encoding the event %s: %w", e.Kind, err)
	}
	if len(data) > audit.MaxLeaf-64 { // what the index adds is shorter
		return fmt.Errorf("the event %s of %d bytes is too large to be recorded: at most %d", e.Kind, len(data), audit.MaxLeaf-64)
	}
	w.events = append(w.events, event{device: e.Device, json: data})
	return nil
}

// owned copies a value, so that it is never nil and nobody else changes it.
func owned(value []byte) []byte { return append(make([]byte, 0, len(value)), value...) }
