package escalation_test

func fleetOperations() []operation {
	read := onThing("fleet.read")
	return []operation{
		{"POST /api/v1/fleets", "fleet.create", []form{
			{name: "that is there", at: known(), ask: in("path", nil), want: onThing("fleet.create", "fleet.read"), status: 201, reads: true},
			{name: "that is not", at: []position{unknown}, ask: in("path", nil), want: makes("fleet.create"), status: 201},
			{
				name: "below", at: known(), want: makes("fleet.create"), status: 201,
				ask: func(_ *world, _ *actor, at position) request { return request{body: m{"path": at.place() + "/new"}} },
			},
		}},
		{"GET /api/v1/fleets", "fleet.read", []form{
			{name: "below", at: fleets(), ask: listing("parent"), want: read, status: 200, reads: true},
			{name: "by path", at: fleets(), ask: listing("path"), want: read, status: 200, reads: true},
			{name: "the highest", at: []position{nowhere}, ask: listing(""), want: onBranches("fleet.read"), status: 200, reads: true, items: highestFleets()},
		}},
		{"GET /api/v1/fleets/{id}", "fleet.read", []form{
			{at: fleets(), ask: about("fleet", nil), want: read, status: 200, reads: true},
			{name: "by path", at: fleets(), ask: about("path", nil), want: read, status: 200, reads: true},
		}},
		{"GET /api/v1/fleets/{id}/effective", "fleet.read", []form{{at: fleets(), ask: about("fleet", nil), want: read, status: 200, reads: true}}},
		{"PATCH /api/v1/fleets/{id}", "fleet.edit", []form{
			{name: "renamed", at: fleets(), ask: about("fleet", m{"name": "munich"}), want: onThing("fleet.edit", "fleet.read").but(allowed, wrongState, top), status: 200, waits: true},
			{name: "taken elsewhere", at: all(), ask: moving(sibling), want: moves(sibling), status: 200, waits: true},
			{name: "taken higher", at: []position{child}, ask: moving(parent), want: moves(parent), status: 200, waits: true},
			{name: "fetched", at: []position{sibling}, ask: moving(child), want: moves(child), status: 200, waits: true},
		}},
		{"DELETE /api/v1/fleets/{id}", "fleet.delete", []form{
			{name: "in use", at: fleets(), ask: about("fleet", nil), want: onThing("fleet.delete", "fleet.read").but(allowed, wrongState, fleets()...), status: 204, waits: true},
			{name: "empty", at: known(), ask: about("empty fleet", nil), want: onThing("fleet.delete", "fleet.read"), status: 204, waits: true},
		}},
		{"PUT /api/v1/fleets/{id}/policy", "policy.set", []form{{
			at: fleets(), ask: about("fleet", m{"policy": m{"lifetime": "1h"}}), want: onThing("policy.set", "fleet.read"), status: 200, waits: true,
		}}},
		{"POST /api/v1/fleets/{id}/preview", "fleet.edit", []form{
			{name: "of a name", at: all(), ask: about("fleet", m{"name": "munich"}), want: onThing("fleet.edit", "fleet.read"), status: 200, reads: true},
			{name: "of a policy", at: fleets(), ask: about("fleet", m{"policy": m{"lifetime": "1h"}}), want: onThing("policy.set", "fleet.read"), status: 200, reads: true},
			{name: "of a move", at: all(), ask: moving(sibling), want: moves(sibling), status: 200, reads: true},
		}},
	}
}

// moving asks to have the fleet at a position below another.
func moving(to position) func(*world, *actor, position) request {
	return func(w *world, _ *actor, at position) request {
		return request{id: w.ids["fleet"][at], body: m{"parent": w.ids["fleet"][to]}}
	}
}

// moves is the rule of moves: fleet.edit on both sides, and all that the move newly
// gives to anybody over what is moved. What it takes from others needs grant.delete;
// there is nobody here whose place in the tree gives them nothing.
func moves(to position) rule {
	return func(a *actor, at position) outcome {
		edits := onThing("fleet.edit", "fleet.read")
		if said := edits(a, at); said != allowed {
			return said
		}
		if said := edits(a, to); said != allowed {
			return said
		}
		from := at.place()
		if to.place().within(from) { // a branch below itself
			return wrongState
		}
		for _, passed := range known() {
			above, below := from.above().within(passed.place()), to.place().within(passed.place())
			if below && !above && !a.gives(heldAt(passed), from) || above && !below && !a.may("grant.delete", from) {
				return forbidden
			}
		}
		return allowed
	}
}

