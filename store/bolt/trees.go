package bolt

import "go.etcd.io/bbolt"

// tree is one of the file's B+trees (a bucket of bbolt).
type tree uint8

// The trees, and what their keys and values are. Numbers in keys are 8 octets,
// big-endian; 0 is the octet that separates, which no id contains.
const (
	meta         tree = iota // "schema" -> number of the schema; "dropped" -> number of records that left and the root of their tree, unless 0
	installation             // "installation" -> row
	people                   // pseudonym -> row
	issuers                  // id -> row
	fleets                   // id -> row
	children                 // parent's id, 0, name -> id
	orders                   // id -> row
	fleetOrders              // fleet's id, 0, order's id -> nothing
	quotas                   // order's id -> number of devices enrolled
	refusals                 // order's id -> counts by code
	devices                  // device's id and what keys.go says
	fleetDevices             // fleet's id, 0, time of creation, device's id -> nothing
	stateDevices             // state, 0, device's id -> nothing; held, revoked and retired only
	keys                     // SHA-256 of the public key -> row
	certificates             // serial number -> row
	shards                   // issuer's id, 0, shard's id -> row
	crls                     // issuer's id, 0, shard's id -> DER
	crlEntries               // issuer's id, 0, shard's id, 0, serial number -> DER
	records                  // index -> leaf of the Merkle tree
	tiles                    // level (1 octet), number -> up to 256 hashes
	segments                 // kind, 0, last key -> row
	lapsed                   // serial number -> device's id, whose newest certificate that is, though it is not here
	documents                // kind, 0, key -> data
	treeCount
)

// name is what the bucket is called in the file. It never changes.
func (t tree) name() []byte {
	return []byte([treeCount]string{
		"meta", "installation", "people", "issuers", "fleets", "children", "orders", "fleet-orders", "quotas",
		"refusals", "devices", "fleet-devices", "state-devices", "keys", "certificates", "shards", "crls",
		"crl-entries", "records", "tiles", "segments", "lapsed", "documents",
	}[t])
}

// since is the first schema that has the tree.
func (t tree) since() int {
	switch t {
	case documents:
		return 3
	case segments, lapsed:
		return 2
	default:
		return 1
	}
}

// appended reports whether keys are added to the tree only at its end, so that
// its pages may be filled.
func (t tree) appended() bool { return t == records || t == tiles }

// snapshot is one transaction of bbolt.
type snapshot struct {
	tx      *bbolt.Tx
	buckets [treeCount]*bbolt.Bucket // as they were first asked for
	told    func(write)              // is told of each write; nil for nobody
}

func (s *snapshot) bucket(t tree) *bbolt.Bucket {
	if s.buckets[t] == nil {
		b := s.tx.Bucket(t.name())
		if t.appended() {
			b.FillPercent = 0.95
		}
		s.buckets[t] = b
	}
	return s.buckets[t]
}

// put makes one write in the transaction, without a commit.
func (s *snapshot) put(w write) error {
	if s.told != nil {
		s.told(w)
	}
	if w.value == nil {
		return s.bucket(w.tree).Delete(w.key)
	}
	return s.bucket(w.tree).Put(w.key, w.value)
}
