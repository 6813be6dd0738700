package postgres

import (
	"strings"
	"unicode/utf8"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// kind says what a key names.
type kind uint8

// The kinds of keys, and what is found under them.
const (
	installation kind = iota // nothing -> enroll.Installation
	people                   // pseudonym -> enroll.Person
	issuers                  // id -> enroll.IssuerRecord
	fleets                   // id -> identity.Fleet
	fleetNames               // parent's id, 0, name -> identity.Fleet
	orders                   // id -> enroll.Order, without its counts
	shards                   // issuer's id, 0, shard's id -> enroll.Shard
	documents                // kind, 0, key -> []byte
	crls                     // issuer's id, 0, shard's id -> []byte
	crlEntries               // issuer's id, 0, shard's id -> []entry, by serial number
	quotas                   // order's id -> quota
	refusals                 // order's id -> map[enroll.Code]int
	devices                  // id -> enroll.Device
	keys                     // SHA-256 -> enroll.KeyUse
	certificates             // serial number -> enroll.Certificate
	leases                   // task -> lease
	kindCount

	// What follows is only ever written, on top of what is found.
	crlWrites // issuer's id, 0, shard's id -> *entryWrites
	refused   // order's id -> map[enroll.Code]int, to be added
	segments  // kind, 0, last key -> enroll.Segment
	dropped   // nothing -> dropRecords
)

// reference reports whether rows of the kind are changed only by a batch that is
// alone. They stay as they are for as long as a gate is held.
func (k kind) reference() bool { return k <= crlEntries }

// remembered reports whether a node remembers reference rows of the kind from
// one batch to the next. It does not remember what is large; see also isLarge.
func (k kind) remembered() bool { return k < crls }

// key names a row, or the rows that are looked up together.
type key struct {
	kind kind
	id   string
}

func shardKey(kind kind, k enroll.ShardKey) key { return key{kind, joined(k.Issuer, string(k.Shard))} }

func serialKey(serial ca.Serial) key { return key{certificates, string(serial[:])} }

// separator stands between the parts of an id. No part contains it.
const separator = "\x00"

func joined(a, b string) string { return a + separator + b }

func split(id string) (a, b string) {
	a, b, _ = strings.Cut(id, separator)
	return a, b
}

func toSerial(octets []byte) (serial ca.Serial) {
	copy(serial[:], octets)
	return serial
}

// storable reports whether the database can hold a text: it takes no zero octet
// and nothing but UTF-8.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, separator)
}

// findable reports whether there can be anything under a key.
func (k key) findable() bool {
	switch k.kind {
	case keys, certificates:
		return true
	case fleetNames, shards, documents, crls, crlEntries:
		a, b := split(k.id)
		return storable(a) && storable(b)
	default:
		return storable(k.id)
	}
}
