package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

// query is one question to the database, and what is done with each row of the
// answer.
type query struct {
	sql  string
	args []any
	each func(*columns) error
}

// queue puts the query into a round trip.
func (q query) queue(b *pgx.Batch) {
	b.Queue(q.sql, q.args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := q.each(&columns{raw: rows.RawValues()}); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// send makes a round trip. It is bounded by the connection, not by a context: see
// silence.
func send(conn *pgx.Conn, b *pgx.Batch) error {
	return conn.SendBatch(context.Background(), b).Close()
}

// lookup gathers keys and finds all of them in one round trip.
type lookup struct {
	ids   [kindCount][]string
	found map[key]found
}

func newLookup(wanted []key) *lookup {
	l := &lookup{found: make(map[key]found, len(wanted))}
	for _, k := range wanted {
		if _, twice := l.found[k]; twice {
			continue
		}
		l.found[k] = found{}
		l.ids[k.kind] = append(l.ids[k.kind], k.id)
	}
	return l
}

// keep is what a query does with a row: it is found under an id.
func keep[T any](l *lookup, kind kind, read func(*columns) (string, T)) func(*columns) error {
	return func(c *columns) error {
		id, value := read(c)
		l.found[key{kind, id}] = found{value: value}
		return nil
	}
}

// keepRev is keep for a row that says what batch wrote it.
func keepRev[T any](l *lookup, kind kind, read func(*columns) (string, T, int64)) func(*columns) error {
	return func(c *columns) error {
		id, value, rev := read(c)
		l.found[key{kind, id}] = found{value: value, rev: rev}
		return nil
	}
}

// queue puts the lookup's queries into a round trip. hold makes the rows of
// devices, keys and certificates stay as they are until the transaction's end.
// Rows are asked for in the order of their keys, so that batches which hold the
// same wait for each other in turn.
func (l *lookup) queue(b *pgx.Batch, hold bool) {
	for kind, ids := range l.ids {
		if ids == nil {
			continue
		}
		slices.Sort(ids)
		l.query(kindOf(kind), ids, hold).queue(b)
	}
}

func kindOf(i int) kind { return kind(i) }

func (l *lookup) query(kind kind, ids []string, hold bool) query {
	switch kind {
	case installation:
		return query{sqlFindInstallation, nil, keep(l, kind, readInstallation)}
	case people:
		return query{sqlFindPeople, []any{ids}, keep(l, kind, readPerson)}
	case fleets:
		return query{sqlFindFleets, []any{ids}, keep(l, kind, readFleet)}
	case fleetNames:
		return query{sqlFindFleetNames, pairs(ids), keep(l, kind, readFleetName)}
	case orders:
		return query{sqlFindOrders, []any{ids}, keep(l, kind, readOrder)}
	case shards:
		return query{sqlFindShards, pairs(ids), keep(l, kind, readShard)}
	case documents:
		return query{sqlFindDocuments, pairs(ids), keep(l, kind, readDocument)}
	case crls:
		return query{sqlFindCRLs, pairs(ids), keep(l, kind, readCRL)}
	case crlEntries:
		return query{sqlFindEntries, pairs(ids), l.keepEntry}
	case quotas:
		return query{sqlFindQuotas, []any{ids}, l.keepShare}
	case refusals:
		return query{sqlFindRefusals, []any{ids}, l.keepRefusals}
	case devices:
		return query{either(hold, sqlHoldDevices, sqlFindDevices), []any{ids}, keepRev(l, kind, readDevice)}
	case keys:
		return query{either(hold, sqlHoldKeys, sqlFindKeys), []any{octets(ids)}, keepRev(l, kind, readKey)}
	case certificates:
		all := octets(ids)
		return query{either(hold, sqlHoldCertificates, sqlFindCertificates), []any{all, all[0], all[len(all)-1]}, keepRev(l, kind, readCertificate)}
	case leases:
		return query{sqlHoldLeases, []any{ids}, keepRev(l, kind, readLease)}
	default:
		panic("nothing of this kind is looked up")
	}
}

func (l *lookup) keepEntry(c *columns) error {
	id, e := readEntry(c)
	k := key{crlEntries, id}
	list, _ := l.found[k].value.([]entry)
	l.found[k] = found{value: append(list, e)}
	return nil
}

func (l *lookup) keepShare(c *columns) error {
	k := key{quotas, c.text()}
	q, _ := l.found[k].value.(quota)
	q = readShare(c, q)
	l.found[k] = found{value: q, rev: q.rev()}
	return nil
}

func (l *lookup) keepRefusals(c *columns) error {
	k := key{refusals, c.text()}
	f := l.found[k]
	counts, _ := f.value.(map[enroll.Code]int)
	if counts == nil {
		counts = map[enroll.Code]int{}
	}
	readRefusals(c, counts)
	l.found[k] = found{value: counts, rev: f.rev + c.integer()}
	return nil
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// pairs takes ids of two parts apart, for the two columns that hold them.
func pairs(ids []string) []any {
	first, second := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		first[i], second[i] = split(id)
	}
	return []any{first, second}
}

func octets(ids []string) [][]byte {
	list := make([][]byte, len(ids))
	for i, id := range ids {
		list[i] = []byte(id)
	}
	return list
}
