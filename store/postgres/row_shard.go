package postgres

import (
	"bytes"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

const (
	shardColumns  = `issuer, shard, changes, published, number, this_update, next_update, issued`
	sqlFindShards = `
SELECT ` + shardColumns + ` FROM unnest($1::text[], $2::text[]) AS wanted (issuer, shard) JOIN shards USING (issuer, shard)`
	sqlPutShard = `
INSERT INTO shards (` + shardColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (issuer, shard) DO UPDATE SET (changes, published, number, this_update, next_update, issued)
	= (excluded.changes, excluded.published, excluded.number, excluded.this_update, excluded.next_update, excluded.issued)`
	sqlDeleteShard = `DELETE FROM shards WHERE issuer = $1 AND shard = $2`

	sqlFindCRLs = `
SELECT issuer, shard, der FROM unnest($1::text[], $2::text[]) AS wanted (issuer, shard) JOIN crls USING (issuer, shard)`
	sqlPutCRL = `
INSERT INTO crls (issuer, shard, der) VALUES ($1, $2, $3)
ON CONFLICT (issuer, shard) DO UPDATE SET der = excluded.der`
	sqlDeleteCRL = `DELETE FROM crls WHERE issuer = $1 AND shard = $2`

	sqlFindEntries = `
SELECT issuer, shard, serial, der
FROM unnest($1::text[], $2::text[]) AS wanted (issuer, shard) JOIN crl_entries USING (issuer, shard)
ORDER BY issuer, shard, serial`
	sqlPutEntries = `
INSERT INTO crl_entries (issuer, shard, serial, der) SELECT $1, $2, serial, der FROM unnest($3::bytea[], $4::bytea[]) AS put (serial, der)
ON CONFLICT (issuer, shard, serial) DO UPDATE SET der = excluded.der`
	sqlDeleteEntries       = `DELETE FROM crl_entries WHERE issuer = $1 AND shard = $2 AND serial = ANY ($3)`
	sqlDeleteEntriesBefore = `DELETE FROM crl_entries WHERE issuer = $1 AND shard = $2 AND serial < $3`
	sqlDeleteAllEntries    = `DELETE FROM crl_entries WHERE issuer = $1 AND shard = $2`
)

func readShard(c *columns) (string, enroll.Shard) {
	s := enroll.Shard{
		ShardKey: enroll.ShardKey{Issuer: c.text(), Shard: ca.ShardID(c.text())}, Changes: uint64(c.integer()),
		Published: uint64(c.integer()), Number: uint64(c.integer()), ThisUpdate: c.time(), NextUpdate: c.time(), Issued: uint64(c.integer()),
	}
	return shardKey(shards, s.ShardKey).id, s
}

func writeShard(b *pgx.Batch, id string, value any) {
	issuer, shard := split(id)
	s, ok := value.(enroll.Shard)
	if !ok {
		b.Queue(sqlDeleteShard, issuer, shard)
		return
	}
	b.Queue(sqlPutShard, issuer, shard, int64(s.Changes), int64(s.Published), int64(s.Number), timestamp(s.ThisUpdate),
		timestamp(s.NextUpdate), int64(s.Issued))
}

func readCRL(c *columns) (string, []byte) {
	return joined(c.text(), c.text()), bytes.Clone(c.next())
}

func writeCRL(b *pgx.Batch, id string, value any) {
	issuer, shard := split(id)
	der, ok := value.([]byte)
	if !ok {
		b.Queue(sqlDeleteCRL, issuer, shard)
		return
	}
	b.Queue(sqlPutCRL, issuer, shard, der)
}

// entry is one of a shard's CRL entries.
type entry struct {
	serial ca.Serial
	der    []byte
}

func readEntry(c *columns) (string, entry) {
	id := joined(c.text(), c.text())
	return id, entry{serial: toSerial(c.next()), der: bytes.Clone(c.next())}
}

// entryWrites is what becomes of a shard's entries: those below floor, or all of
// them, are deleted, and then those of puts are written. It is never changed.
type entryWrites struct {
	all   bool
	floor ca.Serial
	puts  map[ca.Serial][]byte // nil deletes the entry
}

// kept reports whether an entry that was found stays as it is.
func (w *entryWrites) kept(found entry) bool {
	_, put := w.puts[found.serial]
	return !w.all && !put && found.serial.Compare(w.floor) >= 0
}

func (w *entryWrites) write(b *pgx.Batch, id string) {
	issuer, shard := split(id)
	switch {
	case w.all:
		b.Queue(sqlDeleteAllEntries, issuer, shard)
	case !w.floor.IsZero():
		b.Queue(sqlDeleteEntriesBefore, issuer, shard, w.floor[:])
	}
	var gone, put, ders [][]byte
	for serial, der := range w.puts {
		if der == nil {
			gone = append(gone, serial[:])
		} else {
			put, ders = append(put, serial[:]), append(ders, der)
		}
	}
	if gone != nil && !w.all {
		b.Queue(sqlDeleteEntries, issuer, shard, gone)
	}
	if put != nil {
		b.Queue(sqlPutEntries, issuer, shard, put, ders)
	}
}
