package escalation_test

import (
	"fmt"
	"net/url"

	"github.com/touchmark/touchmark/api/rest/resttest"
)

func escaped(text string) string { return url.QueryEscape(text) }

func roleOperations() []operation {
	with := func(list ...permission) func(*world, *actor, position) request {
		return once("fresh", m{"permissions": list})
	}
	writes := func(gives ...permission) rule {
		return onWholeTree("role.edit").and(func(a *actor, _ position) bool { return a.gives(gives, root) })
	}
	at := []position{nowhere}
	return []operation{
		{"GET /api/v1/roles", "role.read", []form{{at: at, ask: once("", nil), want: onBranches("role.read"), status: 200, reads: true}}},
		{"PUT /api/v1/roles/{name}", "role.edit", []form{
			{name: "little", at: at, ask: with("role.edit"), want: writes("role.edit"), status: 200, waits: true},
			{name: "more", at: at, ask: with("device.revoke"), want: writes("device.revoke"), status: 200, waits: true},
			{name: "all", at: at, ask: with(bestowable()...), want: writes(bestowable()...), status: 200, waits: true},
			// The role that gives what nobody holds but the break-glass token.
			{name: "too much", at: at, ask: with("device.enrol.any"), want: onWholeTree("role.edit").but(allowed, unacceptable, nowhere)},
			{name: "built in", at: at, ask: once("operator", m{"permissions": []string{"device.read"}}), want: onWholeTree("role.edit").but(allowed, wrongState, nowhere)},
		}},
		{"DELETE /api/v1/roles/{name}", "role.edit", []form{
			{at: at, ask: once("lookers", nil), want: onWholeTree("role.edit"), status: 204, waits: true},
			{name: "that is not there", at: at, ask: once("nothing", nil), want: onWholeTree("role.edit").but(allowed, notFound, nowhere)},
		}},
	}
}

func tokenOperations() []operation {
	makes := func(list ...permission) form {
		return form{
			name: "for " + string(list[0]), at: fleets(), status: 201,
			ask: func(_ *world, _ *actor, at position) request {
				return request{body: m{"name": "line", "fleet": at.place(), "permissions": list, "until": resttest.Begin().AddDate(0, 2, 0)}}
			},
			want: func(a *actor, at position) outcome {
				said := onThing("token.create", "token.read", "fleet.read")(a, at)
				if a.anywhere("token.create") && a.der != nil {
					return forbidden // whoever makes one signs in, and answers for it
				}
				if said == allowed && !a.mayAll(list, at.place()) {
					return forbidden
				}
				return said
			},
		}
	}
	never := func(p permission) form {
		f := makes(p)
		f.name = "for " + string(p) + ", which no token carries"
		f.at = known()
		f.want = func(a *actor, _ position) outcome {
			if a.anywhere("token.create") && a.der == nil {
				return unacceptable
			}
			return forbidden
		}
		return f
	}
	sees := func(a *actor, at position) bool {
		return at != unknown && (a.may("token.read", at.place()) || a.may("token.revoke", at.place()))
	}
	ownToken := func(_ *world, a *actor, _ position) request { return request{id: a.made} }
	made := func(a *actor) bool { return a.made != "" }
	at := []position{nowhere}
	forms := []form{makes("order.read"), makes("device.revoke"), makes("device.enrol", "device.hold")}
	for _, p := range permissions("") {
		if len(delegable([]permission{p})) == 0 {
			forms = append(forms, never(p))
		}
	}
	return []operation{
		{"POST /api/v1/tokens", "token.create", forms},
		{"GET /api/v1/tokens", "token.read", []form{
			{
				at: lists(), ask: listing("fleet"), want: ofList("token.read"), status: 200, reads: true,
				items: &items{things: "token", told: func(a *actor, t thing) bool {
					return t.whose == a.id || t.id == a.made && a.answers != "" || a.may("token.read", t.at.place())
				}, id: member("id")},
			},
			{
				name: "one's own", at: at, status: 200, reads: true, want: anybody,
				ask: func(_ *world, a *actor, _ position) request {
					return request{query: "limit=1000&maker=" + escaped(a.id)}
				},
				items: &items{things: "token", told: func(a *actor, t thing) bool { return t.whose == a.id }, id: member("id")},
			},
		}},
		{"GET /api/v1/tokens/{id}", "token.read", []form{
			{at: all(), ask: about("token", nil), status: 200, reads: true, want: func(a *actor, at position) outcome {
				return orNotFound(sees(a, at) || a.bearer != "" && a.id == "break-glass" && at != unknown)
			}},
			{name: "one's own", at: at, who: made, ask: ownToken, want: anybody, status: 200, reads: true},
		}},
		{"POST /api/v1/tokens/{id}/rotate", "token.create", []form{
			{
				at: all(), ask: about("token", nil), status: 200,
				want: func(a *actor, at position) outcome {
					switch {
					case !sees(a, at):
						return notFound
					case a.id != "break-glass": // which made these
						return forbidden
					default:
						return allowed
					}
				},
			},
			{name: "one's own", at: at, who: made, ask: ownToken, status: 200, want: func(a *actor, _ position) outcome {
				return orForbidden(a.answers == "") // whoever finds a token does not keep it by changing its text
			}},
		}},
		{"POST /api/v1/tokens/{id}/revoke", "token.revoke", []form{
			{
				at: all(), ask: about("token", nil), status: 200,
				want: func(a *actor, at position) outcome {
					if !sees(a, at) {
						return notFound
					}
					return orForbidden(a.may("token.revoke", at.place()))
				},
			},
			{name: "one's own", at: at, who: made, ask: ownToken, status: 200, want: func(a *actor, _ position) outcome { return orForbidden(a.answers == "") }},
		}},
	}
}

