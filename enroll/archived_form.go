package enroll

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"golang.org/x/mod/sumdb/tlog"
)

// archivedCertificate is how a certificate stands in the archive: to be read by
// people in twenty years. Members may be added, never changed.
type archivedCertificate struct {
	Serial      ca.Serial         `json:"serial"`
	Device      identity.DeviceID `json:"device,omitempty"`
	Number      uint64            `json:"number,omitempty"`
	Predecessor *ca.Serial        `json:"predecessor,omitempty"`
	NotBefore   time.Time         `json:"not_before"`
	NotAfter    time.Time         `json:"not_after"` // told by Serial
	Status      Status            `json:"status"`
	Reason      *ca.Reason        `json:"reason,omitempty"`
	RevokedAt   *time.Time        `json:"revoked_at,omitempty"`
	Issuer      string            `json:"issuer"`
	Shard       ca.ShardID        `json:"shard,omitempty"`
	Profile     string            `json:"profile"`
	Key         ca.KeyHash        `json:"key"`
	DER         []byte            `json:"certificate"`
}

// encodeCertificate returns a certificate as the archive keeps it.
func encodeCertificate(c *Certificate) ([]byte, error) {
	form := archivedCertificate{
		Serial: c.Serial, Device: c.Device, Number: c.Number, NotBefore: c.NotBefore.UTC(), NotAfter: c.Serial.NotAfter(),
		Status: c.Status, Issuer: c.Issuer, Shard: c.Shard, Profile: c.Profile, Key: c.Key, DER: c.DER,
	}
	if !c.Predecessor.IsZero() {
		form.Predecessor = &c.Predecessor
	}
	if c.Reason != ca.Unspecified {
		form.Reason = &c.Reason
	}
	if !c.RevokedAt.IsZero() {
		at := c.RevokedAt.UTC()
		form.RevokedAt = &at
	}
	value, err := json.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", c.Serial, err)
	}
	return value, nil
}

// decodeCertificate reads what encodeCertificate wrote, which is to be the
// certificate of a serial number.
func decodeCertificate(value []byte, serial ca.Serial) (Certificate, error) {
	var form archivedCertificate
	if err := json.Unmarshal(value, &form); err != nil {
		return Certificate{}, fmt.Errorf("certificate %s in the archive: %w", serial, err)
	}
	switch form.Status {
	case StatusGood, StatusHeld, StatusRevoked:
	default:
		return Certificate{}, fmt.Errorf("certificate %s in the archive: there is no status %.20q", serial, form.Status)
	}
	if form.Serial != serial {
		return Certificate{}, fmt.Errorf("certificate %s in the archive: it is %s", serial, form.Serial)
	}
	c := Certificate{
		Serial: form.Serial, DER: form.DER, Issuer: form.Issuer, Shard: form.Shard, Profile: form.Profile, Device: form.Device,
		Number: form.Number, Key: form.Key, NotBefore: form.NotBefore, Status: form.Status,
	}
	if form.Predecessor != nil {
		c.Predecessor = *form.Predecessor
	}
	if form.Reason != nil {
		c.Reason = *form.Reason
	}
	if form.RevokedAt != nil {
		c.RevokedAt = *form.RevokedAt
	}
	return c, nil
}

// equal reports whether c and other are the same in every respect.
func (c *Certificate) equal(other *Certificate) bool {
	a, errA := encodeCertificate(c)
	b, errB := encodeCertificate(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// What stands around the leaf hash and the leaf of a record in the archive. The
// leaf is spliced in byte for byte, as it was hashed.
const (
	recordOpen  = `{"hash":"`
	recordLeaf  = `","record":`
	recordClose = `}`
	recordHash  = 44 // base64 of 32 octets
)

// encodeRecord returns a record as the archive keeps it: with the hash that was
// stored when it was written, so that one changed since is found out by whoever
// verifies an export (docs/adr/0005).
func encodeRecord(leaf []byte, hash tlog.Hash) []byte {
	value := make([]byte, 0, len(recordOpen)+recordHash+len(recordLeaf)+len(leaf)+len(recordClose))
	value = append(value, recordOpen...)
	value = base64.StdEncoding.AppendEncode(value, hash[:])
	value = append(value, recordLeaf...)
	value = append(value, leaf...)
	return append(value, recordClose...)
}

// DecodeRecord reads the value of an item of RecordSegments: the record as it was
// hashed, which is part of value, and the hash that was stored when it was written.
// That they belong together is for the caller to look at.
func DecodeRecord(value []byte) (leaf []byte, hash tlog.Hash, err error) {
	rest, begins := bytes.CutPrefix(value, []byte(recordOpen))
	rest, ends := bytes.CutSuffix(rest, []byte(recordClose))
	if !begins || !ends || len(rest) < recordHash || !bytes.HasPrefix(rest[recordHash:], []byte(recordLeaf)) {
		return nil, hash, errors.New("a record in the archive is not of a hash and a record")
	}
	hash, err = tlog.ParseHash(string(rest[:recordHash]))
	if err != nil || !bytes.HasPrefix(value[len(recordOpen):], []byte(hash.String())) {
		return nil, hash, errors.New("the hash of a record in the archive is not the base64 of 32 octets")
	}
	leaf = rest[recordHash+len(recordLeaf):]
	if len(leaf) == 0 || leaf[0] != '{' || !json.Valid(leaf) {
		return nil, hash, errors.New("a record in the archive is not a JSON object")
	}
	return leaf, hash, nil
}
