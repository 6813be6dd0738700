package rest_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
)

// waits fails unless the answer is 202 with a request that can be found, and returns
// that.
func (a reply) waits(t testing.TB) m {
	t.Helper()
	asked := a.want(t, 202)
	if a.Header().Get("Content-Type") != "application/json" || a.Header().Get("Retry-After") != "60" || a.Header().Get("Location") != "/api/v1/approvals/"+asked["id"].(string) {
		t.Errorf("headers of what waits: %v", a.Header())
	}
	if asked["state"] != "waiting" {
		t.Errorf("what waits is %v", asked)
	}
	return asked
}

func TestWhatWaits(t *testing.T) {
	r := newRig(t)
	enrolled := r.enrolled("SN1") // in /berlin/line-3
	berlin := r.fleet("/berlin")
	line := r.fleet("/berlin/line-3")
	grant := r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:erika", "operator", "/berlin")).want(t, 201)["id"].(string)
	r.call("admin", "PUT", "/api/v1/roles/looker", m{"permissions": []string{"device.read"}}).want(t, 200)
	r.policy("/", m{"approval": []string{"actions", "authority"}, "approval_lifetime": "2h"})

	for name, c := range map[string]struct {
		method, path           string
		body                   any
		kind, permission, what string
	}{
		"an action":          {"POST", "/api/v1/devices/TH20-SN1/revoke", m{"reason": "keyCompromise"}, "device.act", "device.revoke", "revoke TH20-SN1 for keyCompromise"},
		"one certificate":    {"POST", "/api/v1/certificates/" + enrolled["serial"].(string) + "/hold", nil, "certificate.act", "device.hold", "hold certificate " + enrolled["serial"].(string) + " of TH20-SN1"},
		"another enrolment":  {"POST", "/api/v1/devices/TH20-SN1/reenrol", nil, "device.reenrol", "device.reenrol", "allow TH20-SN1 to enrol once with another key"},
		"a move":             {"PATCH", "/api/v1/fleets/" + line, m{"parent": "/"}, "fleet.edit", "fleet.edit", "move /berlin/line-3 to /line-3"},
		"a policy":           {"PUT", "/api/v1/fleets/" + berlin + "/policy", m{"policy": m{"lifetime": "1h"}}, "policy.set", "policy.set", "set the policy of /berlin"},
		"a grant":            {"POST", "/api/v1/grants", m{"for": "group:https://idp.example#g", "role": "operator", "fleet": "/berlin"}, "grant.create", "grant.create", "give operator on /berlin to group:https://idp.example#g"},
		"a grant taken back": {"DELETE", "/api/v1/grants/" + grant, nil, "grant.delete", "grant.delete", ""},
		"a role":             {"PUT", "/api/v1/roles/other", m{"permissions": []string{"device.read"}}, "role.put", "role.edit", "have the role other give device.read"},
		"a role that goes":   {"DELETE", "/api/v1/roles/looker", nil, "role.delete", "role.edit", "delete the role looker"},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.within(t)
			asked := r.call("admin", c.method, c.path, c.body).waits(t)
			wantKeys(t, asked, "id state kind what request permission fleets devices made_by created_at expires_at decided_by decided_at comment")
			if asked["kind"] != c.kind || asked["permission"] != c.permission || c.what != "" && asked["what"] != c.what {
				t.Errorf("what waits is %v", asked)
			}
			if asked["made_by"] != "oidc:https://idp.example#admin" || asked["expires_at"] != "2030-05-06T09:08:09Z" {
				t.Errorf("made by %v until %v", asked["made_by"], asked["expires_at"])
			}
			if shown := r.call("admin", "GET", "/api/v1/approvals/"+asked["id"].(string), nil).want(t, 200); !reflect.DeepEqual(shown, asked) {
				t.Errorf("shown as %v, was %v", shown, asked)
			}
			r.call("admin", "POST", "/api/v1/approvals/"+asked["id"].(string)+"/approve", nil).refused(t, 403, enroll.Forbidden)
			ended := r.call("admin", "POST", "/api/v1/approvals/"+asked["id"].(string)+"/withdraw", m{"comment": "changed my mind"}).want(t, 200)
			if ended["state"] != "withdrawn" || ended["comment"] != "changed my mind" || ended["decided_at"] != "2030-05-06T07:08:09Z" {
				t.Errorf("withdrawn into %v", ended)
			}
		})
	}
	// Nothing of it was done, and break-glass waits for nobody.
	if device := r.call("auditor", "GET", "/api/v1/devices/TH20-SN1", nil).want(t, 200); device["state"] != "active" || device["fleet"] != "/berlin/line-3" {
		t.Errorf("the device is %v", device)
	}
	r.call("break-glass", "PATCH", "/api/v1/fleets/"+line, m{"parent": "/"}).want(t, 200)
	// What changes nothing has nothing to wait for.
	r.call("admin", "PATCH", "/api/v1/fleets/"+line, m{"parent": "/"}).want(t, 200)
}

