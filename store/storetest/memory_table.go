package storetest

import (
	"maps"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// table is one kind of row, with the own writes of the transaction that has it.
type table[K comparable, V any] struct {
	rows  map[K]V
	own   map[K]*V // nil outside an Update; a nil row was deleted
	clone func(V) V
	// were are the rows that were written while the store is watched, as they were
	// before; nil where there was none. It is nil itself while nobody watches.
	were map[K]*V
}

func newTable[K comparable, V any](clone func(V) V) table[K, V] {
	return table[K, V]{rows: map[K]V{}, clone: clone}
}

func (t table[K, V]) begin() table[K, V] {
	t.own = map[K]*V{}
	return t
}

func (t table[K, V]) commit() {
	for key, row := range t.own {
		if _, noted := t.were[key]; t.were != nil && !noted {
			t.were[key] = nil
			if was, found := t.rows[key]; found {
				t.were[key] = &was
			}
		}
		if row == nil {
			delete(t.rows, key)
		} else {
			t.rows[key] = *row
		}
	}
}

func (t table[K, V]) put(key K, row V) {
	row = t.clone(row)
	t.own[key] = &row
}

func (t table[K, V]) delete(key K) { t.own[key] = nil }

// find returns a row, the transaction's own first.
func (t table[K, V]) find(key K) (V, bool) {
	if row, found := t.own[key]; found {
		if row == nil {
			var none V
			return none, false
		}
		return t.clone(*row), true
	}
	row, found := t.rows[key]
	if !found {
		return row, false
	}
	return t.clone(row), true
}

// get is find with the error that a lookup returns.
func (t table[K, V]) get(key K) (V, error) {
	row, found := t.find(key)
	if !found {
		return row, enroll.ErrNotFound
	}
	return row, nil
}

// all returns the keys with the transaction's own writes.
func (t table[K, V]) all() []K {
	merged := map[K]bool{}
	for key := range t.rows {
		merged[key] = true
	}
	for key, row := range t.own {
		merged[key] = row != nil
	}
	maps.DeleteFunc(merged, func(_ K, there bool) bool { return !there })
	return slices.Collect(maps.Keys(merged))
}

// The clones below share nothing with their originals. They keep times as every
// store does, to the microsecond and in UTC, and nothing instead of what is
// empty.

func same[V any](v V) V { return v }

func micros(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

func cloneSlice[E any](s []E) []E {
	if len(s) == 0 {
		return nil
	}
	return slices.Clone(s)
}

func clonePointer[V any](p *V) *V {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func cloneBytes(b []byte) []byte { return append([]byte{}, b...) }

func cloneCounts(counts map[enroll.Code]int) map[enroll.Code]int { return maps.Clone(counts) }

func cloneInstallation(i enroll.Installation) enroll.Installation {
	i.PseudonymKey, i.BreakGlass, i.BreakGlassSet = cloneSlice(i.PseudonymKey), cloneSlice(i.BreakGlass), micros(i.BreakGlassSet)
	return i
}

func clonePerson(p enroll.Person) enroll.Person {
	p.FirstSeen = micros(p.FirstSeen)
	return p
}

func cloneIssuer(i enroll.IssuerRecord) enroll.IssuerRecord {
	i.DER, i.ActivatedAt = cloneSlice(i.DER), micros(i.ActivatedAt)
	return i
}

func cloneOrder(o enroll.Order) enroll.Order {
	o.Opens, o.Closes, o.ClosedAt, o.CreatedAt = micros(o.Opens), micros(o.Closes), micros(o.ClosedAt), micros(o.CreatedAt)
	o.Stations = cloneSlice(o.Stations)
	o.Enrolled, o.Refused = 0, nil
	return o
}

// cloneCountedOrder is cloneOrder for an order as it is read, with its counts.
func cloneCountedOrder(o enroll.Order) enroll.Order {
	clone := cloneOrder(o)
	clone.Enrolled, clone.Refused = o.Enrolled, cloneCounts(o.Refused)
	return clone
}

func cloneDevice(d enroll.Device) enroll.Device {
	d.CreatedAt, d.ChangedAt = micros(d.CreatedAt), micros(d.ChangedAt)
	d.CloneSuspectedAt, d.ForkedAt = micros(d.CloneSuspectedAt), micros(d.ForkedAt)
	d.Newest, d.Live, d.Enrolment = clonePointer(d.Newest), cloneSlice(d.Live), clonePointer(d.Enrolment)
	if d.Ticket = clonePointer(d.Ticket); d.Ticket != nil {
		d.Ticket.DrawnAt, d.Ticket.UsedBy = micros(d.Ticket.DrawnAt), clonePointer(d.Ticket.UsedBy)
	}
	if d.Reenrol = clonePointer(d.Reenrol); d.Reenrol != nil {
		d.Reenrol.Until, d.Reenrol.AllowedAt = micros(d.Reenrol.Until), micros(d.Reenrol.AllowedAt)
	}
	return d
}

func cloneCertificate(c enroll.Certificate) enroll.Certificate {
	c.DER, c.NotBefore, c.RevokedAt = cloneSlice(c.DER), micros(c.NotBefore), micros(c.RevokedAt)
	return c
}

func cloneShard(s enroll.Shard) enroll.Shard {
	s.ThisUpdate, s.NextUpdate = micros(s.ThisUpdate), micros(s.NextUpdate)
	return s
}

func cloneSegment(s enroll.Segment) enroll.Segment {
	s.First, s.Last = cloneSlice(s.First), cloneSlice(s.Last)
	return s
}
