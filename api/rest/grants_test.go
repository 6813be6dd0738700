package rest_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

func TestGrants(t *testing.T) {
	r := newRig(t)
	berlin := r.fleet("/berlin")
	asked := r.newGrant("person:erika", "operator", "/berlin")
	asked["until"] = "2030-05-06T09:08:09+01:00"
	created := r.call("admin", "POST", "/api/v1/grants", asked).want(t, 201)
	want := m{
		"id": created["id"], "for": "oidc:https://idp.example#erika", "role": "operator", "fleet": "/berlin", "fleet_id": berlin,
		"until": "2030-05-06T08:08:09Z", "created_at": "2030-05-06T07:08:09Z", "created_by": created["created_by"],
	}
	if !reflect.DeepEqual(created, want) {
		t.Errorf("created %v, want %v", created, want)
	}
	path := "/api/v1/grants/" + created["id"].(string)
	for _, who := range []string{"admin", "auditor", "person:erika"} {
		if shown := r.call(who, "GET", path, nil).want(t, 200); !reflect.DeepEqual(shown, created) {
			t.Errorf("shown to %s: %v", who, shown)
		}
	}
	r.call("person:max", "GET", path, nil).refused(t, 404, enroll.NotFound)

	for query, n := range map[string]int{
		"": 1, "?fleet=/berlin": 1, "?fleet=/": 0, "?for=oidc:https://idp.example%23erika": 1, "?for=oidc:https://idp.example%23max": 0,
	} {
		if list := r.call("auditor", "GET", "/api/v1/grants"+query, nil).want(t, 200); len(list["items"].([]any)) != n {
			t.Errorf("%q lists %v", query, list)
		}
	}
	if own := r.call("person:erika", "GET", "/api/v1/grants?for=oidc:https://idp.example%23erika", nil).want(t, 200); len(own["items"].([]any)) != 1 {
		t.Errorf("one's own are %v", own)
	}

	r.call("person:erika", "GET", "/api/v1/orders", nil).want(t, 200)
	r.Clock.Add(time.Hour)
	r.call("person:erika", "GET", "/api/v1/orders", nil).refused(t, 403, enroll.Forbidden)

	r.call("auditor", "DELETE", path, nil).refused(t, 403, enroll.Forbidden)
	if answer := r.call("person:erika", "DELETE", path, nil); answer.want(t, 204) != nil || answer.Body.Len() > 0 {
		t.Errorf("giving up one's own answers %q", answer.Body)
	}
	r.call("admin", "GET", path, nil).refused(t, 404, enroll.NotFound)
	r.call("admin", "DELETE", path, nil).refused(t, 404, enroll.NotFound)
}

