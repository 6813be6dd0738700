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
	TicketDraw        Permission = "ticket.draw"
	DeviceRead        Permission = "device.read"
	DeviceHold        Permission = "device.hold"
	DeviceRelease     Permission = "device.release"
	DeviceRevoke      Permission = "device.revoke"
	DeviceRetire      Permission = "device.retire"
	DeviceReenrol     Permission = "device.reenrol"
	DeviceEnrol       Permission = "device.enrol"     // vouch for a device of an order that names the caller
	DeviceEnrolAny    Permission = "device.enrol.any" // vouch for a device of any order
	CertificateRead   Permission = "certificate.read"
	AuditRead         Permission = "audit.read"
	BreakGlassRotate  Permission = "breakglass.rotate"
	InstallationSaved Permission = "installation.backup"
	// InstallationCompacted is needed to have the store give back what it does not use.
	InstallationCompacted Permission = "installation.compact"
)

// ActionPermission returns the permission that an action needs, on a device and
// on a certificate alike.
func ActionPermission(a Action) Permission { return Permission("device." + string(a)) }

// Role is a named set of permissions.
type Role string

// The built-in roles.
const (
	Admin    Role = "admin"
	Operator Role = "operator"
	Security Role = "security"
	Auditor  Role = "auditor"
	Station  Role = "station"
	// BreakGlassRole is held by the break-glass token alone and cannot be given
	// to a group: it may make every call, a station's included.
	BreakGlassRole Role = "break-glass"
)

// Roles lists the roles that configuration may give to a group.
func Roles() []Role { return []Role{Admin, Operator, Security, Auditor, Station} }

// Permissions returns what the role may do; nothing for an unknown role.
func (r Role) Permissions() []Permission {
	read := []Permission{OrderRead, DeviceRead, CertificateRead, AuditRead}
	operate := []Permission{OrderCreate, OrderEdit, OrderClose, FleetCreate, TicketDraw, DeviceReenrol}
	secure := []Permission{DeviceHold, DeviceRelease, DeviceRevoke, DeviceRetire}
	lookUp := []Permission{OrderRead, DeviceRead, CertificateRead}
	switch r {
	case BreakGlassRole:
		return append(Admin.Permissions(), DeviceEnrolAny)
	case Admin:
		return slices.Concat(read, operate, secure, []Permission{BreakGlassRotate, InstallationSaved, InstallationCompacted})
	case Operator:
		return slices.Concat(lookUp, operate)
	case Security:
		return slices.Concat(lookUp, secure)
	case Auditor:
		return read
	case Station:
		return []Permission{DeviceEnrol}
	default:
		return nil
	}
}
