package enroll_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// grant gives a role, as the administrator.
func (r *rig) grant(to, role, fleet string, until time.Time) enroll.GrantInfo {
	r.tb.Helper()
	given, err := r.CreateGrant(r.tb.Context(), r.admin, enroll.NewGrant{For: to, Role: role, Fleet: fleet, Until: until})
	check(r.tb, err)
	return given
}

func TestGrantsReachTheirBranchAlone(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1") // in /berlin/line-3
	bob, ops := person("bob"), person("carol", "ops")
	_, err := r.Device(t.Context(), bob, string(issued.Device))
	wantCode(t, err, enroll.Forbidden)

	given := r.grant(bob.ID(), "security", "/berlin", time.Time{})
	r.grant("group:https://idp.example#ops", "operator", "/berlin/line-3", time.Time{})
	_, err = r.Device(t.Context(), bob, string(issued.Device))
	check(t, err)
	_, err = r.Device(t.Context(), ops, string(issued.Device))
	check(t, err)
	_, err = r.Act(t.Context(), ops, string(issued.Device), identity.Hold, "", "")
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Act(t.Context(), bob, string(issued.Device), identity.Hold, "", "")
	check(t, err)
	events := r.log()
	if last := events[len(events)-1]; last.Kind != enroll.DeviceHeld || last.Grant != string(given.ID) || last.FleetID == "" {
		t.Errorf("the log does not say which grant let bob: %+v", last)
	}

	other := r.order(1, func(o *enroll.NewOrder) { o.Fleet = "/hamburg" })
	_, err = r.Order(t.Context(), bob, string(other.ID))
	wantCode(t, err, enroll.NotFound)
	_, err = r.Orders(t.Context(), bob, enroll.OrderQuery{Fleet: "/hamburg", Page: enroll.Page{Limit: 1}})
	wantCode(t, err, enroll.NotFound)
	orders, err := r.Orders(t.Context(), bob, enroll.OrderQuery{Page: enroll.Page{Limit: 10}})
	check(t, err)
	if len(orders.Items) != 1 || orders.Items[0].FleetPath != "/berlin/line-3" {
		t.Errorf("bob's orders are %+v", orders.Items)
	}

	// Where a fleet is not there, and where it is out of sight, the answer is one.
	for _, fleet := range []string{"/hamburg", "/nowhere"} {
		_, err = r.CreateOrder(t.Context(), ops, enroll.NewOrder{Fleet: fleet, Model: "TH20", Quantity: 1})
		wantCode(t, err, enroll.NotFound)
	}

	check(t, r.DeleteGrant(t.Context(), r.admin, string(given.ID)))
	_, err = r.Device(t.Context(), bob, string(issued.Device))
	wantCode(t, err, enroll.Forbidden)
}

func TestGrantsEnd(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1")
	bob := person("bob")
	r.grant(bob.ID(), "auditor", "/", r.clock.Now().Add(time.Hour))
	_, err := r.Device(t.Context(), bob, string(issued.Device))
	check(t, err)
	r.clock.advance(time.Hour)
	_, err = r.Device(t.Context(), bob, string(issued.Device))
	wantCode(t, err, enroll.Forbidden)
}

