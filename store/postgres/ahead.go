package postgres

import (
	"github.com/jackc/pgx/v5"
)

// sqlDevicesFrom reads devices in the order of their ids.
const sqlDevicesFrom = `SELECT ` + deviceColumns + ` FROM devices WHERE id >= $1 ORDER BY id LIMIT $2`

// maxAhead bounds how many devices are read ahead.
const maxAhead = 1024

// ahead is the range of devices of which all are known, for a run that goes
// through many of them in turn, such as one that writes a manifest. The range
// doubles for as long as the run asks for what lies beyond it. Only a batch that
// is alone may rely on what is not in it.
type ahead struct {
	from, to string // all in [from, to) are in attempt.rows, or not there
	size     int
}

// lastID is above every device's id.
const lastID = "\x7f"

// fetchAhead looks up a device, and those after it.
func (a *attempt) fetchAhead(k key) error {
	r := &a.ahead
	if k.id >= r.from && k.id < r.to {
		a.rows[k] = row{sure: true}
		return nil
	}
	if r.size > 0 && k.id >= r.to {
		r.size = min(2*r.size, maxAhead)
	} else {
		r.size = 1
	}
	r.from, r.to = k.id, lastID
	n := 0
	err := a.queryNow(query{sqlDevicesFrom, []any{k.id, r.size}, func(c *columns) error {
		id, device, rev := readDevice(c)
		a.rows[key{devices, id}] = row{found: found{value: device, rev: rev}, sure: true}
		if n++; n == r.size {
			r.to = id + separator
		}
		return nil
	}})
	if _, found := a.rows[k]; !found {
		a.rows[k] = row{sure: true}
	}
	return err
}

// queryNow makes a query of its own.
func (a *attempt) queryNow(q query) error {
	b := &pgx.Batch{}
	q.queue(b)
	return send(a.conn.Conn(), b)
}
