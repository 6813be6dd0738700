package enroll

import (
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// Page bounds. A list asked for without a limit has DefaultPage items.
const (
	DefaultPage = 100
	MaxPage     = 1_000
)

// Page asks for a part of a list.
type Page struct {
	After string // the Next of the part before; empty for the first
	Limit int    // 1 to MaxPage
}

// List is a part of a list. A part may hold fewer items than asked for, even
// none, and still have a Next: a store looks at a bounded number of rows for
// each part. The list ends where Next is empty.
type List[T any] struct {
	Items []T
	Next  string
}

// OrderFilter selects orders; zero members select all. Fleets are ids.
type OrderFilter struct {
	Fleets []identity.FleetID // any of these; nil for all
	Model  identity.Model
	Page
}

// DeviceFilter selects devices; zero members select all.
type DeviceFilter struct {
	Fleets []identity.FleetID // any of these; nil for all
	Model  identity.Model
	State  identity.State
	// ExpiringBefore selects devices whose newest certificate ends before it.
	ExpiringBefore time.Time
	// Query is a prefix of the device's id or of its serial number.
	Query string
	Page
}

// CertificateFilter selects certificates; one of Device and ExpiringBefore, or
// neither, is set.
type CertificateFilter struct {
	// Device selects one device's certificates, newest first.
	Device identity.DeviceID
	// ExpiringBefore selects those that end before it. Without Device the list is
	// sorted by expiry, soonest first, and begins at ExpiringAfter.
	ExpiringAfter, ExpiringBefore time.Time
	Page
}

// RecordFilter selects records of the log, oldest first.
type RecordFilter struct {
	// Device selects one device's story; empty for the whole log.
	Device identity.DeviceID
	// From selects the records from this index on.
	From uint64
	Page
}

// ShardKey names a CRL shard.
type ShardKey struct {
	Issuer string
	Shard  ca.ShardID
}

// Shard is the state of one CRL shard.
type Shard struct {
	ShardKey
	// Changes counts the changes of its entries, its first certificate among them: 0
	// means that none was issued into it. Published is the count that the last CRL holds.
	Changes, Published uint64
	// Number is the CRL number of the last CRL (RFC 5280, section 5.2.3); 0 before
	// the first.
	Number                 uint64
	ThisUpdate, NextUpdate time.Time
	// Issued is roughly how many certificates were issued into it; splitting goes
	// by it.
	Issued uint64
}

// IssuerRecord is what the store keeps of an issuer.
type IssuerRecord struct {
	ID          string
	DER         []byte // the issuer's certificate
	ActivatedAt time.Time
}

// Installation is what there is one of.
type Installation struct {
	// PseudonymKey turns principals into pseudonymous ids; 32 random octets.
	PseudonymKey []byte
	// BreakGlass is the SHA-256 of the break-glass token; nil for none.
	BreakGlass    []byte
	BreakGlassSet time.Time
}

// Person is who a pseudonymous id stands for. It lies beside the log, where it
// can be erased.
type Person struct {
	Pseudonym string
	ID        string // identity.Principal.ID
	Name      string
	FirstSeen time.Time
}
