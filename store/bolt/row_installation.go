package bolt

import "github.com/touchmark/touchmark/enroll"

type installationRow struct {
	PseudonymKey  []byte `cbor:"1,keyasint,omitempty"`
	BreakGlass    []byte `cbor:"2,keyasint,omitempty"`
	BreakGlassSet stamp  `cbor:"3,keyasint,omitzero"`
}

type personRow struct {
	ID        string `cbor:"1,keyasint,omitzero"`
	Name      string `cbor:"2,keyasint,omitzero"`
	FirstSeen stamp  `cbor:"3,keyasint,omitzero"`
}

type issuerRow struct {
	DER         []byte `cbor:"1,keyasint,omitempty"`
	ActivatedAt stamp  `cbor:"2,keyasint,omitzero"`
}

type shardRow struct {
	Changes    uint64 `cbor:"1,keyasint,omitzero"`
	Published  uint64 `cbor:"2,keyasint,omitzero"`
	Number     uint64 `cbor:"3,keyasint,omitzero"`
	ThisUpdate stamp  `cbor:"4,keyasint,omitzero"`
	NextUpdate stamp  `cbor:"5,keyasint,omitzero"`
	Issued     uint64 `cbor:"6,keyasint,omitzero"`
}

func (row *shardRow) shard(key enroll.ShardKey) enroll.Shard {
	return enroll.Shard{
		ShardKey: key, Changes: row.Changes, Published: row.Published, Number: row.Number,
		ThisUpdate: row.ThisUpdate.time(), NextUpdate: row.NextUpdate.time(), Issued: row.Issued,
	}
}
