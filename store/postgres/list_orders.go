package postgres

import (
	"maps"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const (
	countedOrder = `
SELECT ` + orderColumns + `,
	(SELECT sum(taken) FROM order_counts AS c WHERE c.order_id = o.id)::bigint,
	ARRAY (SELECT code FROM order_refusals AS r WHERE r.order_id = o.id ORDER BY code, slot),
	ARRAY (SELECT n FROM order_refusals AS r WHERE r.order_id = o.id ORDER BY code, slot)`
	orderMatches = ` AS o WHERE $1::text = '' OR model = $1 LIMIT `

	sqlListOrders = countedOrder + `
FROM (SELECT * FROM orders WHERE id > $2 ORDER BY id LIMIT ` + maxLooked + `)` + orderMatches + `$3`
	sqlBeyondOrders = `SELECT id FROM orders WHERE id > $1 ORDER BY id` + toLastLooked

	// Fleets come in the order of the arrays, for a nested loop keeps it; after is
	// where to go on in each.
	fleetsOfOrders     = ` AS f (id, after) CROSS JOIN LATERAL (SELECT * FROM orders AS w WHERE w.fleet = f.id AND w.id > f.after ORDER BY w.id LIMIT ` + maxLooked + `) AS w`
	sqlListFleetOrders = countedOrder + `
FROM (SELECT w.* FROM unnest($2::text[], $3::text[])` + fleetsOfOrders + ` LIMIT ` + maxLooked + `)` + orderMatches + `$4`
	sqlBeyondFleetOrders = `
SELECT w.fleet, w.id FROM unnest($1::text[], $2::text[])` + fleetsOfOrders + toLastLooked
)

// Orders implements enroll.Reader.
func (r reader) Orders(f enroll.OrderFilter) (enroll.List[enroll.Order], error) {
	if f.Fleets != nil {
		return r.ordersByFleet(f)
	}
	at, err := textPosition(ordersByID, f.After)
	if err != nil || !storable(string(f.Model)) {
		return enroll.List[enroll.Order]{}, err
	}
	return list(r, f.Page, walk[enroll.Order]{
		kind: ordersByID, sql: sqlListOrders, args: []any{string(f.Model), at},
		beyond: sqlBeyondOrders, beyondFrom: 1,
		read: func(c *columns) (enroll.Order, []byte) {
			o := readCountedOrder(c)
			return o, []byte(o.ID)
		},
		readBeyond: func(c *columns) []byte { return []byte(c.text()) },
	})
}

func (r reader) ordersByFleet(f enroll.OrderFilter) (enroll.List[enroll.Order], error) {
	at, err := position(ordersByFleet, f.After)
	if err != nil {
		return enroll.List[enroll.Order]{}, err
	}
	fleet, id := split(string(at))
	if !storable(fleet) || !storable(id) {
		return enroll.List[enroll.Order]{}, malformedCursor()
	}
	fleets := fleetsFrom(f.Fleets, fleet)
	if len(fleets) == 0 || !storable(string(f.Model)) {
		return enroll.List[enroll.Order]{}, nil
	}
	after := make([]string, len(fleets))
	if fleets[0] == fleet {
		after[0] = id
	}
	return list(r, f.Page, walk[enroll.Order]{
		kind: ordersByFleet, sql: sqlListFleetOrders, args: []any{string(f.Model), fleets, after},
		beyond: sqlBeyondFleetOrders, beyondFrom: 1,
		read: func(c *columns) (enroll.Order, []byte) {
			o := readCountedOrder(c)
			return o, []byte(joined(string(o.Fleet), string(o.ID)))
		},
		readBeyond: func(c *columns) []byte { return []byte(joined(c.text(), c.text())) },
	})
}

func readCountedOrder(c *columns) enroll.Order {
	_, o := readOrder(c)
	o.Enrolled = int(c.integer())
	codes, numbers := c.texts(), c.integers()
	for i, code := range codes {
		if o.Refused == nil {
			o.Refused = make(map[enroll.Code]int, len(codes))
		}
		o.Refused[enroll.Code(code)] += int(numbers[i])
	}
	return o
}

// fleetsFrom returns the ids that are not below first, sorted, each once.
func fleetsFrom(ids []identity.FleetID, first string) []string {
	chosen := map[string]bool{}
	for _, id := range ids {
		if id := string(id); id >= first && storable(id) {
			chosen[id] = true
		}
	}
	return slices.Sorted(maps.Keys(chosen))
}