func TestApprovals(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1") // in /berlin/line-3
	r.policy("/", m{"approval": []string{"actions"}, "approval_lifetime": "2h"})
	hold := func(why string) string {
		t.Helper()
		return r.call("security@/berlin", "POST", "/api/v1/devices/TH20-SN1/hold", m{"comment": why}).waits(t)["id"].(string)
	}
	path := func(id string) string { return "/api/v1/approvals/" + id }
	list := func(token, query string) (ids []string) {
		t.Helper()
		for _, item := range r.call(token, "GET", "/api/v1/approvals"+query, nil).want(t, 200)["items"].([]any) {
			ids = append(ids, item.(m)["id"].(string))
		}
		return ids
	}

	first := hold("a")
	r.Clock.Add(time.Minute)
	second := hold("b")
	if again := hold("b"); again != second {
		t.Error("asking for the same again made another request")
	}
	for token, want := range map[string][]string{
		"security@/berlin": {first, second}, "security": {first, second}, "admin@/berlin/line-3": {first, second},
		"security@/munich": nil, "operator": nil, "nobody": nil,
	} {
		if got := list(token, "?waiting=true"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s sees %v, want %v", token, got, want)
		}
	}
	// Whoever cannot decide it does not know of it.
	for _, verb := range []string{"approve", "deny", "withdraw"} {
		r.call("operator", "POST", path(first)+"/"+verb, nil).refused(t, 404, enroll.NotFound)
		r.call("security@/munich", "POST", path(first)+"/"+verb, nil).refused(t, 404, enroll.NotFound)
	}
	// Whoever made it decides nothing, and whoever did not withdraws nothing.
	for _, verb := range []string{"approve", "deny"} {
		r.call("security@/berlin", "POST", path(first)+"/"+verb, nil).refused(t, 403, enroll.Forbidden)
	}
	r.call("security", "POST", path(first)+"/withdraw", nil).refused(t, 403, enroll.Forbidden)

	denied := r.call("security", "POST", path(first)+"/deny", m{"comment": "it is in the lab"}).want(t, 200)
	if denied["state"] != "denied" || denied["comment"] != "it is in the lab" || denied["decided_by"] == nil {
		t.Errorf("denied into %v", denied)
	}
	r.call("security", "POST", path(first)+"/approve", nil).refused(t, 409, enroll.WrongState)
	if got := list("security", "?waiting=true"); !reflect.DeepEqual(got, []string{second}) {
		t.Errorf("one is left to wait, and listed are %v", got)
	}
	r.Clock.Add(2 * time.Hour)
	if expired := r.call("security", "GET", path(second), nil).want(t, 200); expired["state"] != "expired" {
		t.Errorf("after its time it is %v", expired["state"])
	}
	r.call("security", "POST", path(second)+"/approve", nil).refused(t, 409, enroll.WrongState)
	if got := list("security", ""); !reflect.DeepEqual(got, []string{first, second}) {
		t.Errorf("what ended is listed as %v", got)
	}
	r.call("security", "POST", path(second)+"/deny", m{"comment": "a\nb"}).refused(t, 400, enroll.BadRequest)
}

// A policy that waits does not undo what was set meanwhile, not even where there was
// none before.
func TestPolicyThatWaits(t *testing.T) {
	r := newRig(t)
	berlin := r.fleet("/berlin")
	r.policy("/", m{"approval": []string{"authority"}})
	set := func() string {
		t.Helper()
		return r.call("admin", "PUT", "/api/v1/fleets/"+berlin+"/policy", m{"policy": m{"lifetime": "1h"}}).waits(t)["id"].(string)
	}
	approve := func(id string) reply { return r.call("admin@/berlin", "POST", "/api/v1/approvals/"+id+"/approve", nil) }

	stale := set()
	r.policy("/berlin", m{"lifetime": "2h"})
	approve(stale).refused(t, 409, enroll.Conflict)
	if asked := r.call("admin", "GET", "/api/v1/approvals/"+stale, nil).want(t, 200); asked["state"] != "waiting" {
		t.Errorf("what could not be done is %v", asked["state"])
	}
	fresh := set()
	if request := r.call("admin@/berlin", "GET", "/api/v1/approvals/"+fresh, nil).want(t, 200)["request"].(m); !reflect.DeepEqual(request["policy"], m{"lifetime": "1h"}) || request["base"] != 1. {
		t.Errorf("whoever approves sees %v", request)
	}
	if approved := approve(fresh).want(t, 200); approved["state"] != "approved" {
		t.Errorf("approved into %v", approved)
	}
	if fleet := r.call("auditor", "GET", "/api/v1/fleets/"+berlin, nil).want(t, 200); fleet["policy_version"] != 2. || !reflect.DeepEqual(fleet["policy"], m{"lifetime": "1h"}) {
		t.Errorf("the fleet is %v", fleet)
	}
}

