package postgres

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/touchmark/touchmark/enroll"
)

// finish commits what the runs wrote; all of them have ended.
func (a *attempt) finish() error {
	if !a.alone && a.looksAtNothing() {
		return errAlone
	}
	if len(a.writes) == 0 && len(a.events) == 0 {
		a.learnt = nil
		b := &pgx.Batch{}
		b.Queue(sqlRollback)
		err := send(a.conn.Conn(), b)
		a.open = err != nil
		return err
	}
	if err := a.monthsAreThere(); err != nil {
		return err
	}
	b := &pgx.Batch{}
	if err := a.write(b); err != nil {
		return err
	}
	var done pgconn.CommandTag
	b.Queue(sqlCommit).Exec(func(tag pgconn.CommandTag) error { done = tag; return nil })
	err := send(a.conn.Conn(), b)
	a.open = a.conn.Conn().PgConn().TxStatus() != 'I'
	switch {
	case err == nil && done.String() != sqlCommit:
		return errRolledBack
	case err != nil && a.conn.Conn().IsClosed():
		a.unknown = true // the server may have committed and not been heard
	}
	return err
}

// looksAtNothing reports whether runs relied on a row not being there which they
// did not make: there is nothing that could be held, and only a batch that is
// alone can rely on it. A row that they make cannot be made twice.
func (a *attempt) looksAtNothing() bool {
	for k, r := range a.rows {
		if r.value == nil && k.kind >= devices && k.findable() && a.writes[k] == nil {
			return true
		}
	}
	return false
}

// write puts all writes into a round trip.
func (a *attempt) write(b *pgx.Batch) error {
	w := &tables{a: a, b: b}
	a.learnt = make(map[key]found, len(a.writes))
	for k, value := range a.writes {
		if err := w.add(k, value); err != nil {
			return err
		}
	}
	w.queue()
	if before, ok := a.writes[key{dropped, ""}].(dropRecords); ok {
		if err := a.drop(b, before); err != nil {
			return err
		}
	}
	if w.reference {
		b.Queue(sqlTurnEpoch, a.epoch+1)
	}
	return a.log(b)
}

// tables gathers what is written to each table.
type tables struct {
	a         *attempt
	b         *pgx.Batch
	reference bool // one of them is written

	newDevices, devices           deviceWriter
	newCertificates, certificates certificateWriter
	newKeys, keys                 keyWriter
	gone                          gone
	quotas                        quotaWriter
	refused                       map[string]map[enroll.Code]int
	lineage                       []lineageEntry
}

// lineageEntry is a certificate's place among its device's.
type lineageEntry struct {
	device string
	number int64
	serial []byte
}

// add takes one write.
func (w *tables) add(k key, value any) error {
	a := w.a
	if k.kind.reference() || k.kind == crlWrites {
		w.reference = true
		a.learnt[k] = found{value: value}
		w.addReference(k, value)
		return nil
	}
	before := a.rows[k]
	a.learnt[k] = found{value: value, rev: a.rev}
	switch v := value.(type) {
	case nil:
		a.learnt[k] = found{}
		w.gone.add(k)
	case enroll.Device:
		return choose(before.value == nil, &w.newDevices, &w.devices).add(v, a.unseen(v, before.value), a.rev)
	case enroll.Certificate:
		choose(before.value == nil, &w.newCertificates, &w.certificates).add(&v, a.rev)
		was, _ := before.value.(enroll.Certificate)
		if v.Device != "" && (was.Device != v.Device || was.Number != v.Number) {
			w.lineage = append(w.lineage, lineageEntry{string(v.Device), int64(v.Number), v.Serial[:]})
		}
	case enroll.KeyUse:
		choose(before.value == nil, &w.newKeys, &w.keys).add(k.id, v, a.rev)
	case quota:
		was, _ := before.value.(quota)
		is := w.quotas.add(k.id, was, v, a.rev)
		a.learnt[k] = found{value: is, rev: is.rev()}
	case map[enroll.Code]int:
		delete(a.learnt, k)
		if w.refused == nil {
			w.refused = map[string]map[enroll.Code]int{}
		}
		w.refused[k.id] = v
	case enroll.Segment:
		writeSegment(w.b, v)
	}
	return nil
}