// Nobody gives what they do not hold on that branch, or for longer.
func TestNobodyGivesWhatTheyDoNotHold(t *testing.T) {
	r := newRig(t)
	r.order(1)
	r.order(1, func(o *enroll.NewOrder) { o.Fleet = "/hamburg" })
	friday := r.clock.Now().Add(48 * time.Hour)
	boss, brief := person("boss"), person("brief")
	r.grant(boss.ID(), "admin", "/berlin", time.Time{})
	r.grant(brief.ID(), "admin", "/berlin", friday)
	_, err := r.PutRole(t.Context(), r.admin, "granter", []string{"grant.create", "grant.read", "fleet.read", "device.read"})
	check(t, err)
	granter := person("granter")
	r.grant(granter.ID(), "granter", "/berlin", time.Time{})

	give := func(who identity.Principal, role, fleet string, until time.Time) error {
		_, err := r.CreateGrant(t.Context(), who, enroll.NewGrant{For: "oidc:https://idp.example#friend", Role: role, Fleet: fleet, Until: until})
		return err
	}
	for name, c := range map[string]struct {
		who   identity.Principal
		role  string
		fleet string
		until time.Time
		want  enroll.Code
	}{
		"on one's own branch":                 {boss, "admin", "/berlin", time.Time{}, ""},
		"below it":                            {boss, "operator", "/berlin/line-3", time.Time{}, ""},
		"on the root":                         {boss, "auditor", "/", time.Time{}, enroll.NotFound},
		"on a neighbour":                      {boss, "auditor", "/hamburg", time.Time{}, enroll.NotFound},
		"a role that holds more":              {granter, "security", "/berlin", time.Time{}, enroll.Forbidden},
		"a role that is held in whole":        {granter, "granter", "/berlin", time.Time{}, ""},
		"without end, having one":             {brief, "operator", "/berlin", time.Time{}, enroll.Forbidden},
		"for longer than it lasts":            {brief, "operator", "/berlin", friday.Add(time.Second), enroll.Forbidden},
		"for as long as it lasts":             {brief, "operator", "/berlin", friday, ""},
		"the break-glass role":                {r.admin, "break-glass", "/", time.Time{}, enroll.BadRequest},
		"a role that there is not":            {boss, "king", "/berlin", time.Time{}, enroll.BadRequest},
		"an end that has passed":              {boss, "operator", "/berlin", r.clock.Now(), enroll.BadRequest},
		"to somebody by an e-mail's look":     {boss, "operator", "berlin", time.Time{}, enroll.BadRequest},
		"as somebody who may not give at all": {person("nobody"), "operator", "/berlin", time.Time{}, enroll.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			err := give(c.who, c.role, c.fleet, c.until)
			if c.want == "" {
				check(t, err)
				return
			}
			wantCode(t, err, c.want)
		})
	}
	for _, to := range []string{"", "bob", "oidc:bob", "group:x", "token:1", "break-glass", "system", "device:", "device:no hyphen", "oidc:https://idp.example#a\nb"} {
		_, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: to, Role: "operator", Fleet: "/"})
		wantCode(t, err, enroll.BadRequest)
	}
}

func TestGrantsAreTakenBackByWhoMayAndGivenUpByTheirHolder(t *testing.T) {
	r := newRig(t)
	r.order(1)
	bob, boss, operator := person("bob"), person("boss"), person("operator")
	r.grant(boss.ID(), "admin", "/berlin", time.Time{})
	r.grant(operator.ID(), "operator", "/", time.Time{})
	wide := r.grant(bob.ID(), "security", "/", time.Time{})
	narrow := r.grant(bob.ID(), "security", "/berlin", time.Time{})
	wantCode(t, r.DeleteGrant(t.Context(), boss, string(wide.ID)), enroll.NotFound)
	wantCode(t, r.DeleteGrant(t.Context(), operator, string(narrow.ID)), enroll.NotFound)
	check(t, r.DeleteGrant(t.Context(), boss, string(narrow.ID)))
	wantCode(t, r.DeleteGrant(t.Context(), boss, string(narrow.ID)), enroll.NotFound)
	check(t, r.DeleteGrant(t.Context(), bob, string(wide.ID)))
	for _, grant := range []string{"", "x", "../../x", "\x00"} {
		wantCode(t, r.DeleteGrant(t.Context(), r.admin, grant), enroll.NotFound)
	}
	found, err := r.Grants(t.Context(), r.admin, enroll.GrantQuery{For: bob.ID(), Page: enroll.Page{Limit: 10}})
	check(t, err)
	if len(found.Items) != 0 {
		t.Errorf("bob still has %+v", found.Items)
	}
}

// A branch's grants are listed without a look at those of others, part by part.
func TestGrantsOfABranchAreListedAlone(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3")
	for i := range 30 {
		r.fleet("/elsewhere")
		r.grant(person(fmt.Sprintf("other-%d", i)).ID(), "auditor", "/elsewhere", time.Time{})
	}
	boss := person("boss")
	want := map[enroll.GrantID]bool{
		r.grant(boss.ID(), "admin", "/berlin", time.Time{}).ID:                 true,
		r.grant(boss.ID(), "station", "/elsewhere", time.Time{}).ID:            true, // one's own, wherever
		r.grant(person("a").ID(), "auditor", "/berlin", time.Time{}).ID:        true,
		r.grant(person("b").ID(), "auditor", "/berlin/line-3", time.Time{}).ID: true,
	}
	page, parts := enroll.Page{Limit: 1}, 0
	for {
		found, err := r.Grants(t.Context(), boss, enroll.GrantQuery{Page: page})
		check(t, err)
		parts++
		for _, g := range found.Items {
			if !want[g.ID] {
				t.Errorf("boss is shown %+v, or twice", g)
			}
			delete(want, g.ID)
		}
		if page.After = found.Next; page.After == "" {
			break
		}
	}
	if len(want) > 0 || parts > 8 {
		t.Errorf("%d grants are missing after %d parts", len(want), parts)
	}
	_, err := r.Grants(t.Context(), boss, enroll.GrantQuery{Page: enroll.Page{After: "nonsense"}})
	wantCode(t, err, enroll.BadRequest)
}