// index is how a record of the log is named.
func index(record m) string { return fmt.Sprint(record["index"]) }

func approvalOperations() []operation {
	decides := inside("device.hold")
	at := []position{nowhere}
	return []operation{
		{"GET /api/v1/approvals", "signed-in", []form{{
			at: at, ask: once("", nil), want: anybody, status: 200, reads: true, items: &items{things: "approval", told: where("device.hold"), id: member("id")},
		}}},
		{"GET /api/v1/approvals/{id}", "signed-in", []form{{at: all(), ask: about("approval", nil), want: decides, status: 200, reads: true}}},
		{"POST /api/v1/approvals/{id}/approve", "signed-in", []form{{at: all(), ask: about("approval", nil), want: decides, status: 200}}},
		{"POST /api/v1/approvals/{id}/deny", "signed-in", []form{{at: all(), ask: about("approval", nil), want: decides, status: 200}}},
		{"POST /api/v1/approvals/{id}/withdraw", "signed-in", []form{{
			at: all(), ask: about("approval", nil), want: decides.but(allowed, forbidden, known()...),
		}}},
	}
}

func installationOperations() []operation {
	at := []position{nowhere}
	question := func(as string) func(*world, *actor, position) request {
		return func(_ *world, _ *actor, at position) request {
			body := m{"permission": "device.revoke", "on": at.place()}
			if as != "" {
				body["as"] = as
			}
			return request{body: body}
		}
	}
	return []operation{
		{"POST /api/v1/access/explain", "signed-in", []form{
			{name: "oneself", at: fleets(), ask: question(""), status: 200, reads: true, want: func(a *actor, at position) outcome {
				return orNotFound(at != unknown && a.sees(at.place()))
			}},
			{name: "another", at: fleets(), ask: question(someone("dora").id), want: onThing("access.explain"), status: 200, reads: true},
			{
				name: "oneself on a device", at: devices(), status: 200, reads: true,
				ask: func(w *world, _ *actor, at position) request {
					return request{body: m{"permission": "device.revoke", "on": w.ids["active"][at]}}
				},
				want: func(a *actor, at position) outcome {
					return orNotFound(at != unknown && (a.may("device.read", at.place()) || a.owns(at)))
				},
			},
		}},
		{"GET /api/v1/whoami", "signed-in", []form{{at: at, ask: once("", nil), want: anybody, status: 200, reads: true}}},
		{"GET /api/v1/audit", "audit.read", []form{
			{
				at: all(), ask: listing("fleet"), want: ofList("audit.read"), status: 200, reads: true,
				items: &items{things: "record", told: where("audit.read"), id: index},
			},
			{
				// Break-glass would read of its own reading.
				name: "all that may be read", at: []position{nowhere, top}, ask: listing("fleet"), want: ofList("audit.read"), status: 200, reads: true,
				items: &items{things: "record", told: where("audit.read"), id: index}, who: func(a *actor) bool { return a.id != "break-glass" },
			},
			{
				name: "about a device", at: devices(), want: onBranches("audit.read"), status: 200, reads: true,
				ask: func(w *world, _ *actor, at position) request {
					return request{query: "limit=1000&device=" + w.ids["active"][at]}
				},
				items: &items{things: "record", told: where("audit.read"), id: index, only: func(w *world, at position, t thing) bool {
					return t.whose == w.ids["active"][at]
				}},
			},
		}},
		{"GET /api/v1/audit/checkpoint", "audit.read", []form{{at: at, ask: once("", nil), want: onWholeTree("audit.read"), status: 200, reads: true}}},
		{"POST /api/v1/breakglass/rotate", "breakglass.rotate", []form{{at: at, ask: once("", nil), want: onWholeTree("breakglass.rotate"), status: 200}}},
		{"GET /api/v1/backup", "installation.backup", []form{{at: at, ask: once("", nil), want: onWholeTree("installation.backup"), status: 200}}},
		{"POST /api/v1/store/compact", "installation.compact", []form{{at: at, ask: once("", nil), want: onWholeTree("installation.compact"), status: 200}}},
	}
}
