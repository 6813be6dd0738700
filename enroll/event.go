package enroll

import (
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// EventKind says what happened, in the past tense. The set is closed and listed
// in docs/events.md.
type EventKind string

// Every kind of event.
const (
	OrderCreated         EventKind = "order.created"
	OrderEdited          EventKind = "order.edited"
	OrderWasClosed       EventKind = "order.closed"
	FleetCreated         EventKind = "fleet.created"
	TicketsDrawn         EventKind = "tickets.drawn"
	DeviceEnrolled       EventKind = "device.enrolled"
	DeviceHeld           EventKind = "device.held"
	DeviceReleased       EventKind = "device.released"
	DeviceRevoked        EventKind = "device.revoked"
	DeviceRetired        EventKind = "device.retired"
	DeviceReenrolAllowed EventKind = "device.reenrol_allowed"
	CertificateIssued    EventKind = "certificate.issued"
	CertificateHeld      EventKind = "certificate.held"
	CertificateReleased  EventKind = "certificate.released"
	CertificateRevoked   EventKind = "certificate.revoked"
	CloneWasSuspected    EventKind = "clone.suspected"
	RenewalForked        EventKind = "renewal.forked"
	RequestRefused       EventKind = "request.refused"
	BreakGlassUsed       EventKind = "breakglass.used"
	BreakGlassRotated    EventKind = "breakglass.rotated"
	IssuerActivated      EventKind = "issuer.activated"
	IssuerEnding         EventKind = "issuer.ending"
	FleetRenamed         EventKind = "fleet.renamed"
	FleetMoved           EventKind = "fleet.moved"
	FleetDeleted         EventKind = "fleet.deleted"
	PolicyChanged        EventKind = "policy.changed"
	GrantCreated         EventKind = "grant.created"
	GrantDeleted         EventKind = "grant.deleted"
	RoleChanged          EventKind = "role.changed"
	RoleDeleted          EventKind = "role.deleted"
	TokenCreated         EventKind = "token.created"
	TokenRotated         EventKind = "token.rotated"
	TokenRevoked         EventKind = "token.revoked"
	ApprovalRequested    EventKind = "approval.requested"
	ApprovalGiven        EventKind = "approval.given"
	ApprovalDenied       EventKind = "approval.denied"
	ApprovalWithdrawn    EventKind = "approval.withdrawn"
	ClaimCodeDrawn       EventKind = "claim.code_drawn"
	ClaimStarted         EventKind = "claim.started"
	ClaimDenied          EventKind = "claim.denied"
	OwnerChanged         EventKind = "owner.changed"
	OwnerReleased        EventKind = "owner.released"
	TransferOffered      EventKind = "transfer.offered"
	TransferEnded        EventKind = "transfer.ended"
	JobStarted           EventKind = "job.started"
	JobEnded             EventKind = "job.ended"
	BackupStarted        EventKind = "backup.started"
	CompactionStarted    EventKind = "compaction.started"
	ConfigReloaded       EventKind = "config.reloaded"
	LogKeyRotated        EventKind = "log.key_rotated"
	ClockAccepted        EventKind = "clock.accepted"
	AlarmRaised          EventKind = "alarm.raised"
	AlarmCleared         EventKind = "alarm.cleared"
)

// EventKinds lists every kind of event.
func EventKinds() []EventKind {
	return []EventKind{
		OrderCreated, OrderEdited, OrderWasClosed, FleetCreated, TicketsDrawn, DeviceEnrolled, DeviceHeld,
		DeviceReleased, DeviceRevoked, DeviceRetired, DeviceReenrolAllowed, CertificateIssued, CertificateHeld,
		CertificateReleased, CertificateRevoked, CloneWasSuspected, RenewalForked, RequestRefused, BreakGlassUsed,
		BreakGlassRotated, IssuerActivated, IssuerEnding, FleetRenamed, FleetMoved, FleetDeleted, PolicyChanged, GrantCreated,
		GrantDeleted, RoleChanged, RoleDeleted, TokenCreated, TokenRotated, TokenRevoked, ApprovalRequested, ApprovalGiven,
		ApprovalDenied, ApprovalWithdrawn, ClaimCodeDrawn, ClaimStarted, ClaimDenied, OwnerChanged, OwnerReleased, TransferOffered,
		TransferEnded, JobStarted, JobEnded, BackupStarted, CompactionStarted, ConfigReloaded, LogKeyRotated, ClockAccepted, AlarmRaised, AlarmCleared,
	}
}

// Event is one thing that happened. Only the members that its kind speaks of are
// set; docs/events.md says which. It names people by pseudonymous id alone.
type Event struct {
	Time  time.Time `json:"time"`
	Kind  EventKind `json:"kind"`
	Actor string    `json:"actor,omitempty"` // pseudonymous id of who did it; empty for nobody known
	// Responsible is the pseudonymous id of who answers for it where that is not the
	// actor: the maker of a scoped token.
	Responsible string `json:"responsible,omitempty"`
	// Request is the id of the request that did it, as in the logs.
	Request string             `json:"request,omitempty"`
	Fleet   identity.FleetPath `json:"fleet,omitempty"`    // what it was called then
	FleetID identity.FleetID   `json:"fleet_id,omitempty"` // names it for good
	// Grant is what let the actor do it: the id of a grant, "configuration:" and a
	// role, "owner" or "break-glass"; empty for what needs none.
	Grant       string            `json:"grant,omitempty"`
	Order       OrderID           `json:"order,omitempty"`
	Device      identity.DeviceID `json:"device,omitempty"`
	Certificate *ca.Serial        `json:"certificate,omitempty"`
	Predecessor *ca.Serial        `json:"predecessor,omitempty"`
	Key         *ca.KeyHash       `json:"key,omitempty"` // SHA-256 of the SubjectPublicKeyInfo
	Issuer      string            `json:"issuer,omitempty"`
	Profile     string            `json:"profile,omitempty"`
	NotAfter    *time.Time        `json:"not_after,omitempty"`
	Reason      string            `json:"reason,omitempty"` // RFC 5280, section 5.3.1
	Operation   string            `json:"operation,omitempty"`
	Code        Code              `json:"code,omitempty"`
	Comment     string            `json:"comment,omitempty"`
	Count       int               `json:"count,omitempty"`
	Serials     []string          `json:"serials,omitempty"` // devices' serial numbers
	// Stations are those that an order names, people and services by pseudonymous id.
	Stations []string `json:"stations,omitempty"`
	// About is the id of what it is about where no other member says that: a grant, a
	// token, a request that waits, a job.
	About string `json:"about,omitempty"`
	// For is whom it concerns besides the actor: a pseudonymous id, or a group.
	For         string                `json:"for,omitempty"`
	Role        identity.Role         `json:"role,omitempty"`
	Permissions []identity.Permission `json:"permissions,omitempty"`
	// Before is what was so until then: a fleet's path, an owner.
	Before string `json:"before,omitempty"`
	// Policy is what a fleet says itself from then on.
	Policy *policy.Policy `json:"policy,omitempty"`
	// Target is what a refused request was about, as the caller named it.
	Target string `json:"target,omitempty"`
	// Settings are the keys of the configuration that changed, and Digest the SHA-256
	// of it as it was read, in hexadecimal digits.
	Settings []string `json:"settings,omitempty"`
	Digest   string   `json:"digest,omitempty"`
	// Verifier is a public key of the log, and Endorsement what the key before it says
	// of it (audit.SignRotation).
	Verifier    string `json:"verifier,omitempty"`
	Endorsement string `json:"endorsement,omitempty"`
}

// Record is an event with its place in the log.
type Record struct {
	// Index counts from 0, without gaps.
	Index uint64
	// Data is the leaf of the Merkle tree: the event as JSON with its index as
	// first member, byte for byte as it was hashed.
	Data []byte
}

// at says in which fleet an event happened.
func (e *Event) at(p *place) { e.Fleet, e.FleetID = p.path, p.id }
