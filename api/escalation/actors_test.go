package escalation_test

import "slices"

// issuer is the provider of everybody who signs in.
const issuer = "https://idp.example"

// actor is somebody who calls.
type actor struct {
	name   string
	id     string // the principal's
	bearer string // its token; empty for a certificate, and for nobody
	der    []byte // of a certificate
	// address is where it calls from.
	address string
	// answers is who answers for it, where that is somebody else.
	answers string
	holds   []holding
	scope   *holding // of a token
	person  bool     // signed in at the provider
	// owned are the positions of what it owns, by itself or by its group; offered is
	// where it is offered something.
	owned, crewed, offered []position
	// waits says that it calls where policy has everything wait for a second person.
	waits   bool
	ends    bool   // what it holds will end
	station bool   // orders name it
	made    string // id of the token that it made, or is; empty for none
	grant   string // id of a grant to it; empty for none
	// remembers are branches on which it held something once, and of which what is left
	// of its grants still tells.
	remembers []place
}

func (a *actor) owns(at position) bool {
	return slices.Contains(a.owned, at) || slices.Contains(a.crewed, at)
}

func (a *actor) ownsAny() bool { return len(a.owned)+len(a.crewed) > 0 }

// responsible is the id of who answers for the actor.
func (a *actor) responsible() string {
	if a.answers != "" {
		return a.answers
	}
	return a.id
}

// someone returns a person of the provider, in groups.
func someone(subject string, groups ...string) *actor {
	a := &actor{name: subject, id: "oidc:" + issuer + "#" + subject, bearer: "person:" + subject, person: true}
	for _, group := range groups {
		a.bearer += "+" + group
	}
	return a
}

// cast makes everybody who calls, and what lets them: in the store that is set up,
// before the clock moves on and short-lived grants end.
func (w *world) cast() {
	w.add(&actor{name: "nobody who proved who they are"})
	w.add(someone("stranger"))
	for _, waiting := range []bool{false, true} {
		w.add(&actor{name: "break-glass", id: "break-glass", bearer: w.door.BreakGlass, holds: []holding{{powersOf(permissions("")...), root}}, waits: waiting})
	}
	for _, role := range builtIn() {
		w.castRole(role, permissions(role))
	}
	for _, p := range bestowable() {
		role := "only-" + string(p)
		w.role(role, p)
		w.castKept(role+" on a branch", role, powersOf(p), ownPlace).station = p == "device.enrol"
		w.castKept(role+" on the whole tree", role, powersOf(p), root).station = p == "device.enrol"
	}
	w.castOwners()
	w.castMovers()
	gone := w.castKept("holder of a role that is gone", "gone", powersOf(), ownPlace, "device.read")
	w.call("", "DELETE", "/api/v1/roles/gone", nil, 204)
	gone.holds, gone.remembers = nil, []place{ownPlace}
}

// castKept adds a person with a kept grant. Permissions make the role first.
func (w *world) castKept(name, role string, may powers, on place, made ...permission) *actor {
	if len(made) > 0 {
		w.role(role, made...)
	}
	a := w.add(someone(w.subject(name)))
	a.name, a.holds = name, []holding{{may, on}}
	a.grant = w.grant(a.id, role, on, 0)
	return a
}

// castRole adds everybody who can come to hold a built-in role.
func (w *world) castRole(role string, list []permission) {
	may := powersOf(list...)
	station := may["device.enrol"] || role == "operator"

	w.castKept(role+" by a grant", role, may, ownPlace).station = station

	group := "group-of-" + role
	byGroup := w.add(someone("member-"+role, "others", group))
	byGroup.name, byGroup.holds, byGroup.station = role+" by a group's grant", []holding{{may, ownPlace}}, station
	w.grant("group:"+issuer+"#"+group, role, ownPlace, 0)

	// A group of the role's name has it by the configuration.
	w.add(&actor{
		name: role + " by the configuration", id: "oidc:" + issuer + "#" + role, bearer: role, person: true,
		holds: []holding{{may, root}}, station: station,
	})

	split := w.castKept(role+" of the child who audits the branch", role, may, childPlace)
	split.holds = append(split.holds, holding{powersOf(permissions("auditor")...), ownPlace})
	w.grant(split.id, "auditor", ownPlace, 0)

	passing := w.add(someone("passing-" + role))
	passing.name, passing.holds, passing.ends = role+" for a while", []holding{{may, ownPlace}}, true
	w.grant(passing.id, role, ownPlace, long)

	w.castEnded(role)
	w.castCertificate(role, may)
	w.castTokens(role, list)
}