func TestRoles(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1")
	bob, boss, brief := person("bob"), person("boss"), person("brief")
	for _, may := range [][]string{{}, {"device.fly"}, {"device.enrol.any"}, {"device.read", "device.read"}} {
		_, err := r.PutRole(t.Context(), r.admin, "viewer", may)
		wantCode(t, err, enroll.BadRequest)
	}
	_, err := r.PutRole(t.Context(), r.admin, "admin", []string{"device.read"})
	wantCode(t, err, enroll.WrongState)
	_, err = r.PutRole(t.Context(), r.admin, "viewer", []string{"device.read"})
	check(t, err)
	r.grant(bob.ID(), "viewer", "/berlin", time.Time{})
	_, err = r.Device(t.Context(), bob, string(issued.Device))
	check(t, err)
	_, err = r.Act(t.Context(), bob, string(issued.Device), identity.Hold, "", "")
	wantCode(t, err, enroll.Forbidden)

	// Editing a role is power over the whole tree, without end.
	r.grant(boss.ID(), "admin", "/berlin", time.Time{})
	_, err = r.PutRole(t.Context(), boss, "viewer", []string{"device.read", "device.hold"})
	wantCode(t, err, enroll.Forbidden)
	r.grant(brief.ID(), "admin", "/", r.clock.Now().Add(time.Hour))
	_, err = r.PutRole(t.Context(), brief, "viewer", []string{"device.read", "device.hold"})
	wantCode(t, err, enroll.Forbidden)

	_, err = r.PutRole(t.Context(), r.admin, "viewer", []string{"device.read", "device.hold"})
	check(t, err)
	_, err = r.Act(t.Context(), bob, string(issued.Device), identity.Hold, "", "")
	check(t, err)
	check(t, r.DeleteRole(t.Context(), r.admin, "viewer"))
	_, err = r.Device(t.Context(), bob, string(issued.Device))
	wantCode(t, err, enroll.Forbidden)
	wantCode(t, r.DeleteRole(t.Context(), r.admin, "viewer"), enroll.NotFound)
	roles, err := r.Roles(t.Context(), r.admin, enroll.Page{Limit: 100})
	check(t, err)
	if len(roles.Items) != len(identity.Roles()) {
		t.Errorf("the roles are %v", roles.Items)
	}
}

func TestExplain(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1")
	r.fleet("/hamburg")
	bob := person("bob")
	r.grant(bob.ID(), "security", "/hamburg", time.Time{})
	r.grant(bob.ID(), "security", "/berlin", r.clock.Now().Add(time.Minute))
	here := r.grant(bob.ID(), "security", "/berlin/line-3", time.Time{})
	r.clock.advance(time.Hour)
	ask := func(p identity.Principal, as, on string) enroll.Explanation {
		t.Helper()
		answer, err := r.Explain(t.Context(), p, enroll.Question{As: as, Permission: "device.revoke", On: on})
		check(t, err)
		return answer
	}
	for _, on := range []string{"/berlin/line-3", "TH20-SN1"} {
		answer := ask(bob, "", on)
		if !answer.Allowed || answer.Deciding.Grant != string(here.ID) || len(answer.Others) != 2 || answer.Fleet != "/berlin/line-3" {
			t.Errorf("on %s: %+v", on, answer)
		}
		why := map[string]bool{}
		for _, other := range answer.Others {
			why[other.Why] = true
		}
		if !why["ended"] || !why["elsewhere"] {
			t.Errorf("the others do not decide for %v", why)
		}
	}
	if answer := ask(r.admin, "group:https://idp.example#none", "/berlin"); answer.Allowed || answer.Deciding != nil {
		t.Errorf("a group without grants: %+v", answer)
	}
	_, err := r.Explain(t.Context(), bob, enroll.Question{As: r.admin.ID(), Permission: "device.revoke", On: "/berlin/line-3"})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Explain(t.Context(), bob, enroll.Question{Permission: "device.revoke", On: "/"})
	wantCode(t, err, enroll.NotFound)
	_, err = r.Explain(t.Context(), bob, enroll.Question{Permission: "device.fly", On: "/hamburg"})
	wantCode(t, err, enroll.BadRequest)
}
