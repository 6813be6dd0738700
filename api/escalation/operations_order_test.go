package escalation_test

import "slices"

func orderOperations() []operation {
	read := onThing("order.read")
	return append([]operation{
		{"POST /api/v1/orders", "order.create", []form{
			{at: append(known(), top), ask: in("fleet", newOrder(nil)), want: onThing("order.create", "order.read"), status: 201},
			{name: "in a fleet that is made for it", at: []position{unknown}, ask: in("fleet", newOrder(nil)), want: makes("order.create"), status: 201},
			{
				name: "for an owner", at: known(), ask: in("fleet", newOrder(m{"owner": someone("dora").id})), status: 201,
				want: onThing("order.create", "order.read").and(func(a *actor, at position) bool { return a.may("device.assign", at.place()) }),
			},
			{
				name: "for oneself", at: known(), who: answersInPerson, status: 201, want: onThing("order.create", "order.read").and(assignsToThemselves),
				ask: func(w *world, a *actor, at position) request {
					return in("fleet", newOrder(m{"owner": a.responsible()}))(w, a, at)
				},
			},
		}},
		{"GET /api/v1/orders", "order.read", []form{{
			at: lists(), ask: listing("fleet"), want: ofList("order.read"), status: 200, reads: true,
			items: &items{things: "order", told: where("order.read"), id: member("id")},
		}}},
		{"GET /api/v1/orders/{id}", "order.read", []form{{at: all(), ask: about("order", nil), want: read, status: 200, reads: true}}},
		{"PATCH /api/v1/orders/{id}", "order.edit", []form{
			{at: all(), ask: about("order", m{"quantity": 200}), want: onThing("order.edit", "order.read"), status: 200},
			{
				name: "for an owner", at: all(), ask: about("order", m{"owner": someone("dora").id}), status: 200,
				want: onThing("order.edit", "order.read").and(func(a *actor, at position) bool { return a.may("device.assign", at.place()) }),
			},
		}},
		{"POST /api/v1/orders/{id}/close", "order.close", []form{{at: all(), ask: about("order", nil), want: onThing("order.close", "order.read"), status: 200}}},
		{"POST /api/v1/orders/{id}/tickets", "ticket.draw", []form{
			{at: all(), ask: about("order", m{"serials": []string{"FRESH"}}), want: onThing("ticket.draw", "order.read"), status: 201},
			{
				// A device of another order, whatever it is called, cannot be drawn for from one's
				// own.
				name: "for a device outside", at: []position{sibling, parent}, status: 201,
				ask: func(w *world, _ *actor, at position) request {
					return request{id: w.ids["order"][own], body: m{"serials": []string{w.ids["active"][at][len("TH20-"):]}}}
				},
				want: func(a *actor, at position) outcome {
					if said := onThing("ticket.draw", "order.read")(a, own); said != allowed || a.may("ticket.draw", at.place()) {
						return said
					}
					return wrongState
				},
			},
		}},
	}, stationOperations()...)
}

func newOrder(more m) m {
	body := m{"model": "TH20", "quantity": 1}
	for name, value := range more {
		body[name] = value
	}
	return body
}

// makes is the rule of what is made in a fleet that is not there, and made with it.
func makes(need permission) rule {
	return func(a *actor, at position) outcome {
		switch {
		case !a.anywhere(need):
			return forbidden
		case a.may("fleet.create", at.place()) && a.may(need, at.place()):
			return allowed
		case a.may("fleet.read", at.place()):
			return forbidden
		default:
			return notFound
		}
	}
}

// answersInPerson is so of whoever is a person, or whose token it is.
func answersInPerson(a *actor) bool { return a.person || a.answers != "" }

// assignsToThemselves is so of those who hold already what owning would give them.
func assignsToThemselves(a *actor, at position) bool {
	if !a.may("device.assign", at.place()) {
		return false
	}
	for p := range ownersMay() {
		if !a.may(p, at.place()) {
			return false
		}
	}
	return true
}

// stationOperations are on both listeners.
func stationOperations() []operation {
	return []operation{
		{"POST /api/v1/orders/{id}/devices", "device.enrol", []form{{
			at: all(), want: vouches, status: 201, waits: true, second: "ticket.draw",
			ask: func(w *world, _ *actor, at position) request {
				return request{id: w.ids["order"][at], body: m{"serial": "FRESH", "csr": w.request}}
			},
		}}},
		{"POST /api/v1/devices/{id}/claim-code", "claim.draw", []form{{at: all(), ask: about("active", nil), want: drawsClaimCodes, status: 201}}},
	}
}

// vouches is the rule of stations: an order names them, and unless they show a
// certificate they hold device.enrol where it is.
func vouches(a *actor, at position) outcome {
	switch {
	case a.der == nil && !a.anywhere("device.enrol") && !a.anywhere("device.enrol.any"):
		return forbidden
	case at == unknown:
		return notFound
	case a.vouchesAt(at):
		return allowed
	case a.may("order.read", at.place()):
		return forbidden
	default:
		return notFound
	}
}

func (a *actor) vouchesAt(at position) bool {
	named := a.station && slices.Contains(known(), at) || a.der != nil && at == own
	return a.may("device.enrol.any", at.place()) || named && (a.der != nil || a.may("device.enrol", at.place()))
}

// drawsClaimCodes is the rule of claim codes: stations draw those of devices that they
// may enrol.
func drawsClaimCodes(a *actor, at position) outcome {
	switch {
	case !a.anywhere("claim.draw") && a.der == nil && !a.anywhere("device.enrol") && !a.anywhere("device.enrol.any"):
		return forbidden
	case at == unknown:
		return notFound
	case a.may("claim.draw", at.place()) || a.vouchesAt(at):
		return allowed
	case a.may("device.read", at.place()):
		return forbidden
	default:
		return notFound
	}
}
