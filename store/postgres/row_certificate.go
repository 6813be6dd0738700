package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const (
	certificateColumns = `serial, der, issuer, shard, profile, device, predecessor, number, key, not_before, status, reason, revoked_at, rev`
	// The bounds say the same once more, so that only their partitions are opened.
	sqlFindCertificates = `
SELECT ` + certificateColumns + ` FROM certificates WHERE serial = ANY ($1) AND serial >= $2 AND serial <= $3`
	sqlHoldCertificates = sqlFindCertificates + ` FOR UPDATE`

	certificateRows = `unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bigint[], $9::bytea[],
	$10::timestamptz[], $11::text[], $12::smallint[], $13::timestamptz[], $14::bigint[]) AS put (` + certificateColumns + `)`
	sqlInsertCertificates = `INSERT INTO certificates (` + certificateColumns + `) SELECT * FROM ` + certificateRows
	sqlUpdateCertificates = `
UPDATE certificates SET (der, issuer, shard, profile, device, predecessor, number, key, not_before, status, reason, revoked_at, rev)
	= (put.der, put.issuer, put.shard, put.profile, put.device, put.predecessor, put.number, put.key, put.not_before, put.status,
	   put.reason, put.revoked_at, put.rev)
FROM ` + certificateRows + ` WHERE certificates.serial = put.serial`

	sqlFindKeys   = `SELECT hash, device, compromised, rev FROM keys WHERE hash = ANY ($1)`
	sqlHoldKeys   = sqlFindKeys + ` FOR UPDATE`
	keyRows       = `unnest($1::bytea[], $2::text[], $3::boolean[], $4::bigint[]) AS put (hash, device, compromised, rev)`
	sqlInsertKeys = `INSERT INTO keys (hash, device, compromised, rev) SELECT * FROM ` + keyRows
	sqlUpdateKeys = `
UPDATE keys SET (device, compromised, rev) = (put.device, put.compromised, put.rev) FROM ` + keyRows + ` WHERE keys.hash = put.hash`
)

func readCertificate(c *columns) (string, enroll.Certificate, int64) {
	var cert enroll.Certificate
	c.into(cert.Serial[:])
	cert.DER = c.octets()
	cert.Issuer, cert.Shard, cert.Profile, cert.Device = c.text(), ca.ShardID(c.text()), c.text(), identity.DeviceID(c.text())
	c.into(cert.Predecessor[:])
	cert.Number = uint64(c.integer())
	c.into(cert.Key[:])
	cert.NotBefore = c.time()
	cert.Status, cert.Reason, cert.RevokedAt = enroll.Status(c.text()), ca.Reason(c.integer()), c.time()
	return string(cert.Serial[:]), cert, c.integer()
}

// certificateWriter gathers the columns of certificates.
type certificateWriter struct {
	serial, der, predecessor, key          [][]byte
	issuer, shard, profile, device, status []string
	number, rev                            []int64
	notBefore, revokedAt                   []pgtype.Timestamptz
	reason                                 []int16
}

// add takes a certificate, which lives until it is written.
func (w *certificateWriter) add(c *enroll.Certificate, rev int64) {
	w.serial, w.der, w.key = append(w.serial, c.Serial[:]), append(w.der, c.DER), append(w.key, c.Key[:])
	w.issuer, w.shard, w.profile = append(w.issuer, c.Issuer), append(w.shard, string(c.Shard)), append(w.profile, c.Profile)
	w.device, w.status, w.reason = append(w.device, string(c.Device)), append(w.status, string(c.Status)), append(w.reason, int16(c.Reason))
	w.number, w.rev = append(w.number, int64(c.Number)), append(w.rev, rev)
	w.notBefore, w.revokedAt = append(w.notBefore, timestamp(c.NotBefore)), append(w.revokedAt, timestamp(c.RevokedAt))
	var predecessor []byte
	if !c.Predecessor.IsZero() {
		predecessor = c.Predecessor[:]
	}
	w.predecessor = append(w.predecessor, predecessor)
}

func (w *certificateWriter) queue(b *pgx.Batch, sql string) {
	if w.serial == nil {
		return
	}
	b.Queue(sql, flat(w.serial), flat(w.der), flat(w.issuer), flat(w.shard), flat(w.profile), flat(w.device), flat(w.predecessor),
		flat(w.number), flat(w.key), flat(w.notBefore), flat(w.status), flat(w.reason), flat(w.revokedAt), flat(w.rev))
}

func readKey(c *columns) (string, enroll.KeyUse, int64) {
	return c.text(), enroll.KeyUse{Device: identity.DeviceID(c.text()), Compromised: c.bool()}, c.integer()
}

// keyWriter gathers the columns of keys.
type keyWriter struct {
	hash        [][]byte
	device      []string
	compromised []bool
	rev         []int64
}

func (w *keyWriter) add(hash string, use enroll.KeyUse, rev int64) {
	w.hash, w.device = append(w.hash, []byte(hash)), append(w.device, string(use.Device))
	w.compromised, w.rev = append(w.compromised, use.Compromised), append(w.rev, rev)
}

func (w *keyWriter) queue(b *pgx.Batch, sql string) {
	if w.hash != nil {
		b.Queue(sql, flat(w.hash), flat(w.device), flat(w.compromised), flat(w.rev))
	}
}

// cloneCertificate shares nothing with its original that can be changed, and
// keeps what is kept of a certificate.
func cloneCertificate(c enroll.Certificate) enroll.Certificate {
	c.DER, c.NotBefore, c.RevokedAt = clone(c.DER), micros(c.NotBefore), micros(c.RevokedAt)
	return c
}
