package identity

import "slices"

// Permission names an operation of the service, not an address.
type Permission string

// Every permission there is.
const (
	OrderCreate       Permission = "order.create"
	OrderRead         Permission = "order.read"
	OrderEdit         Permission = "order.edit"
	OrderClose        Permission = "order.close"
	FleetCreate       Permission = "fleet.create"
	FleetRead         Permission = "fleet.read"   // fleets, their policy and what holds in them
	FleetEdit         Permission = "fleet.edit"   // rename and move
	FleetDelete       Permission = "fleet.delete" // fleets in which there is nothing
	PolicySet         Permission = "policy.set"   // change a fleet's policy
	GrantRead         Permission = "grant.read"   // who holds what on a branch
	GrantCreate       Permission = "grant.create" // give what the giver holds
	GrantDelete       Permission = "grant.delete"
	RoleRead          Permission = "role.read"
	RoleEdit          Permission = "role.edit" // the organisation's own roles; on the whole tree alone
	TokenRead         Permission = "token.read"
	TokenCreate       Permission = "token.create" // scoped tokens of what the maker holds
	TokenRevoke       Permission = "token.revoke" // anybody's, on the branch; one's own need nothing
	AccessExplain     Permission = "access.explain"
	TicketDraw        Permission = "ticket.draw"
	ClaimDraw         Permission = "claim.draw" // codes by which people claim devices
	DeviceRead        Permission = "device.read"
	DeviceHold        Permission = "device.hold"
	DeviceRelease     Permission = "device.release"
	DeviceRevoke      Permission = "device.revoke"
	DeviceRetire      Permission = "device.retire"
	DeviceReenrol     Permission = "device.reenrol"
	DeviceAssign      Permission = "device.assign"    // say who owns a device
	DeviceEnrol       Permission = "device.enrol"     // vouch for a device of an order that names the caller
	DeviceEnrolAny    Permission = "device.enrol.any" // vouch for a device of any order
	CertificateRead   Permission = "certificate.read"
	AuditRead         Permission = "audit.read"
	BreakGlassRotate  Permission = "breakglass.rotate"
	InstallationSaved Permission = "installation.backup"
	// InstallationCompacted is needed to have the store give back what it does not use.
	InstallationCompacted Permission = "installation.compact"
)

// Permissions lists every permission, in the order in which people are shown them.
func Permissions() []Permission {
	return []Permission{
		OrderCreate, OrderRead, OrderEdit, OrderClose, FleetCreate, FleetRead, FleetEdit, FleetDelete, PolicySet, GrantRead, GrantCreate,
		GrantDelete, RoleRead, RoleEdit, TokenRead, TokenCreate, TokenRevoke, AccessExplain, TicketDraw, ClaimDraw, DeviceRead,
		DeviceHold, DeviceRelease, DeviceRevoke, DeviceRetire, DeviceReenrol, DeviceAssign, DeviceEnrol, DeviceEnrolAny,
		CertificateRead, AuditRead, BreakGlassRotate, InstallationSaved, InstallationCompacted,
	}
}

// Known reports whether there is such a permission.
func (p Permission) Known() bool { return slices.Contains(Permissions(), p) }

// Bestowable reports whether the permission can be put into a role of the
// organisation's own. What is the break-glass token's alone cannot.
func (p Permission) Bestowable() bool { return p.Known() && p != DeviceEnrolAny }

// Delegable reports whether a scoped token can carry the permission. A token gives
// no power to others and does not change what power is: those who can be asked why
// do that, in person.
func (p Permission) Delegable() bool {
	switch p {
	case GrantCreate, GrantDelete, RoleEdit, TokenCreate, TokenRevoke, PolicySet, FleetEdit, BreakGlassRotate, DeviceEnrolAny:
		return false
	default:
		return p.Known()
	}
}

// ActionPermission returns the permission that an action needs, on a device and
// on a certificate alike.
func ActionPermission(a Action) Permission { return Permission("device." + string(a)) }
