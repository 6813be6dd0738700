package escalation_test

import (
	"slices"
	"strings"
)

// permission is what an operation takes. The names are the documentation's.
type permission string

// table says what each built-in role may do. It is not identity.Role.Permissions: it
// is what that is held to.
const table = `
order.create          admin operator
order.read            admin operator security auditor
order.edit            admin operator
order.close           admin operator
fleet.create          admin operator
fleet.read            admin operator security auditor
fleet.edit            admin
fleet.delete          admin
policy.set            admin
grant.read            admin auditor
grant.create          admin
grant.delete          admin
role.read             admin auditor
role.edit             admin
token.read            admin operator auditor
token.create          admin operator
token.revoke          admin operator
access.explain        admin auditor
ticket.draw           admin operator
claim.draw            admin operator
device.read           admin operator security auditor
device.hold           admin security
device.release        admin security
device.revoke         admin security
device.retire         admin security
device.reenrol        admin operator
device.assign         admin operator
device.enrol          admin station
device.enrol.any
certificate.read      admin operator security auditor
audit.read            admin auditor
breakglass.rotate     admin
installation.backup   admin
installation.compact  admin
`

// powers is a set of permissions.
type powers map[permission]bool

func powersOf(list ...permission) powers {
	set := powers{}
	for _, p := range list {
		set[p] = true
	}
	return set
}

// permissions lists all that there are, or those of one built-in role.
func permissions(role string) (list []permission) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		words := strings.Fields(line)
		if role == "" || slices.Contains(words[1:], role) {
			list = append(list, permission(words[0]))
		}
	}
	return list
}

func builtIn() []string { return []string{"admin", "operator", "security", "auditor", "station"} }

// bestowable lists what a role of the organisation's own can have.
func bestowable() []permission {
	return slices.DeleteFunc(permissions(""), func(p permission) bool { return p == "device.enrol.any" })
}

// delegable returns those of a list that a scoped token can carry: nothing that gives
// power to others or changes what power is (docs/operations/tokens.md).
func delegable(list []permission) []permission {
	never := powersOf(
		"grant.create", "grant.delete", "role.edit", "token.create", "token.revoke", "policy.set", "fleet.edit",
		"breakglass.rotate", "device.enrol.any",
	)
	return slices.DeleteFunc(slices.Clone(list), func(p permission) bool { return never[p] })
}

// ownersMay is what comes with owning a device (docs/operations/owners.md).
func ownersMay() powers { return powersOf("device.read", "device.hold", "certificate.read") }

// place is a fleet, by its path.
type place string

// The fleets. The name of the sibling begins with that of the branch beside it, for
// whoever compares paths letter by letter.
const (
	root         place = "/"
	parentPlace  place = "/acme"
	ownPlace     place = "/acme/line"
	childPlace   place = "/acme/line/cell"
	siblingPlace place = "/acme/line-2"
)

// within reports whether a place is the branch or lies below it.
func (p place) within(branch place) bool {
	for ; ; p = p.above() {
		if p == branch {
			return true
		}
		if p == root {
			return false
		}
	}
}

// above returns the place right above, which the root has not.
func (p place) above() place {
	if last := strings.LastIndexByte(string(p), '/'); last > 0 {
		return p[:last]
	}
	return root
}

// position is where something stands, as seen from somebody whose branch is own.
type position string

const (
	own     position = "own branch"
	child   position = "child"
	sibling position = "sibling"
	parent  position = "parent"
	top     position = "root"
	unknown position = "unknown"  // there is no such thing
	mine    position = "owned"    // a device in the sibling that belongs to the owner
	ours    position = "crew's"   // likewise, to a group
	makers  position = "maker's"  // likewise, to somebody who made a token
	nowhere position = "no fleet" // what has nothing to do with the tree, or all of a list
)

// known are the positions in the tree, and all are those and what is not there.
func known() []position { return []position{own, child, sibling, parent} }
func all() []position   { return append(known(), unknown) }

// fleets are positions of fleets: that of the whole tree is there too.
func fleets() []position { return append(all(), top) }

// devices are positions of devices.
func devices() []position { return append(all(), owned()...) }

// owned are the positions of what belongs to those who call.
func owned() []position { return []position{mine, ours, makers} }

// place returns the fleet that a position stands in; the unknown is one that nobody
// has made.
func (p position) place() place {
	switch p {
	case own:
		return ownPlace
	case child:
		return childPlace
	case sibling, mine, ours, makers:
		return siblingPlace
	case parent:
		return parentPlace
	case unknown:
		return "/acme/nowhere"
	default:
		return root
	}
}

// holding is a set of permissions that is held on a branch.
type holding struct {
	may powers
	on  place
}

// may reports whether somebody holds a permission at a place. A token has what it was
// made for, as far as its maker has that.
func (a *actor) may(p permission, at place) bool {
	if a.scope != nil && !(a.scope.may[p] && at.within(a.scope.on)) {
		return false
	}
	return slices.ContainsFunc(a.holds, func(h holding) bool { return h.may[p] && at.within(h.on) })
}

// anywhere reports whether somebody holds a permission on any branch.
func (a *actor) anywhere(p permission) bool {
	return slices.ContainsFunc(append(known(), nowhere), func(at position) bool { return a.may(p, at.place()) })
}

// sees reports whether somebody holds anything at all at a place.
func (a *actor) sees(at place) bool {
	return slices.ContainsFunc(permissions(""), func(p permission) bool { return a.may(p, at) })
}

// mayAll reports whether somebody holds all of a list at a place.
func (a *actor) mayAll(list []permission, at place) bool {
	return !slices.ContainsFunc(list, func(p permission) bool { return !a.may(p, at) })
}

// gives reports whether somebody can give others all of a list at a place, without
// end: who holds it without end, and is not a token.
func (a *actor) gives(list []permission, at place) bool {
	return a.scope == nil && !a.ends && a.mayAll(list, at)
}
