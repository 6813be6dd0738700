package enroll_test

import (
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// listed is what a list told somebody, or how it was refused.
type listed struct {
	what string
	ids  []string
	code enroll.Code
}

// checkLists compares what one of the principals is told by lists with what they may
// know of: no more, and no less.
func (w *walk) checkLists() error {
	p := pick(w, w.principals())
	want := w.model.lists(p)
	for i, got := range w.lists(p) {
		slices.Sort(got.ids)
		slices.Sort(want[i].ids)
		if got.what != want[i].what || got.code != want[i].code || !slices.Equal(got.ids, want[i].ids) {
			return fmt.Errorf("%s is told %+v, want %+v", p.ID(), got, want[i])
		}
	}
	return nil
}

// lists asks for all lists.
func (w *walk) lists(p identity.Principal) []listed {
	ctx, whole := w.tb.Context(), enroll.Page{Limit: enroll.MaxPage}
	devices, devicesErr := w.Devices(ctx, p, enroll.DeviceQuery{Page: whole})
	mine, mineErr := w.Devices(ctx, p, enroll.DeviceQuery{Owner: "me", Page: whole})
	grants, grantsErr := w.Grants(ctx, p, enroll.GrantQuery{Page: whole})
	tokens, tokensErr := w.Tokens(ctx, p, enroll.TokenQuery{Page: whole})
	fleets, fleetsErr := w.Fleets(ctx, p, "", whole)
	requests, requestsErr := w.Approvals(ctx, p, true, whole)
	return []listed{
		{"devices", eachID(devices.Items, func(d enroll.DeviceInfo) string { return string(d.ID) }), codeOf(devicesErr)},
		{"devices of their own", eachID(mine.Items, func(d enroll.DeviceInfo) string { return string(d.ID) }), mineCode(p, mineErr)},
		{"grants", eachID(grants.Items, func(g enroll.GrantInfo) string { return string(g.ID) + " " + string(g.FleetPath) }), codeOf(grantsErr)},
		{"tokens", eachID(tokens.Items, func(t enroll.TokenInfo) string { return string(t.ID) + " " + string(t.FleetPath) }), codeOf(tokensErr)},
		{"fleets", eachID(fleets.Items, func(f enroll.FleetInfo) string { return string(f.Path) }), codeOf(fleetsErr)},
		{"requests", eachID(requests.Items, func(a enroll.Approval) string { return string(a.ID) }), codeOf(requestsErr)},
	}
}

// mineCode leaves out how those are refused who can own nothing.
func mineCode(p identity.Principal, err error) enroll.Code {
	if p.Kind != identity.OIDC {
		return ""
	}
	return codeOf(err)
}

func eachID[T any](from []T, id func(T) string) (ids []string) {
	for _, it := range from {
		ids = append(ids, id(it))
	}
	return ids
}

// lists is what somebody may know of.
func (m *model) lists(p identity.Principal) []listed {
	refusedTo := func(permission identity.Permission) enroll.Code {
		if m.needs(p, permission) {
			return ""
		}
		return enroll.Forbidden
	}
	devices, mine := listed{what: "devices", code: refusedTo(identity.DeviceRead)}, listed{what: "devices of their own"}
	if p.Kind == identity.OIDC {
		mine.code = refusedTo(identity.DeviceRead)
	}
	for _, d := range m.devices {
		reads := m.may(p, identity.DeviceRead, d.fleet)
		if reads || !m.anywhere(p, identity.DeviceRead) && m.owns(p, d) { // who holds some branch asks for their own by name
			devices.ids = append(devices.ids, string(d.id))
		}
		if d.owner != "" && d.owner == p.ID() {
			mine.ids = append(mine.ids, string(d.id))
		}
	}
	grants := listed{what: "grants", code: refusedTo(identity.GrantRead)}
	for _, g := range m.grants {
		if grants.code == "" && (g.to == p.ID() || m.may(p, identity.GrantRead, g.fleet)) {
			grants.ids = append(grants.ids, g.id+" "+g.fleet.path())
		}
	}
	tokens := listed{what: "tokens", code: refusedTo(identity.TokenRead)}
	for _, t := range m.tokens {
		told := p.ID() == t.maker.ID() || m.may(p, identity.TokenRead, t.fleet)
		if tokens.code == "" && told {
			tokens.ids = append(tokens.ids, t.id+" "+t.fleet.path())
		}
	}
	fleets := listed{what: "fleets", code: refusedTo(identity.FleetRead)}
	for _, f := range m.fleets {
		if m.may(p, identity.FleetRead, f) && (f.above == nil || !m.may(p, identity.FleetRead, f.above)) {
			fleets.ids = append(fleets.ids, f.path())
		}
	}
	requests := listed{what: "requests"}
	for _, r := range m.requests {
		if m.request(p, r) == "" {
			requests.ids = append(requests.ids, r.id)
		}
	}
	return []listed{devices, mine, grants, tokens, fleets, requests}
}