// heldAt is all that is held by grants and tokens on a fleet itself, without end.
func heldAt(at position) []permission {
	switch at {
	case own, child:
		return bestowable()
	case sibling:
		return append(append(permissions("operator"), permissions("security")...), carriedAlready()...)
	default:
		return append(permissions("operator"), carriedAlready()...)
	}
}

// highestFleets are the highest fleets that somebody may read.
func highestFleets() *items {
	return &items{things: "place", told: func(a *actor, t thing) bool {
		here := place(t.id)
		return a.may("fleet.read", here) && (here == root || !a.may("fleet.read", here.above()))
	}, id: member("path")}
}

func grantOperations() []operation {
	list := []operation{
		{"POST /api/v1/grants", "grant.create", nil},
		{"GET /api/v1/grants", "grant.read", []form{
			{
				name: "all", at: []position{nowhere}, ask: listing(""), want: onBranches("grant.read"), status: 200, reads: true,
				items: &items{things: "grant", told: toldGrant, id: member("id")},
			},
			{
				name: "of one fleet", at: fleets(), ask: listing("fleet"), want: onThing("grant.read", "fleet.read"), status: 200, reads: true,
				items: &items{things: "grant", told: toldGrant, id: member("id"), exact: true},
			},
			{
				name: "one's own", at: []position{nowhere}, status: 200, reads: true, want: anybody,
				ask:   func(_ *world, a *actor, _ position) request { return request{query: "limit=1000&for=" + escaped(a.id)} },
				items: &items{things: "grant", told: func(a *actor, t thing) bool { return t.whose == a.id }, id: member("id")},
			},
			{
				name: "another's", at: []position{nowhere}, status: 200, reads: true, want: onBranches("grant.read"),
				ask: func(*world, *actor, position) request {
					return request{query: "limit=1000&for=" + escaped(someone("dora").id)}
				},
				items: &items{things: "grant", told: func(a *actor, t thing) bool { return t.whose == someone("dora").id && toldGrant(a, t) }, id: member("id")},
			},
		}},
		{"GET /api/v1/grants/{id}", "grant.read", []form{
			{
				at: all(), ask: about("grant", nil), status: 200, reads: true,
				want: func(a *actor, at position) outcome { return orNotFound(at != unknown && seesGrant(a, at)) },
			},
			{name: "one's own", at: []position{own}, who: granted, ask: ownGrant, want: anybody, status: 200, reads: true},
		}},
		{"DELETE /api/v1/grants/{id}", "grant.delete", []form{
			{at: all(), ask: about("grant", nil), want: inside("grant.delete", "grant.read"), status: 204, waits: true},
			{name: "one's own", at: []position{own}, who: granted, ask: ownGrant, want: anybody, status: 204, waits: true},
		}},
	}
	for role, gives := range map[string][]permission{
		"admin": permissions("admin"), "operator": permissions("operator"), "station": permissions("station"), "lookers": {"device.read"},
	} {
		list[0].forms = append(list[0].forms, form{
			// Those whose own grant lasts longer give for a while.
			name: role + " for a day", at: all(), status: 201, waits: true,
			ask: func(w *world, _ *actor, at position) request {
				return request{body: m{"for": someone("dora").id, "role": role, "fleet": at.place(), "until": w.door.Clock.Now().AddDate(0, 0, 1)}}
			},
			want: onThing("grant.create", "grant.read", "fleet.read").and(func(a *actor, at position) bool { return a.mayAll(gives, at.place()) }),
		})
		for _, whom := range []string{"another", "oneself"} {
			if whom == "oneself" && role != "admin" {
				continue
			}
			list[0].forms = append(list[0].forms, form{
				name: role + " for " + whom, at: fleets(), status: 201, waits: true, who: func(a *actor) bool { return whom == "another" || a.person || a.der != nil },
				ask: func(_ *world, a *actor, at position) request {
					id := someone("dora").id
					if whom == "oneself" {
						id = a.id
					}
					return request{body: m{"for": id, "role": role, "fleet": at.place()}}
				},
				want: onThing("grant.create", "grant.read", "fleet.read").and(func(a *actor, at position) bool { return a.gives(gives, at.place()) }),
			})
		}
	}
	return list
}

// seesGrant is so of whoever may read grants where one stands, or take it back.
func seesGrant(a *actor, at position) bool {
	return a.may("grant.read", at.place()) || a.may("grant.delete", at.place())
}

func toldGrant(a *actor, t thing) bool { return t.whose == a.id || a.may("grant.read", t.at.place()) }

func granted(a *actor) bool { return a.grant != "" }

func ownGrant(_ *world, a *actor, _ position) request { return request{id: a.grant} }
