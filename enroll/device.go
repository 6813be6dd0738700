package enroll

import (
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// Device is a device's record: who it is and what it holds. It carries all that
// renewal, recall and the discovery of forks need, so that one read decides.
type Device struct {
	identity.Device
	// KeyProtection is where its latest key is kept, as whoever vouched for it said;
	// empty for in software, and where nobody said anything.
	KeyProtection policy.KeyProtection
	// Issued counts the certificates that it was ever given.
	Issued uint64
	// Newest is its latest certificate, by issuance; nil before the first.
	Newest *LiveCertificate
	// Live are its unexpired certificates, oldest first, at most Limits.Live. Those that
	// were revoked leave it when another is issued.
	Live []LiveCertificate
	// Ticket is the enrolment secret last drawn for it; nil for none.
	Ticket *Ticket
	// Enrolment is how it was last enrolled; nil before.
	Enrolment *Enrolment
	// Reenrol permits one enrolment with another key; nil for none.
	Reenrol *Reenrol
	// CloneSuspectedAt and ForkedAt are when a second key, or a fork of its
	// lineage, was last seen; zero for never.
	CloneSuspectedAt, ForkedAt time.Time
}

// LiveCertificate is what a device's record keeps of one of its certificates.
type LiveCertificate struct {
	Serial      ca.Serial
	Predecessor ca.Serial // zero for the first of a lineage
	Key         ca.KeyHash
	Status      Status
	// HeldAlone says that the certificate itself was held, not its device:
	// releasing the device leaves it held.
	HeldAlone bool
}

// NotAfter is when the certificate expires; its serial number says so.
func (c LiveCertificate) NotAfter() time.Time { return c.Serial.NotAfter() }

// Ticket is a one-time enrolment secret for one device, kept as its hash. Its
// text names its order.
type Ticket struct {
	Order   OrderID
	Hash    [32]byte // SHA-256 of the ticket's text
	DrawnAt time.Time
	// DrawnBy is the pseudonymous id of who answers for drawing it: whether enrolments
	// wait for a second person may be decided later. Empty where nobody noted it.
	DrawnBy string
	// UsedBy is the key that was enrolled with it; nil while it is unused. A used
	// ticket still recalls the answer for that key.
	UsedBy *ca.KeyHash
}

// Enrolment is how a device got the first certificate of its lineage.
type Enrolment struct {
	Order  OrderID
	Key    ca.KeyHash
	Serial ca.Serial
}

// Reenrol is an operator's permission for one enrolment with another key.
type Reenrol struct {
	Until     time.Time
	AllowedAt time.Time
	AllowedBy string // pseudonymous id
}

// Status is whether a certificate stands. Expiry is not stored: it follows from
// the clock, and revoked outranks it.
type Status string

// The statuses of a certificate. StatusExpired is never stored.
const (
	StatusGood    Status = "good"
	StatusHeld    Status = "held"
	StatusRevoked Status = "revoked"
	StatusExpired Status = "expired"
)

// Certificate is one certificate that was issued and recorded.
type Certificate struct {
	Serial      ca.Serial
	DER         []byte
	Issuer      string // id of the issuer that signed it
	Shard       ca.ShardID
	Profile     string
	Device      identity.DeviceID // empty for Touchmark's own
	Predecessor ca.Serial         // zero for the first of a lineage
	Number      uint64            // the device's how-manieth, from 1
	Key         ca.KeyHash
	NotBefore   time.Time
	Status      Status // good, held or revoked
	Reason      ca.Reason
	// RevokedAt is when it was held or revoked; zero while it is good.
	RevokedAt time.Time
}

// StatusAt returns the status as the API tells it at the time now: held and good
// certificates past their end are expired, revoked ones stay revoked.
func (c *Certificate) StatusAt(now time.Time) Status {
	if c.Status != StatusRevoked && now.After(c.Serial.NotAfter()) {
		return StatusExpired
	}
	return c.Status
}

// KeyUse is what is known of a public key that was ever certified.
type KeyUse struct {
	Device identity.DeviceID
	// Compromised keys are never certified again.
	Compromised bool
}

// KnownKey is a public key with what is known of it.
type KnownKey struct {
	Hash ca.KeyHash
	KeyUse
}