// An enrolment waits: asked for again it is the same request, and once somebody has
// approved it the same again gets the certificate.
func TestEnrolmentThatWaits(t *testing.T) {
	r := newRig(t)
	order := r.order() // in /berlin/line-3
	r.policy("/berlin", m{"approval": []string{"enrolment"}})
	body := m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))}
	enrol := func() reply { return r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body) }

	asked := enrol().waits(t)
	if asked["kind"] != "device.enrol" || asked["permission"] != "ticket.draw" || asked["devices"] != 1. {
		t.Errorf("what waits is %v", asked)
	}
	if fleet := asked["fleets"].([]any)[0].(m); fleet["path"] != nil || fleet["id"] != r.fleet("/berlin/line-3") {
		t.Errorf("a station, which reads nothing, is told of the fleet %v", fleet)
	}
	if again := enrol().waits(t); again["id"] != asked["id"] {
		t.Errorf("asked for again it is %v, was %v", again["id"], asked["id"])
	}
	path := "/api/v1/approvals/" + asked["id"].(string)
	if shown := r.call("operator", "GET", path, nil).want(t, 200); shown["fleets"].([]any)[0].(m)["path"] != "/berlin/line-3" {
		t.Errorf("whoever can decide is told of %v", shown["fleets"])
	}
	r.call("security", "POST", path+"/approve", nil).refused(t, 404, enroll.NotFound)
	if approved := r.call("operator", "POST", path+"/approve", nil).want(t, 200); approved["state"] != "approved" {
		t.Errorf("approved into %v", approved)
	}
	if enrolled := enrol().want(t, 201); enrolled["device"] != "TH20-SN1" {
		t.Errorf("enrolled %v", enrolled)
	}
	enrol().want(t, 200)

	body = m{"serial": "SN2", "csr": resttest.CSR(t, resttest.NewKey(t))}
	r.call("operator", "POST", "/api/v1/approvals/"+enrol().waits(t)["id"].(string)+"/deny", nil).want(t, 200)
	enrol().refused(t, 403, enroll.Forbidden)
}

// A station says where a device keeps its key, which a fleet's policy may ask for.
func TestKeyProtection(t *testing.T) {
	r := newRig(t)
	order := r.order() // in /berlin/line-3
	r.policy("/berlin", m{"key_protection": []string{"tpm"}})
	key := resttest.NewKey(t)
	enrol := func(kept string) reply {
		body := m{"serial": "SN1", "csr": resttest.CSR(t, key)}
		if kept != "" {
			body["key_protection"] = kept
		}
		return r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body)
	}
	enrol("").refused(t, 422, enroll.WeakKey)
	enrol("secure-element").refused(t, 422, enroll.WeakKey)
	if problem := enrol("vault").refused(t, 400, enroll.BadRequest); problem["field"] != "key_protection" {
		t.Errorf("told %v", problem)
	}
	enrolled := enrol("tpm").want(t, 201)["device"].(string)
	if device := r.call("admin", "GET", "/api/v1/devices/"+enrolled, nil).want(t, 200); device["key_protection"] != "tpm" {
		t.Errorf("the device is %v", device)
	}
}

// Every operation that can wait says so in the document, and no other.
func TestWhatCanWaitIsDescribed(t *testing.T) {
	r := newRig(t)
	want := map[string]bool{}
	for _, id := range []string{
		"hold-device", "release-device", "revoke-device", "retire-device", "reenrol-device", "hold-certificate", "release-certificate",
		"revoke-certificate", "retire-certificate", "enrol-device", "edit-fleet", "delete-fleet", "set-fleet-policy", "create-grant", "delete-grant", "put-role", "delete-role",
		"assign-owner", "release-owner", "start-job",
	} {
		want[id] = true
	}
	got := map[string]bool{}
	for _, item := range r.call("", "GET", "/openapi.json", nil).want(t, 200)["paths"].(m) {
		for _, operation := range item.(m) {
			if response, waits := operation.(m)["responses"].(m)["202"]; waits {
				got[operation.(m)["operationId"].(string)] = true
				if keysOf(response.(m)["headers"]) != "Location Retry-After" {
					t.Errorf("headers of 202: %v", response.(m)["headers"])
				}
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("202 is described of %v, want %v", got, want)
	}
}
