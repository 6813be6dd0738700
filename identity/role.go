package identity

import (
	"fmt"
	"slices"
)

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
	// to anybody: it may make every call, a station's included.
	BreakGlassRole Role = "break-glass"
)

// MaxRole bounds the name of a role, in bytes.
const MaxRole = 64

// Roles lists the built-in roles that may be given.
func Roles() []Role { return []Role{Admin, Operator, Security, Auditor, Station} }

// BuiltIn reports whether the role is one of Touchmark's own, which nobody changes.
func (r Role) BuiltIn() bool { return r == BreakGlassRole || slices.Contains(Roles(), r) }

// ParseRole checks the name of a role, built in or not: 1 to 64 of a-z, 0-9, '.',
// '_' and '-'. The error wraps ErrName.
func ParseRole(s string) (Role, error) {
	if !within(s, MaxRole, isSegmentByte) {
		return "", fmt.Errorf("%w: the name of a role is 1 to %d of a-z, 0-9, '.', '_' and '-'", ErrName, MaxRole)
	}
	return Role(s), nil
}

// Permissions returns what a built-in role may do; nothing for another.
func (r Role) Permissions() []Permission {
	lookUp := []Permission{OrderRead, DeviceRead, CertificateRead, FleetRead}
	inspect := []Permission{AuditRead, GrantRead, RoleRead, TokenRead, AccessExplain}
	operate := []Permission{OrderCreate, OrderEdit, OrderClose, FleetCreate, TicketDraw, ClaimDraw, DeviceReenrol, DeviceAssign}
	delegate := []Permission{TokenCreate, TokenRead, TokenRevoke}
	secure := []Permission{DeviceHold, DeviceRelease, DeviceRevoke, DeviceRetire}
	switch r {
	case BreakGlassRole:
		return Permissions()
	case Admin:
		return slices.DeleteFunc(Permissions(), func(p Permission) bool { return p == DeviceEnrolAny })
	case Operator:
		return slices.Concat(lookUp, operate, delegate)
	case Security:
		return slices.Concat(lookUp, secure)
	case Auditor:
		return slices.Concat(lookUp, inspect)
	case Station:
		return []Permission{DeviceEnrol}
	default:
		return nil
	}
}
