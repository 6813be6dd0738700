package postgres

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

// An order's quota is shared out between the nodes: each has a row of its own
// with how many devices it may enrol (granted) and has enrolled (taken), and
// changes it in the transaction that enrols. All grants together never exceed the
// quantity, so that nobody needs to look at the rows of others, until its own
// grant is used up. Then it holds all of the order's rows and takes from what was
// not granted, or else from what another was granted and has not used: a grant is
// no promise, and one of a node that is gone is lost to nobody.
const (
	sqlFindQuotas = `SELECT order_id, slot, taken, granted, rev FROM order_counts WHERE order_id = ANY ($1) ORDER BY order_id, slot`
	// sqlHoldQuota holds the rows of one slot, sqlHoldQuotas all; slot 0, which
	// every order has, so that whoever shares out is alone.
	sqlHoldQuota  = `SELECT FROM order_counts WHERE order_id = ANY ($1) AND slot = $2 FOR UPDATE`
	sqlHoldQuotas = `SELECT FROM order_counts WHERE order_id = ANY ($1) ORDER BY order_id, slot FOR UPDATE`
	sqlPutQuotas  = `
INSERT INTO order_counts (order_id, slot, taken, granted, rev)
SELECT order_id, slot, taken, granted, $5 FROM unnest($1::text[], $2::smallint[], $3::integer[], $4::integer[]) AS put (order_id, slot, taken, granted)
ON CONFLICT (order_id, slot) DO UPDATE SET (taken, granted, rev) = (excluded.taken, excluded.granted, excluded.rev)`
)

// maxGrant bounds what a node is granted at a time.
const maxGrant = 1024

// share is a node's part of an order's quota.
type share struct {
	slot           int16
	taken, granted int
	rev            int64
}

// quota is all shares of an order, by slot. It is never changed.
type quota []share

// taken returns how many devices are enrolled.
func (q quota) taken() (sum int) {
	for _, s := range q {
		sum += s.taken
	}
	return sum
}

func (q quota) granted() (sum int) {
	for _, s := range q {
		sum += s.granted
	}
	return sum
}

// rev is another number after every change.
func (q quota) rev() (sum int64) {
	for _, s := range q {
		sum += s.rev
	}
	return sum
}

// find returns the place of a slot's share, which may have to be made.
func (q quota) find(slot int16) (at int, found bool) {
	return slices.BinarySearchFunc(q, slot, func(s share, slot int16) int { return int(s.slot) - int(slot) })
}

// take returns the quota with one more device enrolled by the slot, out of what
// it was granted; false where that is used up.
func (q quota) take(slot int16) (quota, bool) {
	at, found := q.find(slot)
	if !found || q[at].taken >= q[at].granted {
		return nil, false
	}
	q = slices.Clone(q)
	q[at].taken++
	return q, true
}

// shareOut returns the quota with a grant for the slot, or enroll.ErrQuota. The
// caller holds all of the order's rows.
func (q quota) shareOut(slot int16, quantity int) (quota, error) {
	left := quantity - q.taken()
	if left <= 0 {
		return nil, enroll.ErrQuota
	}
	q = slices.Clone(q)
	at, found := q.find(slot)
	if !found {
		q = slices.Insert(q, at, share{slot: slot})
	}
	if free := quantity - q.granted(); free > 0 {
		q[at].granted += min(max(free/2, 1), maxGrant)
		return q, nil
	}
	most := at
	for i, s := range q {
		if s.granted-s.taken > q[most].granted-q[most].taken {
			most = i
		}
	}
	half := (q[most].granted - q[most].taken + 1) / 2
	q[most].granted -= half
	q[at].granted += half
	return q, nil
}

// withdrawn returns the quota without grants that are not used, for an order
// whose quantity changes. It makes slot 0.
func (q quota) withdrawn() quota {
	q = slices.Clone(q)
	for i := range q {
		q[i].granted = q[i].taken
	}
	if at, found := q.find(0); !found {
		q = slices.Insert(q, at, share{})
	}
	return q
}

// readShare adds one of an order's shares to those read before it.
func readShare(c *columns, q quota) quota {
	return append(q, share{slot: int16(c.integer()), taken: int(c.integer()), granted: int(c.integer()), rev: c.integer()})
}

// quotaWriter gathers the shares that changed.
type quotaWriter struct {
	id             []string
	slot           []int16
	taken, granted []int32
}

// add takes what is different, and returns the quota as it will be found.
func (w *quotaWriter) add(id string, was, is quota, rev int64) quota {
	is = slices.Clone(is)
	for i, s := range is {
		at, found := was.find(s.slot)
		if found && was[at] == s {
			continue
		}
		is[i].rev = rev
		w.id, w.slot = append(w.id, id), append(w.slot, s.slot)
		w.taken, w.granted = append(w.taken, int32(s.taken)), append(w.granted, int32(s.granted))
	}
	return is
}

func (w *quotaWriter) queue(b *pgx.Batch, rev int64) {
	if w.id != nil {
		b.Queue(sqlPutQuotas, w.id, w.slot, w.taken, w.granted, rev)
	}
}
