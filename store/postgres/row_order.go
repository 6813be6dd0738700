package postgres

import (
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const (
	fleetColumns      = `id, parent, name`
	sqlFindFleets     = `SELECT ` + fleetColumns + ` FROM fleets WHERE id = ANY ($1)`
	sqlFindFleetNames = `
SELECT ` + fleetColumns + ` FROM unnest($1::text[], $2::text[]) AS wanted (parent, name) JOIN fleets USING (parent, name)`
	sqlPutFleet = `
INSERT INTO fleets (id, parent, name) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET (parent, name) = (excluded.parent, excluded.name)`
	sqlDeleteFleet = `DELETE FROM fleets WHERE id = $1`

	orderColumns  = `id, fleet, model, quantity, profile, opens, closes, manifest, stations, closed_at, created_at, version, owner, owner_group`
	sqlFindOrders = `SELECT ` + orderColumns + ` FROM orders WHERE id = ANY ($1)`
	sqlPutOrder   = `
INSERT INTO orders (` + orderColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO UPDATE SET (fleet, model, quantity, profile, opens, closes, manifest, stations, closed_at, created_at, version,
	owner, owner_group)
	= (excluded.fleet, excluded.model, excluded.quantity, excluded.profile, excluded.opens, excluded.closes, excluded.manifest,
	   excluded.stations, excluded.closed_at, excluded.created_at, excluded.version,
	   excluded.owner, excluded.owner_group)`

	sqlFindRefusals = `SELECT order_id, code, n, rev FROM order_refusals WHERE order_id = ANY ($1)`
	sqlAddRefusals  = `
INSERT INTO order_refusals (order_id, code, slot, n, rev)
SELECT order_id, code, $3, n, $5 FROM unnest($1::text[], $2::text[], $4::bigint[]) AS added (order_id, code, n)
ON CONFLICT (order_id, code, slot) DO UPDATE SET n = order_refusals.n + excluded.n, rev = excluded.rev`
)

func readFleet(c *columns) (string, identity.Fleet) {
	f := identity.Fleet{ID: identity.FleetID(c.text()), Parent: identity.FleetID(c.text()), Name: c.text()}
	return string(f.ID), f
}

func readFleetName(c *columns) (string, identity.Fleet) {
	_, f := readFleet(c)
	return joined(string(f.Parent), f.Name), f
}

func writeFleet(b *pgx.Batch, id string, value any) {
	f, ok := value.(identity.Fleet)
	if !ok {
		b.Queue(sqlDeleteFleet, id)
		return
	}
	b.Queue(sqlPutFleet, string(f.ID), string(f.Parent), f.Name)
}

func readOrder(c *columns) (string, enroll.Order) {
	o := enroll.Order{
		ID: enroll.OrderID(c.text()), Fleet: identity.FleetID(c.text()), Model: identity.Model(c.text()), Quantity: int(c.integer()),
		Profile: c.text(), Opens: c.time(), Closes: c.time(), Manifest: c.bool(), Stations: c.texts(), ClosedAt: c.time(),
		CreatedAt: c.time(), Version: uint64(c.integer()), Owner: c.text(), OwnerGroup: c.text(),
	}
	return string(o.ID), o
}

func writeOrder(b *pgx.Batch, o enroll.Order) {
	b.Queue(sqlPutOrder, string(o.ID), string(o.Fleet), string(o.Model), o.Quantity, o.Profile, timestamp(o.Opens), timestamp(o.Closes),
		o.Manifest, o.Stations, timestamp(o.ClosedAt), timestamp(o.CreatedAt), int64(o.Version), o.Owner, o.OwnerGroup)
}

// readRefusals adds one of an order's counts to those read before it.
func readRefusals(c *columns, counts map[enroll.Code]int) {
	counts[enroll.Code(c.text())] += int(c.integer())
}

// writeRefusals adds to the counts of this node's slot.
func writeRefusals(b *pgx.Batch, slot int16, rev int64, added map[string]map[enroll.Code]int) {
	var ids, codes []string
	var numbers []int64
	for _, id := range slices.Sorted(maps.Keys(added)) {
		for _, code := range slices.Sorted(maps.Keys(added[id])) {
			ids, codes, numbers = append(ids, id), append(codes, string(code)), append(numbers, int64(added[id][code]))
		}
	}
	if ids != nil {
		b.Queue(sqlAddRefusals, ids, codes, slot, numbers, rev)
	}
}

// cloneOrder shares nothing with its original that can be changed, and keeps what
// is kept of an order's own row.
func cloneOrder(o enroll.Order) enroll.Order {
	o.Opens, o.Closes, o.ClosedAt, o.CreatedAt = micros(o.Opens), micros(o.Closes), micros(o.ClosedAt), micros(o.CreatedAt)
	o.Stations = clone(o.Stations)
	o.Enrolled, o.Refused = 0, nil
	return o
}
