package identity

// Kind says how a principal proved who it is.
type Kind string

// The kinds of principal.
const (
	Anonymous   Kind = ""            // nobody yet: may only show evidence
	OIDC        Kind = "oidc"        // a person or service of the organisation's provider
	Certificate Kind = "device"      // a certificate of our own: a device, station or service
	ScopedToken Kind = "token"       // the holder of a scoped token made here
	BreakGlass  Kind = "break-glass" // the holder of the break-glass token
	System      Kind = "system"      // Touchmark itself
)

// Grant gives a role on a branch of the fleet tree, as the configuration and the
// break-glass token do. Grants that people make are kept beside the fleets.
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
	// Lineage is the serial number of the first certificate of the device's lineage,
	// for which alone the device was given what it was given; Certificate only.
	Lineage string
	Token   string // the id of a scoped token; ScopedToken only
	// Maker is the ID of who made a scoped token, who answers for what it does.
	Maker string
	// Grants are what is held without anybody here having granted it: by the groups
	// that the configuration names, or by the break-glass token.
	Grants []Grant
}

// ID is stable, unique in the installation, and what grants and an order's list of
// stations name: "oidc:<issuer>#<subject>", "device:<device id>", "token:<id>",
// "break-glass" or "system"; empty for nobody.
func (p Principal) ID() string {
	switch p.Kind {
	case OIDC:
		return "oidc:" + p.Issuer + "#" + p.Subject
	case Certificate:
		return "device:" + string(p.Device)
	case ScopedToken:
		return "token:" + p.Token
	case BreakGlass, System:
		return string(p.Kind)
	default:
		return ""
	}
}

// Responsible is the ID of who answers for what p does: the maker of a scoped
// token, and p itself otherwise. Two principals of one Responsible are one pair of
// eyes.
func (p Principal) Responsible() string {
	if p.Kind == ScopedToken {
		return p.Maker
	}
	return p.ID()
}

// NewBreakGlass returns the principal behind the break-glass token.
func NewBreakGlass() Principal {
	return Principal{Kind: BreakGlass, Name: "break-glass administrator", Grants: []Grant{{Role: BreakGlassRole, Fleet: RootFleet}}}
}

// NewSystem returns the principal that Touchmark's own work is recorded under.
func NewSystem() Principal { return Principal{Kind: System, Name: "touchmark"} }
