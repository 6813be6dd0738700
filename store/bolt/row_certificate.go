package bolt

import (
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type certificateRow struct {
	DER         []byte   `cbor:"1,keyasint,omitempty"`
	Issuer      string   `cbor:"2,keyasint"`
	Shard       string   `cbor:"3,keyasint,omitzero"`
	Profile     string   `cbor:"4,keyasint,omitzero"`
	Device      string   `cbor:"5,keyasint,omitzero"`
	Predecessor [20]byte `cbor:"6,keyasint,omitzero"`
	Number      uint64   `cbor:"7,keyasint,omitzero"`
	Key         [32]byte `cbor:"8,keyasint"`
	NotBefore   stamp    `cbor:"9,keyasint,omitzero"`
	Status      string   `cbor:"10,keyasint"`
	Reason      int      `cbor:"11,keyasint,omitzero"`
	RevokedAt   stamp    `cbor:"12,keyasint,omitzero"`
}

type keyRow struct {
	Device      string `cbor:"1,keyasint,omitzero"`
	Compromised bool   `cbor:"2,keyasint,omitzero"`
}

func newCertificateRow(c *enroll.Certificate) *certificateRow {
	return &certificateRow{
		DER: c.DER, Issuer: c.Issuer, Shard: string(c.Shard), Profile: c.Profile, Device: string(c.Device),
		Predecessor: c.Predecessor, Number: c.Number, Key: c.Key, NotBefore: stampOf(c.NotBefore),
		Status: string(c.Status), Reason: int(c.Reason), RevokedAt: stampOf(c.RevokedAt),
	}
}

func (row *certificateRow) certificate(serial ca.Serial) enroll.Certificate {
	return enroll.Certificate{
		Serial: serial, DER: row.DER, Issuer: row.Issuer, Shard: ca.ShardID(row.Shard), Profile: row.Profile,
		Device: identity.DeviceID(row.Device), Predecessor: row.Predecessor, Number: row.Number, Key: row.Key,
		NotBefore: row.NotBefore.time(), Status: enroll.Status(row.Status), Reason: ca.Reason(row.Reason),
		RevokedAt: row.RevokedAt.time(),
	}
}