// unseen reports whether a device's newest certificate is neither written with it
// nor the one that it had.
func (a *attempt) unseen(d enroll.Device, before any) bool {
	if d.Newest == nil || a.writes[serialKey(d.Newest.Serial)] != nil {
		return false
	}
	was, _ := before.(enroll.Device)
	return was.Newest == nil || was.Newest.Serial != d.Newest.Serial
}

// addReference puts one write into the round trip; such are few.
func (w *tables) addReference(k key, value any) {
	switch k.kind {
	case shards:
		writeShard(w.b, k.id, value)
	case documents:
		writeDocument(w.b, k.id, value)
	case crls:
		writeCRL(w.b, k.id, value)
	case fleets:
		writeFleet(w.b, k.id, value)
	case fleetNames: // they are the same rows
	default:
		switch v := value.(type) {
		case enroll.Installation:
			writeInstallation(w.b, v)
		case enroll.Person:
			writePerson(w.b, v)
		case enroll.IssuerRecord:
			writeIssuer(w.b, v)
		case enroll.Order:
			writeOrder(w.b, v)
		case *entryWrites:
			v.write(w.b, k.id)
		}
	}
}

// queue puts what was gathered into the round trip.
func (w *tables) queue() {
	b, a := w.b, w.a
	w.newDevices.queue(b, sqlInsertDevices)
	w.devices.queue(b, sqlUpdateDevices)
	w.newCertificates.queue(b, sqlInsertCertificates)
	w.certificates.queue(b, sqlUpdateCertificates)
	w.gone.queue(b)
	w.newKeys.queue(b, sqlInsertKeys)
	w.keys.queue(b, sqlUpdateKeys)
	w.quotas.queue(b, a.rev)
	writeRefusals(b, a.s.gate.slot, a.rev, w.refused)
	w.queueLineage()
}

const (
	sqlAddLineage = `
INSERT INTO device_entries (device, kind, number, serial)
SELECT device, 2, number, serial FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS put (device, number, serial)`
	sqlPutLineage = sqlAddLineage + ` ON CONFLICT (device, kind, number) DO UPDATE SET serial = excluded.serial`
)

func (w *tables) queueLineage() {
	if w.lineage == nil {
		return
	}
	slices.SortFunc(w.lineage, func(a, b lineageEntry) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.number, b.number))
	})
	var ids []string
	var numbers []int64
	var serials [][]byte
	for _, e := range w.lineage {
		ids, numbers, serials = append(ids, e.device), append(numbers, e.number), append(serials, e.serial)
	}
	w.b.Queue(either(w.a.careful, sqlPutLineage, sqlAddLineage), flat(ids), flat(numbers), flat(serials))
}

func choose[T any](first bool, a, b *T) *T {
	if first {
		return a
	}
	return b
}

// remember tells the node's memory what is there since the commit.
func (a *attempt) remember() {
	if a.learnt == nil {
		return
	}
	to := a.epoch
	var unsure []key
	for k, value := range a.writes {
		switch {
		case k.kind == certificates && value == nil:
			a.s.emptyMonths()
		case k.kind.reference() || k.kind == crlWrites:
			to = a.epoch + 1
		case k.kind == refused:
			unsure = append(unsure, key{refusals, k.id})
		}
	}
	maps.DeleteFunc(a.learnt, func(k key, _ found) bool { return k.kind > kindCount })
	a.s.memory.forget(unsure...)
	a.s.memory.change(a.epoch, to, a.learnt)
	if a.grown.Size() > 0 {
		a.s.frontier = a.grown
		a.s.added(&a.head, a.grown.Size())
	}
}
