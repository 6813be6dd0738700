package postgres

import (
	"math"
	"slices"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Queries that filter look at maxLooked rows for one part of a list, and no more;
// toLastLooked leads to the last of them.
const (
	maxLooked    = `10000`
	toLastLooked = ` OFFSET ` + maxLooked + ` - 1 LIMIT 1`
)

// walk is a way through the rows of a list, in the order of an index.
type walk[T any] struct {
	kind listKind
	// sql selects the rows that match, from a position on; its last argument, which
	// is not among args, is how many.
	sql  string
	args []any
	// beyond selects the position of the last row that is looked at for one part,
	// where sql filters; its arguments are args from beyondFrom on.
	beyond     string
	beyondFrom int
	read       func(*columns) (item T, position []byte)
	readBeyond func(*columns) (position []byte)
}

// pageLimit is how many items a part may have.
func pageLimit(page enroll.Page) int {
	if page.Limit < 1 {
		return enroll.DefaultPage
	}
	return min(page.Limit, enroll.MaxPage)
}

// list makes one part of a list.
func list[T any](r reader, page enroll.Page, w walk[T]) (enroll.List[T], error) {
	limit := pageLimit(page)
	var part enroll.List[T]
	var last []byte
	err := r.ask(query{w.sql, append(slices.Clip(w.args), limit+1), func(c *columns) error {
		if len(part.Items) == limit { // there is more
			part.Next = newCursor(w.kind, last)
			return nil
		}
		item, at := w.read(c)
		part.Items, last = append(part.Items, item), at
		return nil
	}})
	if err != nil || part.Next != "" || w.beyond == "" {
		return part, err
	}
	err = r.ask(query{w.beyond, w.args[w.beyondFrom:], func(c *columns) error {
		part.Next = newCursor(w.kind, w.readBeyond(c))
		return nil
	}})
	return part, err
}

const (
	sqlListChildren = `SELECT ` + fleetColumns + ` FROM fleets WHERE parent = $1 AND name > $2 ORDER BY name LIMIT $3`
	sqlListNamed    = `SELECT ` + fleetColumns + ` FROM fleets WHERE parent = $1 AND name > $2 AND name = $3 LIMIT $4`
	sqlListShards   = `SELECT ` + shardColumns + ` FROM shards WHERE (issuer, shard) > ($1, $2) ORDER BY issuer, shard LIMIT $3`

	sqlTreeSize    = `SELECT size FROM log`
	sqlListRecords = `SELECT index, data FROM records WHERE index > $1 ORDER BY index LIMIT $2`
	sqlListStory   = `
SELECT index, data FROM (
	SELECT number FROM device_entries WHERE device = $1 AND kind = 1 AND number > $2 ORDER BY number LIMIT $3
) AS e JOIN records ON records.index = e.number ORDER BY e.number`

	lineageWalk = `FROM device_entries WHERE device = $3 AND kind = 2 AND number < $4 ORDER BY number DESC`
	sqlLineage  = `
SELECT ` + certificateColumns + `
FROM (SELECT serial AS entry, number AS place ` + lineageWalk + ` LIMIT ` + maxLooked + `) AS e
JOIN certificates ON certificates.serial = e.entry AND certificates.device = $3 AND certificates.number = e.place
WHERE ($1::bytea IS NULL OR serial >= $1) AND ($2::bytea IS NULL OR serial < $2)
ORDER BY e.place DESC LIMIT $5`
	sqlBeyondLineage = `SELECT number FROM device_entries WHERE device = $1 AND kind = 2 AND number < $2 ORDER BY number DESC` + toLastLooked

	sqlListCertificates = `
SELECT ` + certificateColumns + ` FROM certificates
WHERE serial >= $1 AND serial > $2 AND ($3::bytea IS NULL OR serial < $3) ORDER BY serial LIMIT $4`
)

// Issuers implements enroll.Reader.
func (r reader) Issuers() (all []enroll.IssuerRecord, err error) {
	err = r.ask(query{sqlListIssuers, nil, func(c *columns) error {
		all = append(all, readIssuer(c))
		return nil
	}})
	return all, err
}

// Children implements enroll.Reader.
func (r reader) Children(parent identity.FleetID, name string, page enroll.Page) (enroll.List[identity.Fleet], error) {
	at, err := textPosition(childrenByName, page.After)
	if err != nil || parent == "" || !storable(string(parent)) || !storable(name) {
		return enroll.List[identity.Fleet]{}, err
	}
	w := walk[identity.Fleet]{kind: childrenByName, sql: sqlListChildren, args: []any{string(parent), at}}
	if name != "" {
		w.sql, w.args = sqlListNamed, append(w.args, name)
	}
	w.read = func(c *columns) (identity.Fleet, []byte) {
		_, f := readFleet(c)
		return f, []byte(f.Name)
	}
	return list(r, page, w)
}

// Shards implements enroll.Reader.
func (r reader) Shards(page enroll.Page) (enroll.List[enroll.Shard], error) {
	at, err := position(shardsByKey, page.After)
	if err != nil {
		return enroll.List[enroll.Shard]{}, err
	}
	issuer, shard := split(string(at))
	if !storable(issuer) || !storable(shard) {
		return enroll.List[enroll.Shard]{}, malformedCursor()
	}
	return list(r, page, walk[enroll.Shard]{
		kind: shardsByKey, sql: sqlListShards, args: []any{issuer, shard},
		read: func(c *columns) (enroll.Shard, []byte) {
			id, s := readShard(c)
			return s, []byte(id)
		},
	})
}

// Certificates implements enroll.Reader.
func (r reader) Certificates(f enroll.CertificateFilter) (enroll.List[enroll.Certificate], error) {
	from, to := notBefore(f.ExpiringAfter), notBefore(f.ExpiringBefore)
	if f.ExpiringBefore.IsZero() {
		to = nil
	}
	if f.Device == "" {
		return r.certificatesByExpiry(f.Page, from, to)
	}
	at, err := numberPosition(certificatesByDevice, f.After)
	if err != nil || !storable(string(f.Device)) {
		return enroll.List[enroll.Certificate]{}, err
	}
	before := at
	if f.After == "" {
		before = maxNumber
	}
	return list(r, f.Page, walk[enroll.Certificate]{
		kind: certificatesByDevice, sql: sqlLineage, args: []any{from, to, string(f.Device), before},
		beyond: sqlBeyondLineage, beyondFrom: 2,
		read: func(c *columns) (enroll.Certificate, []byte) {
			_, certificate, _ := readCertificate(c)
			return certificate, numbered(certificate.Number)
		},
		readBeyond: func(c *columns) []byte { return numbered(uint64(c.integer())) },
	})
}

func (r reader) certificatesByExpiry(page enroll.Page, from, to []byte) (enroll.List[enroll.Certificate], error) {
	at, err := position(certificatesByExpiry, page.After)
	if err != nil {
		return enroll.List[enroll.Certificate]{}, err
	}
	if from == nil {
		from = []byte{}
	}
	return list(r, page, walk[enroll.Certificate]{
		kind: certificatesByExpiry, sql: sqlListCertificates, args: []any{from, append([]byte{}, at...), to},
		read: func(c *columns) (enroll.Certificate, []byte) {
			id, certificate, _ := readCertificate(c)
			return certificate, []byte(id)
		},
	})
}

// Records implements enroll.Reader.
func (r reader) Records(f enroll.RecordFilter) (enroll.List[enroll.Record], error) {
	w := walk[enroll.Record]{kind: recordsByIndex, sql: sqlListRecords}
	if f.Device != "" {
		w.kind, w.sql, w.args = recordsByDevice, sqlListStory, []any{string(f.Device)}
	}
	at, err := numberPosition(w.kind, f.After)
	if err != nil || !storable(string(f.Device)) {
		return enroll.List[enroll.Record]{}, err
	}
	if f.After == "" {
		at = -1
	}
	if f.From > 0 { // as far as a log can reach
		at = max(at, int64(min(f.From, math.MaxInt64)-1))
	}
	w.args = append(w.args, at)
	w.read = func(c *columns) (enroll.Record, []byte) {
		record := enroll.Record{Index: uint64(c.integer()), Data: c.octets()}
		return record, numbered(record.Index)
	}
	return list(r, f.Page, w)
}

// TreeSize implements enroll.Reader.
func (r reader) TreeSize() (size uint64, err error) {
	err = r.ask(query{sqlTreeSize, nil, func(c *columns) error {
		size = uint64(c.integer())
		return nil
	}})
	return size, err
}

// notBefore returns the lowest serial number of a certificate that does not end
// before t; nil for the first of all, where t is the zero time.
func notBefore(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	if whole := t.Truncate(time.Millisecond); whole.Before(t) {
		t = whole.Add(time.Millisecond)
	}
	serial := ca.FirstSerialAt(t)
	return serial[:]
}
