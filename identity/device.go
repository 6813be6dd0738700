package identity

import "time"

// FleetID names a fleet for good; its path is only what it is called now. It is
// 26 lower-case base32 characters, or RootFleetID.
type FleetID string

// RootFleetID is the id of the root of the tree, which always exists.
const RootFleetID FleetID = "root"

// Fleet is one node of the fleet tree.
type Fleet struct {
	ID     FleetID
	Parent FleetID // empty for the root
	Name   string  // its segment of the path; empty for the root
}

// Device is who a device is, without its certificates.
type Device struct {
	ID    DeviceID
	Fleet FleetID
	Order string // the order that it was enrolled under, or is expected by
	State State
	Owner string // pseudonymous id of the person who answers for it; empty for none
	// OwnerGroup is the group whose members answer for it too, as
	// "group:<issuer>#<group>"; empty for none.
	OwnerGroup string
	// Version counts the changes of the device's record; what was decided on one
	// version is not recorded on another.
	Version uint64
	// CreatedAt is when the device was first heard of, ChangedAt when its record
	// last changed.
	CreatedAt, ChangedAt time.Time
}
