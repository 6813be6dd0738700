package identity

import "slices"

// Kind says how a principal proved who it is.
type Kind string

// The kinds of principal.
const (
	Anonymous   Kind = ""            // nobody yet: may only show evidence
	OIDC        Kind = "oidc"        // a person or service of the organisation's provider
	Certificate Kind = "device"      // a certificate of our own: a device, station or service
	BreakGlass  Kind = "break-glass" // the holder of the break-glass token
	System      Kind = "system"      // Touchmark itself
)

// Grant gives a role on a branch of the fleet tree.
type Grant struct {
	Role  Role
	Fleet FleetPath
}

// Principal is whoever calls, after it has proved who it is. The zero value is
// nobody and may do nothing.
type Principal struct {
	Kind    Kind
	Issuer  string   // of the provider; OIDC only
	Subject string   // stable and unique at its issuer, never an e-mail address
	Groups  []string // as the provider names them; OIDC only
	Name    string   // for people to read; decides nothing
	Device  DeviceID // Certificate only
	Grants  []Grant
}

// ID is stable, unique in the installation, and what an order's list of
// stations names: "oidc:<issuer>#<subject>", "device:<device id>",
// "break-glass" or "system"; empty for nobody.
func (p Principal) ID() string {
	switch p.Kind {
	case OIDC:
		return "oidc:" + p.Issuer + "#" + p.Subject
	case Certificate:
		return "device:" + string(p.Device)
	case BreakGlass, System:
		return string(p.Kind)
	default:
		return ""
	}
}

// May reports whether one of p's grants gives it permission on fleet. Whatever
// is not granted is denied.
func (p Principal) May(permission Permission, fleet FleetPath) bool {
	for _, g := range p.Grants {
		if fleet.Within(g.Fleet) && slices.Contains(g.Role.Permissions(), permission) {
			return true
		}
	}
	return false
}

// MayAnywhere reports whether one of p's grants gives it permission on any
// branch at all.
func (p Principal) MayAnywhere(permission Permission) bool {
	for _, g := range p.Grants {
		if slices.Contains(g.Role.Permissions(), permission) {
			return true
		}
	}
	return false
}

// NewBreakGlass returns the principal behind the break-glass token.
func NewBreakGlass() Principal {
	return Principal{Kind: BreakGlass, Name: "break-glass administrator", Grants: []Grant{{Role: BreakGlassRole, Fleet: RootFleet}}}
}

// NewSystem returns the principal that Touchmark's own work is recorded under.
func NewSystem() Principal { return Principal{Kind: System, Name: "touchmark"} }
