package postgres

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// What leaves for the archive is deleted without being looked at before: nobody
// else waits for it, and a transaction may delete thousands.
const (
	// The bounds say once more what months are opened.
	sqlDeleteCertificates = `
WITH gone AS (DELETE FROM certificates WHERE serial = ANY ($1) AND serial >= $2 AND serial <= $3 RETURNING serial, device, number),
lapsed AS (UPDATE devices AS d SET lapsed = gone.serial FROM gone WHERE d.id = gone.device AND substring(d.newest FROM 1 FOR 20) = gone.serial)
DELETE FROM device_entries AS e USING gone WHERE e.device = gone.device AND e.kind = 2 AND e.number = gone.number AND e.serial = gone.serial`
	sqlDeleteKeys = `DELETE FROM keys WHERE hash = ANY ($1)`

	sqlBeforeRecord = `SELECT index, data FROM records WHERE index < $1 ORDER BY index`
	sqlKeepHashes   = `
INSERT INTO kept_hashes (index, hashes) SELECT index, hashes FROM records WHERE index < $1 AND index % 256 = 255
ON CONFLICT (index) DO NOTHING`
	sqlDropStories = `
DELETE FROM device_entries AS e USING unnest($1::text[], $2::bigint[]) AS gone (device, number)
WHERE e.device = gone.device AND e.kind = 1 AND e.number = gone.number`
	sqlDropRecords = `DELETE FROM records WHERE index < $1`
)

// tileSize is how many records the smallest subtree has whose hash is kept.
const tileSize = 256

// DeleteCertificate implements enroll.Tx.
func (r *run) DeleteCertificate(serial ca.Serial) error { return r.put(serialKey(serial), nil) }

// DeleteKey implements enroll.Tx.
func (r *run) DeleteKey(hash ca.KeyHash) error { return r.put(key{keys, string(hash[:])}, nil) }

// dropRecords says that the records below it are dropped.
type dropRecords uint64

// DropRecords implements enroll.Tx.
func (r *run) DropRecords(before uint64) error {
	size := r.a.s.elsewhere.least()
	if before > size {
		var err error
		if size, err = r.TreeSize(); err != nil {
			return err
		}
	}
	if before%tileSize != 0 || before > size {
		return fmt.Errorf("records below %d of %d cannot be dropped: a multiple of %d within the log", before, size, tileSize)
	}
	id := key{dropped, ""}
	value, _ := r.row(id)
	was, _ := value.(dropRecords)
	return r.put(id, max(was, dropRecords(before)))
}

// drop puts the end of records into the batch's last round trip. Their places in
// the stories of devices are found by what they say.
func (a *attempt) drop(b *pgx.Batch, before dropRecords) error {
	var stories []string
	var numbers []int64
	err := a.queryNow(query{sqlBeforeRecord, []any{int64(before)}, func(c *columns) error {
		index := c.integer()
		device, err := deviceOf(c.next())
		if err != nil {
			return fmt.Errorf("record %d: %w; restore the database from a backup", index, err)
		}
		if device != "" {
			stories, numbers = append(stories, string(device)), append(numbers, index)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	b.Queue(sqlKeepHashes, int64(before))
	if stories != nil {
		b.Queue(sqlDropStories, flat(stories), flat(numbers))
	}
	b.Queue(sqlDropRecords, int64(before))
	return nil
}

// deviceOf returns the device that a record is about; empty for none.
func deviceOf(record []byte) (identity.DeviceID, error) {
	var head struct {
		Device identity.DeviceID `json:"device"`
	}
	err := json.Unmarshal(record, &head)
	return head.Device, err
}

// gone gathers what is deleted.
type gone struct{ certificates, keys []string }

func (g *gone) add(k key) {
	if k.kind == certificates {
		g.certificates = append(g.certificates, k.id)
	} else {
		g.keys = append(g.keys, k.id)
	}
}

func (g *gone) queue(b *pgx.Batch) {
	if g.certificates != nil {
		all := octets(g.certificates)
		slices.SortFunc(all, bytes.Compare)
		b.Queue(sqlDeleteCertificates, flat(all), all[0], all[len(all)-1])
	}
	if g.keys != nil {
		b.Queue(sqlDeleteKeys, flat(octets(g.keys)))
	}
}