// Nobody gives what they do not hold there, or for longer.
func TestGrantsOfWhatTheGiverLacks(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3")
	r.call("admin", "PUT", "/api/v1/roles/giver", m{"permissions": []string{"grant.create", "grant.read", "device.read"}}).want(t, 200)
	r.call("admin", "PUT", "/api/v1/roles/looker", m{"permissions": []string{"device.read"}}).want(t, 200)
	lead := r.newGrant("person:lead", "giver", "/berlin")
	lead["until"] = "2030-06-01T00:00:00Z"
	r.call("admin", "POST", "/api/v1/grants", lead).want(t, 201)
	ask := func(role, fleet, until string) reply {
		grant := r.newGrant("person:erika", role, fleet)
		if until != "" {
			grant["until"] = until
		}
		return r.call("person:lead", "POST", "/api/v1/grants", grant)
	}
	ask("looker", "/berlin/line-3", "2030-05-31T00:00:00Z").want(t, 201)
	ask("looker", "/berlin", "2030-06-01T00:00:00Z").want(t, 201)
	ask("looker", "/berlin", "2030-06-02T00:00:00Z").refused(t, 403, enroll.Forbidden)
	ask("looker", "/berlin", "").refused(t, 403, enroll.Forbidden)
	ask("operator", "/berlin", "2030-05-31T00:00:00Z").refused(t, 403, enroll.Forbidden)
	ask("looker", "/", "2030-05-31T00:00:00Z").refused(t, 404, enroll.NotFound)
	ask("nonesuch", "/berlin", "2030-05-31T00:00:00Z").refused(t, 400, enroll.BadRequest)

	for name, c := range map[string]struct {
		change m
		field  string
	}{
		"for nobody":             {m{"for": "erika"}, "for"},
		"for the break-glass":    {m{"for": "break-glass"}, "for"},
		"for a token":            {m{"for": "token:x"}, "for"},
		"break-glass":            {m{"role": "break-glass"}, "role"},
		"a malformed role":       {m{"role": "Ops!"}, "role"},
		"a malformed fleet":      {m{"fleet": "berlin"}, "fleet"},
		"an end that is over":    {m{"until": "2030-01-01T00:00:00Z"}, "until"},
		"an end that is no time": {m{"until": "0001-01-01T00:00:00Z"}, "until"},
	} {
		t.Run(name, func(t *testing.T) {
			grant := r.newGrant("person:erika", "operator", "/berlin")
			for member, value := range c.change {
				grant[member] = value
			}
			if problem := r.call("admin", "POST", "/api/v1/grants", grant).refused(t, 400, enroll.BadRequest); problem["field"] != c.field {
				t.Errorf("told %v", problem)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	r := newRig(t)
	put := r.call("admin", "PUT", "/api/v1/roles/line-lead", m{"permissions": []string{"order.read", "device.read", "order.create"}}).want(t, 200)
	want := m{"name": "line-lead", "built_in": false, "permissions": []any{"order.create", "order.read", "device.read"}, "changed_at": "2030-05-06T07:08:09Z"}
	if !reflect.DeepEqual(put, want) {
		t.Errorf("put %v, want %v", put, want)
	}
	var names []string
	next := ""
	for range 10 {
		list := r.call("auditor", "GET", "/api/v1/roles?limit=2&after="+next, nil).want(t, 200)
		items := list["items"].([]any)
		if len(items) > 2 {
			t.Fatalf("a part of at most 2 has %d", len(items))
		}
		for _, role := range items {
			names = append(names, role.(m)["name"].(string))
		}
		if next = list["next"].(string); next == "" {
			break
		}
	}
	if !reflect.DeepEqual(names, []string{"admin", "operator", "security", "auditor", "station", "line-lead"}) || next != "" {
		t.Errorf("listed %v, next %q", names, next)
	}
	r.call("auditor", "GET", "/api/v1/roles?after=built-in:nonesuch", nil).refused(t, 400, enroll.BadRequest)

	// What it gives changes wherever it was granted, and nobody puts in what they lack.
	r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:erika", "line-lead", "/")).want(t, 201)
	r.call("person:erika", "GET", "/api/v1/certificates", nil).refused(t, 403, enroll.Forbidden)
	r.call("admin", "PUT", "/api/v1/roles/line-lead", m{"permissions": []string{"certificate.read"}}).want(t, 200)
	r.call("person:erika", "GET", "/api/v1/certificates", nil).want(t, 200)
	r.call("person:erika", "GET", "/api/v1/devices", nil).refused(t, 403, enroll.Forbidden)
	r.call("admin@/berlin", "PUT", "/api/v1/roles/line-lead", m{"permissions": []string{"device.read"}}).refused(t, 403, enroll.Forbidden)
	r.call("admin", "PUT", "/api/v1/roles/editor", m{"permissions": []string{"role.edit"}}).want(t, 200)
	r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:max", "editor", "/")).want(t, 201)
	r.call("person:max", "PUT", "/api/v1/roles/editor", m{"permissions": []string{"role.edit", "device.revoke"}}).refused(t, 403, enroll.Forbidden)
	r.call("admin", "PUT", "/api/v1/roles/admin", m{"permissions": []string{"device.read"}}).refused(t, 409, enroll.WrongState)
	r.call("admin", "DELETE", "/api/v1/roles/admin", nil).refused(t, 409, enroll.WrongState)
	for _, may := range [][]string{{}, {"device.enrol.any"}, {"device.read", "device.read"}, {"device.explode"}} {
		if problem := r.call("admin", "PUT", "/api/v1/roles/x", m{"permissions": may}).refused(t, 400, enroll.BadRequest); problem["field"] != "permissions" {
			t.Errorf("told %v", problem)
		}
	}

	if answer := r.call("admin", "DELETE", "/api/v1/roles/line-lead", nil); answer.want(t, 204) != nil {
		t.Errorf("deleting answers %s", answer.Body)
	}
	r.call("person:erika", "GET", "/api/v1/certificates", nil).refused(t, 403, enroll.Forbidden)
	r.call("admin", "DELETE", "/api/v1/roles/line-lead", nil).refused(t, 404, enroll.NotFound)
}

func TestExplain(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1") // in /berlin/line-3
	r.fleet("/munich")
	const erika, leads = "oidc:https://idp.example#erika", "group:https://idp.example#line-leads"
	grant := func(who, role, fleet, until string) string {
		asked := m{"for": who, "role": role, "fleet": fleet}
		if until != "" {
			asked["until"] = until
		}
		return r.call("admin", "POST", "/api/v1/grants", asked).want(t, 201)["id"].(string)
	}
	deciding := grant(leads, "security", "/berlin", "")
	elsewhere := grant(erika, "security", "/munich", "")
	ended := grant(erika, "security", "/berlin", "2030-05-06T08:00:00Z")
	r.Clock.Add(time.Hour)
	ask := func(token string, question m) m {
		t.Helper()
		return r.call(token, "POST", "/api/v1/access/explain", question).want(t, 200)
	}

	own := ask("person:erika+line-leads", m{"permission": "device.revoke", "on": "TH20-SN1"})
	wantKeys(t, own, "allowed waits fleet deciding others groups")
	if own["allowed"] != true || own["waits"] != false || own["fleet"] != "/berlin/line-3" || !reflect.DeepEqual(own["groups"], []any{"line-leads"}) {
		t.Errorf("told %v", own)
	}
	want := m{"grant": deciding, "role": "security", "fleet": "/berlin", "until": nil}
	if !reflect.DeepEqual(own["deciding"], want) {
		t.Errorf("%v decides, want %v", own["deciding"], want)
	}
	why := map[any]any{}
	for _, other := range own["others"].([]any) {
		why[other.(m)["grant"]] = other.(m)["why"]
	}
	if !reflect.DeepEqual(why, map[any]any{elsewhere: "elsewhere", ended: "ended"}) {
		t.Errorf("others are %v", own["others"])
	}
	if none := ask("person:erika+line-leads", m{"permission": "order.create", "on": "/berlin"}); none["allowed"] != false || none["deciding"] != nil {
		t.Errorf("told %v", none)
	}

	// Of a group, by those who may; of no grant outside their branches.
	if group := ask("auditor", m{"as": leads, "permission": "device.revoke", "on": "/berlin"}); group["allowed"] != true {
		t.Errorf("the group: %v", group)
	}
	grant(leads, "security", "/munich", "")
	if narrow := ask("auditor@/berlin", m{"as": leads, "permission": "device.revoke", "on": "/berlin/line-3"}); narrow["allowed"] != true || len(narrow["others"].([]any)) != 0 {
		t.Errorf("whoever may explain Berlin learns %v", narrow)
	}
	if wide := ask("auditor", m{"as": leads, "permission": "device.revoke", "on": "/berlin/line-3"}); len(wide["others"].([]any)) != 1 {
		t.Errorf("whoever may explain all learns %v", wide)
	}
	r.call("auditor@/berlin", "POST", "/api/v1/access/explain", m{"as": leads, "permission": "device.revoke", "on": "/munich"}).refused(t, 404, enroll.NotFound)
	r.call("person:erika", "POST", "/api/v1/access/explain", m{"as": leads, "permission": "device.revoke", "on": "/berlin"}).refused(t, 403, enroll.Forbidden)

	// Of somebody whose groups are not known here, groups can be named.
	if unknown := ask("auditor", m{"as": erika, "permission": "device.revoke", "on": "/berlin"}); unknown["allowed"] != false || len(unknown["groups"].([]any)) != 0 {
		t.Errorf("without her groups: %v", unknown)
	}
	if named := ask("auditor", m{"as": erika, "groups": []string{"line-leads"}, "permission": "device.revoke", "on": "/berlin"}); named["allowed"] != true || named["deciding"].(m)["grant"] != deciding {
		t.Errorf("with her groups: %v", named)
	}
	r.call("person:erika", "POST", "/api/v1/access/explain", m{"groups": []string{"line-leads"}, "permission": "device.revoke", "on": "/berlin"}).refused(t, 403, enroll.Forbidden)
	r.call("auditor", "POST", "/api/v1/access/explain", m{"as": "device:TH20-SN1", "groups": []string{"x"}, "permission": "device.revoke", "on": "/berlin"}).refused(t, 400, enroll.BadRequest)
	r.call("auditor", "POST", "/api/v1/access/explain", m{"as": leads, "groups": []string{"x"}, "permission": "device.revoke", "on": "/berlin"}).refused(t, 400, enroll.BadRequest)

	// An owner may hold what is theirs.
	r.call("operator", "POST", "/api/v1/devices/TH20-SN1/owner", m{"user": erika}).want(t, 200)
	if owner := ask("person:erika", m{"permission": "device.hold", "on": "TH20-SN1"}); owner["allowed"] != true || owner["deciding"].(m)["grant"] != "owner" {
		t.Errorf("the owner: %v", owner)
	}
	if owner := ask("person:erika", m{"permission": "device.revoke", "on": "TH20-SN1"}); owner["allowed"] != false {
		t.Errorf("the owner: %v", owner)
	}

	// What would wait is told, and not to whom it does not apply.
	r.policy("/berlin", m{"approval": []string{"actions"}})
	for question, waits := range map[*m]bool{
		{"permission": "device.revoke", "on": "/berlin"}: true, {"permission": "device.revoke", "on": "/"}: false, {"permission": "device.read", "on": "/berlin"}: false,
		{"permission": "policy.set", "on": "/berlin"}: false,
	} {
		if told := ask("admin", *question); told["allowed"] != true || told["waits"] != waits {
			t.Errorf("%v: %v", *question, told)
		}
	}
	if told := ask("break-glass", m{"permission": "device.revoke", "on": "/berlin"}); told["waits"] != false {
		t.Errorf("for break-glass: %v", told)
	}

	for name, c := range map[string]struct {
		question m
		field    string
	}{
		"no permission":   {m{"permission": "device.explode", "on": "/"}, "permission"},
		"no place":        {m{"permission": "device.read", "on": ""}, "on"},
		"malformed place": {m{"permission": "device.read", "on": "/BERLIN"}, "on"},
	} {
		if problem := r.call("admin", "POST", "/api/v1/access/explain", c.question).refused(t, 400, enroll.BadRequest); problem["field"] != c.field {
			t.Errorf("%s: %v", name, problem)
		}
	}
	r.call("admin", "POST", "/api/v1/access/explain", m{"permission": "device.read", "on": "TH20-SN9"}).refused(t, 404, enroll.NotFound)
}
