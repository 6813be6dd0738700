package escalation_test

import "slices"

func ownerOperations() []operation {
	list := []operation{
		{"POST /api/v1/devices/{id}/owner", "device.assign", []form{
			{
				at: devices(), ask: about("active", m{"user": someone("dora").id}), want: onDevice("device.assign", "device.read"),
				status: 200, waits: true,
			},
			{
				name: "to oneself", at: all(), who: answersInPerson, want: onDevice("device.assign", "device.read").and(assignsToThemselves), status: 200, waits: true,
				ask: func(w *world, a *actor, at position) request {
					return request{id: w.ids["active"][at], body: m{"user": a.responsible()}}
				},
			},
		}},
		{"DELETE /api/v1/devices/{id}/owner", "device.assign", []form{{
			at: []position{own, child, sibling, parent, unknown, mine}, ask: about("bobs", nil), want: givesUp, status: 204, waits: true, byGrant: "device.assign",
		}}},
		{"POST /api/v1/devices/{id}/transfer", "owner", []form{{
			at: devices(), ask: about("bobs", m{"to": someone("dora").id}), want: offers, status: 201,
		}}},
		{"DELETE /api/v1/devices/{id}/transfer", "owner", []form{{
			at: devices(), ask: about("bobs", nil), status: 204,
			want: people(func(a *actor, at position) outcome { return orNotFound(slices.Contains(a.owned, at)) }),
		}}},
		{"GET /api/v1/users/me/transfers", "signed-in", []form{{
			at: []position{nowhere}, ask: once("", nil), want: people(anybody), status: 200, reads: true,
			items: &items{things: "device", told: func(a *actor, t thing) bool { return slices.Contains(a.offered, t.at) }, id: member("device")},
		}}},
		{"GET /api/v1/users/{id}", "device.read", []form{{
			// Who is behind a pseudonym is told to those who may read one of their devices.
			at: all(), ask: about("user", nil), status: 200, reads: true, open: true,
			want: func(a *actor, at position) outcome {
				if said := onBranches("device.read")(a, at); said != allowed {
					return said
				}
				return orNotFound(at != unknown && a.may("device.read", at.place()))
			},
		}}},
		{"GET /api/v1/users/{id}/devices", "device.read", []form{{
			// Likewise; what belongs to them is told as far as it may be seen.
			at: all(), ask: about("user", nil), status: 200, reads: true, open: true,
			want: rule(readsDevices).but(allowed, notFound, unknown),
			items: &items{
				things: "device", told: seesDevice("device.read"), id: member("id"),
				only: func(w *world, at position, t thing) bool { return t.whose == w.ids["user"][at] },
			},
		}}},
		{"GET /api/v1/jobs/{id}", "signed-in", []form{{
			at: all(), ask: about("job", nil), status: 200, reads: true,
			want: func(a *actor, at position) outcome { return orNotFound(at != unknown && a.may("device.hold", root)) },
		}}},
	}
	for _, decision := range []string{"accept", "decline"} {
		status := map[string]int{"accept": 200, "decline": 204}[decision]
		list = append(list, operation{"POST /api/v1/devices/{id}/transfer/" + decision, "signed-in", []form{{
			at: devices(), ask: about("bobs", nil), status: status,
			want: people(func(a *actor, at position) outcome { return orNotFound(slices.Contains(a.offered, at)) }),
		}}})
	}
	jobs := operation{call: "POST /api/v1/users/{id}/jobs", permission: "device.hold"}
	for action, need := range map[string]permission{"hold": "device.hold", "release": "device.release", "revoke": "device.revoke", "reassign": "device.assign"} {
		body := m{"action": action}
		if action == "reassign" {
			body["to"] = someone("dora").id
		}
		jobs.forms = append(jobs.forms, form{
			name: action, at: all(), ask: about("user", body), status: 201, waits: true, byGrant: need, open: true,
			want: rule(func(a *actor, _ position) outcome {
				return orForbidden(a.anywhere(need) || ownersMay()[need] && a.ownsAny())
			}).but(allowed, notFound, unknown),
		})
	}
	return append(list, jobs)
}

// orNotFound is allowed, and else not there.
func orNotFound(may bool) outcome {
	if may {
		return allowed
	}
	return notFound
}

func orForbidden(may bool) outcome {
	if may {
		return allowed
	}
	return forbidden
}

// readsDevices is the rule of lists that tell of devices what the caller may see.
func readsDevices(a *actor, _ position) outcome {
	return orForbidden(a.anywhere("device.read") || a.ownsAny())
}

// onBranches is the rule of what takes a permission on any branch.
func onBranches(need permission) rule {
	return func(a *actor, _ position) outcome { return orForbidden(a.anywhere(need)) }
}

// givesUp is the rule of leaving a device without an owner: the person may, and whoever
// may assign it.
func givesUp(a *actor, at position) outcome {
	switch {
	case !a.anywhere("device.assign") && !a.ownsAny():
		return forbidden
	case slices.Contains(a.owned, at):
		return allowed
	default:
		return inside("device.assign", "device.read")(a, at)
	}
}

// offers is the rule of transfers: the owner alone offers, and whoever may assign the
// device is told to do that.
func offers(a *actor, at position) outcome {
	switch said := givesUp(a, at); {
	case slices.Contains(a.owned, at):
		return allowed
	case said == allowed || a.owns(at):
		return forbidden
	default:
		return said
	}
}

func claimOperations() []operation {
	bearer := people(func(_ *actor, at position) outcome { return orNotFound(at != unknown) })
	ask := func(what string) func(*world, *actor, position) request {
		return func(w *world, _ *actor, at position) request { return request{body: m{"code": w.ids[what][at]}} }
	}
	return []operation{
		{"POST /api/v1/claims/look-up", "signed-in", []form{{at: all(), ask: ask("code"), want: bearer, status: 200, reads: true, open: true}}},
		{"POST /api/v1/claims/confirm", "signed-in", []form{{at: all(), ask: ask("code"), want: bearer, status: 200, open: true}}},
		{"POST /api/v1/claims/deny", "signed-in", []form{
			{at: all(), ask: ask("started code"), want: bearer, status: 204, open: true},
			{name: "that was drawn", at: known(), ask: ask("code"), want: people(func(*actor, position) outcome { return wrongState }), open: true},
		}},
	}
}

// startedClaimOperations are what devices do over their own certificates.
func startedClaimOperations() []operation {
	device := func(then outcome) rule {
		return func(a *actor, _ position) outcome {
			if a.der == nil {
				return forbidden
			}
			return then
		}
	}
	return []operation{
		{"POST /api/v1/claims", "device", []form{{at: []position{nowhere}, ask: once("", nil), want: device(allowed), status: 201}}},
		{"GET /api/v1/claims/{id}", "device", []form{{at: all(), ask: about("started", nil), want: device(notFound), status: 200, reads: true}}},
	}
}