// castTokens adds somebody who makes scoped tokens of all that they hold and that a
// token can carry, and the holders of those. Some of them come where everything waits
// for a second person.
func (w *world) castTokens(role string, list []permission) {
	may, carried := powersOf(append(list, "token.create")...), delegable(list)
	for _, waiting := range []bool{false, true} {
		prefix := ""
		if waiting {
			prefix = "waiting "
		}
		maker := w.castKept(prefix+role+" who makes tokens", role, may, ownPlace)
		w.grant(maker.id, "makers", ownPlace, 0)
		maker.waits, maker.station = waiting, may["device.enrol"]
		for _, on := range []place{ownPlace, childPlace} {
			name := prefix + role + "'s token"
			if on != ownPlace {
				name += " for the child"
			}
			t := w.token(maker, name, on, carried)
			t.holds, t.waits, t.station = maker.holds, waiting, maker.station
			maker.made = t.made
		}
	}
}

// castEnded adds those whose grants have ended by the time that they call.
func (w *world) castEnded(role string) {
	person := w.add(someone("ended-" + role))
	person.name = role + " whose grant has ended"
	w.grant(person.id, role, ownPlace, short)

	group := w.add(someone("ended-member-"+role, "ended-group-of-"+role))
	group.name = role + " whose group's grant has ended"
	w.grant("group:"+issuer+"#ended-group-of-"+role, role, ownPlace, short)

	maker := someone("ended-maker-" + role)
	w.grant(maker.id, role, ownPlace, short)
	w.grant(maker.id, "makers", ownPlace, short)
	t := w.token(maker, role+"'s token whose maker's grant has ended", ownPlace, delegable(permissions(role)))
	t.scope = nil // nothing is held that it could narrow
	for _, a := range []*actor{person, group, t} {
		a.remembers = []place{ownPlace}
	}
}

// castCertificate adds a gateway with a certificate of ours.
func (w *world) castCertificate(role string, may powers) {
	id, der := w.enrol("GW"+role, root)
	a := w.add(&actor{name: role + " with a certificate", id: "device:" + id, der: der, holds: []holding{{may, ownPlace}}})
	a.grant = w.grant(a.id, role, ownPlace, 0)
}

// castMovers adds those who may move branches of the whole tree, and hold little or
// much of what moves give to others; and a token whose maker has more to say elsewhere.
func (w *world) castMovers() {
	moving, held := []permission{"fleet.read", "fleet.edit", "grant.delete", "policy.set"}, heldAt(sibling)
	all := append(held, moving...)
	but := func(p permission) []permission {
		return slices.DeleteFunc(slices.Clone(all), func(q permission) bool { return p == q })
	}
	for _, m := range []struct {
		name string
		may  []permission
	}{
		{"mover", moving},
		{"mover who gives what others get", all},
		{"mover who cannot give what grants give", but("device.reenrol")},
		{"mover who cannot give what tokens have", but("audit.read")},
		{"mover who takes from nobody", but("grant.delete")},
	} {
		slices.Sort(m.may)
		may := slices.Compact(m.may)
		w.castKept(m.name, w.subject(m.name), powersOf(may...), root, may...)
	}

	// It holds the same on two branches, and what it made is for one of them.
	maker := w.castKept("maker of two branches", "security", powersOf(append(permissions("security"), "token.create")...), ownPlace)
	maker.holds = append(maker.holds, holding{powersOf(permissions("security")...), siblingPlace})
	w.grant(maker.id, "makers", ownPlace, 0)
	w.grant(maker.id, "security", siblingPlace, 0)
	t := w.token(maker, "token for one of its maker's branches", ownPlace, delegable(permissions("security")))
	t.holds, maker.made = maker.holds, t.made
}

// castOwners adds owners of devices in the sibling, and whoever is offered one. A
// token of an owner's owns nothing.
func (w *world) castOwners() {
	for _, waiting := range []bool{false, true} {
		owner := w.add(someone("owner"))
		owner.owned, owner.waits = []position{mine}, waiting
	}
	w.add(someone("offeree")).offered = []position{mine, makers}

	crew, maker := w.add(someone("crew", "crew")), w.add(someone("owner-who-makes-tokens"))
	crew.crewed, maker.owned = []position{ours}, []position{makers}
	for _, a := range []*actor{crew, maker} {
		a.holds = []holding{{powersOf(append(permissions("operator"), "token.create")...), ownPlace}}
		w.grant(a.id, "operator", ownPlace, 0)
		w.grant(a.id, "makers", ownPlace, 0)
		t := w.token(a, "token of "+a.name, ownPlace, delegable(permissions("operator")))
		t.holds, a.made = a.holds, t.made
	}
}
