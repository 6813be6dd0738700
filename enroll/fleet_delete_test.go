package enroll_test

import (
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

func TestEmptyFleetsAreDeleted(t *testing.T) {
	r := newRig(t)
	line := r.fleet("/berlin/line-3")
	check(t, r.DeleteFleet(t.Context(), r.admin, "/berlin/line-3"))
	for _, name := range []string{"/berlin/line-3", string(line.ID)} {
		_, err := r.Fleet(t.Context(), r.admin, name)
		wantCode(t, err, enroll.NotFound)
		wantCode(t, r.DeleteFleet(t.Context(), r.admin, name), enroll.NotFound)
	}
	events := r.log()
	if last := events[len(events)-1]; last.Kind != enroll.FleetDeleted || last.Fleet != line.Path || last.FleetID != line.ID || last.Grant == "" {
		t.Errorf("the log says %+v", last)
	}
	if again := r.fleet("/berlin/line-3"); again.ID == line.ID || again.PolicyVersion != 0 {
		t.Errorf("the fleet came back as %+v", again)
	}
}

func TestFleetsWithSomethingInThemStay(t *testing.T) {
	for name, c := range map[string]struct {
		with func(*rig)
		want enroll.Code
		then func(*rig) // after which it can be deleted; nil where it never can
	}{
		"the root":          {func(*rig) {}, enroll.WrongState, nil},
		"a fleet below":     {func(r *rig) { r.fleet("/x/y") }, enroll.Conflict, func(r *rig) { check(r.tb, r.DeleteFleet(r.tb.Context(), r.admin, "/x/y")) }},
		"an order":          {func(r *rig) { r.order(1, inFleet("/x")) }, enroll.Conflict, nil},
		"a device, retired": {func(r *rig) { r.retired("/x") }, enroll.Conflict, nil},
		"a grant": {
			func(r *rig) { r.grant(person("eve").ID(), "operator", "/x", r.clock.Now().Add(time.Hour)) }, enroll.Conflict,
			func(r *rig) { r.clock.advance(time.Hour) },
		},
		"a token": {
			func(r *rig) {
				_, err := r.CreateToken(r.tb.Context(), r.admin, enroll.NewToken{
					Name: "line", Fleet: "/x", Permissions: []string{"order.read"}, Until: r.clock.Now().Add(time.Hour),
				})
				check(r.tb, err)
			}, enroll.Conflict, func(r *rig) { r.clock.advance(time.Hour) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			fleet := "/"
			if c.want == enroll.Conflict {
				fleet = "/x"
				r.fleet(fleet)
			}
			c.with(r)
			wantCode(t, r.DeleteFleet(t.Context(), r.admin, fleet), c.want)
			if c.then == nil {
				return
			}
			c.then(r)
			check(t, r.DeleteFleet(t.Context(), r.admin, fleet))
			// What had ended is gone with it, and no list stumbles over it.
			grants, err := r.Grants(t.Context(), r.admin, enroll.GrantQuery{})
			check(t, err)
			tokens, err := r.Tokens(t.Context(), r.admin, enroll.TokenQuery{})
			check(t, err)
			if len(grants.Items) != 0 || len(tokens.Items) != 0 {
				t.Errorf("left are %v and %v", grants.Items, tokens.Items)
			}
		})
	}
}

func inFleet(fleet string) func(*enroll.NewOrder) {
	return func(o *enroll.NewOrder) { o.Fleet = fleet }
}

// retired has a fleet have a device that was retired.
func (r *rig) retired(fleet string) {
	r.tb.Helper()
	issued, err := r.vouch(r.order(1, inFleet(fleet)), "SN1", newKey(r.tb))
	check(r.tb, err)
	r.act(issued.Device, identity.Retire, "")
}

// Whoever may delete fleets does not take away what policy says: a fleet of that name
// that is made later says nothing.
func TestDeletingAFleetWithAPolicyTakesPolicySet(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3")
	r.say("/berlin/line-3", protected(policy.SubjectEnrolment))
	_, err := r.PutRole(t.Context(), r.admin, "tidier", []string{"fleet.read", "fleet.create", "fleet.delete"})
	check(t, err)
	tidier := person("tidier")
	r.grant(tidier.ID(), "tidier", "/berlin", time.Time{})
	wantCode(t, r.DeleteFleet(t.Context(), tidier, "/berlin/line-3"), enroll.Forbidden)
	wantCode(t, r.DeleteFleet(t.Context(), person("nobody"), "/berlin/line-3"), enroll.Forbidden)
	r.fleet("/munich/line-3")
	wantCode(t, r.DeleteFleet(t.Context(), tidier, "/munich/line-3"), enroll.NotFound)
	r.fleet("/berlin/line-4")
	check(t, r.DeleteFleet(t.Context(), tidier, "/berlin/line-4"))
	check(t, r.DeleteFleet(t.Context(), r.admin, "/berlin/line-3"))
	if again := r.fleet("/berlin/line-3"); again.Policy != (policy.Policy{}) || again.PolicyVersion != 0 {
		t.Errorf("a new fleet of the name is %+v", again)
	}
}

func TestDeletingAProtectedFleetWaits(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3")
	r.say("/berlin", protected(policy.SubjectAuthority))
	asked := waits(t, r.DeleteFleet(t.Context(), r.admin, "/berlin/line-3"))
	_, err := r.Approve(t.Context(), holding("boss", identity.Admin, "/"), string(asked.ID), "")
	check(t, err)
	_, err = r.Fleet(t.Context(), r.admin, "/berlin/line-3")
	wantCode(t, err, enroll.NotFound)
}

// What is known of a fleet that is gone is known to those who may know of its place,
// and to nobody else; nobody stumbles over it.
func TestWhatIsToldOfADeletedFleet(t *testing.T) {
	r := newRig(t)
	line := r.fleet("/berlin/line-3")
	r.fleet("/munich")
	r.say("/berlin", protected(policy.SubjectAuthority))
	boss := holding("boss", identity.Admin, "/")
	_, err := r.EditFleet(t.Context(), boss, "/berlin/line-3", enroll.FleetEdit{Name: "line-4"})
	asked := waits(t, err)
	check(t, r.DeleteFleet(t.Context(), identity.NewBreakGlass(), "/berlin/line-3"))

	_, err = r.Approve(t.Context(), r.admin, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
	waiting, err := r.Approvals(t.Context(), r.admin, true, enroll.Page{})
	check(t, err)
	if len(waiting.Items) != 1 || waiting.Items[0].Paths[0] != line.Path {
		t.Errorf("waiting is %+v", waiting.Items)
	}
	_, err = r.Deny(t.Context(), r.admin, string(asked.ID), "it is gone")
	check(t, err)
	told := func(fleet identity.FleetPath) (n int) {
		list, err := r.Audit(t.Context(), holding("auditor", identity.Auditor, fleet), enroll.AuditQuery{})
		check(t, err)
		for _, record := range list.Items {
			if strings.Contains(string(record), string(line.ID)) {
				n++
			}
		}
		return n
	}
	if in, out := told("/berlin"), told("/munich"); in != 4 || out != 0 { // created, requested, deleted, denied
		t.Errorf("told within its branch are %d records, outside %d", in, out)
	}
}
