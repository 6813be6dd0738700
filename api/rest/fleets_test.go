package rest_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

func TestFleets(t *testing.T) {
	r := newRig(t)
	made := r.call("operator", "POST", "/api/v1/fleets", m{"path": "/berlin/line-3"}).want(t, 201)
	wantKeys(t, made, "id path parent policy policy_version")
	if made["path"] != "/berlin/line-3" || made["policy_version"] != 0. || !reflect.DeepEqual(made["policy"], m{}) {
		t.Errorf("made %v", made)
	}
	if again := r.call("operator", "POST", "/api/v1/fleets", m{"path": "/berlin/line-3"}).want(t, 201); !reflect.DeepEqual(again, made) {
		t.Errorf("made again it is %v", again)
	}
	line, berlin := made["id"].(string), r.fleet("/berlin")
	if made["parent"] != berlin {
		t.Errorf("below %v, want %s", made["parent"], berlin)
	}
	root := r.call("auditor", "GET", "/api/v1/fleets/root", nil).want(t, 200)
	if root["path"] != "/" || root["parent"] != nil {
		t.Errorf("the root is %v", root)
	}
	for query, want := range map[string]string{
		"":                               "/",
		"?parent=root":                   "/berlin",
		"?parent=/berlin":                "/berlin/line-3",
		"?parent=" + line:                "",
		"?path=/berlin/line-3":           "/berlin/line-3",
		"?path=/":                        "/",
		"?parent=" + berlin + "&limit=1": "/berlin/line-3",
	} {
		list := r.call("auditor", "GET", "/api/v1/fleets"+query, nil).want(t, 200)
		var paths []string
		for _, item := range list["items"].([]any) {
			paths = append(paths, item.(m)["path"].(string))
		}
		if strings.Join(paths, " ") != want || list["next"] != "" {
			t.Errorf("%q lists %v", query, list)
		}
	}
	for _, query := range []string{"?path=/nowhere", "?parent=/nowhere", "?parent=nowhere"} {
		r.call("auditor", "GET", "/api/v1/fleets"+query, nil).refused(t, 404, enroll.NotFound)
	}
	for query, field := range map[string]string{"?path=berlin": "path", "?path=/berlin&parent=root": "path", "?parent=/BERLIN": "fleet", "?after=x": "after"} {
		if problem := r.call("auditor", "GET", "/api/v1/fleets"+query, nil).refused(t, 400, enroll.BadRequest); problem["field"] != field {
			t.Errorf("%q: %v", query, problem)
		}
	}

	renamed := r.call("admin", "PATCH", "/api/v1/fleets/"+berlin, m{"name": "munich"}).want(t, 200)
	if renamed["id"] != berlin || renamed["path"] != "/munich" {
		t.Errorf("renamed into %v", renamed)
	}
	moved := r.call("admin", "PATCH", "/api/v1/fleets/"+line, m{"parent": "/", "name": "line-4"}).want(t, 200)
	if moved["id"] != line || moved["path"] != "/line-4" || moved["parent"] != "root" {
		t.Errorf("moved into %v", moved)
	}
	if same := r.call("admin", "PATCH", "/api/v1/fleets/"+line, m{}).want(t, 200); !reflect.DeepEqual(same, moved) {
		t.Errorf("an empty edit made %v of %v", same, moved)
	}
	r.call("admin", "PATCH", "/api/v1/fleets/"+line, m{"name": "munich"}).refused(t, 409, enroll.Conflict)
	r.call("admin", "PATCH", "/api/v1/fleets/root", m{"name": "earth"}).refused(t, 409, enroll.WrongState)
	r.call("admin", "PATCH", "/api/v1/fleets/"+berlin, m{"name": ""}).refused(t, 400, enroll.BadRequest)
}

// Whoever holds a branch learns nothing of what lies outside it.
func TestFleetsOfABranch(t *testing.T) {
	r := newRig(t)
	r.fleet("/berlin/line-3")
	r.fleet("/berlin/line-4")
	munich := r.fleet("/munich")
	lead := "admin@/berlin/line-3"
	if list := r.call(lead, "GET", "/api/v1/fleets", nil).want(t, 200)["items"].([]any); len(list) != 1 || list[0].(m)["path"] != "/berlin/line-3" {
		t.Errorf("the highest are %v", list)
	}
	for _, call := range []string{
		"GET /api/v1/fleets?path=/berlin", "GET /api/v1/fleets?path=/munich", "GET /api/v1/fleets?parent=/berlin", "GET /api/v1/fleets/" + munich,
		"GET /api/v1/fleets/root", "GET /api/v1/fleets/" + munich + "/effective", "GET /api/v1/grants?fleet=/munich",
	} {
		method, path, _ := strings.Cut(call, " ")
		r.call(lead, method, path, nil).refused(t, 404, enroll.NotFound)
	}
	r.call(lead, "PATCH", "/api/v1/fleets/"+munich, m{"name": "x"}).refused(t, 404, enroll.NotFound)
	r.call(lead, "PUT", "/api/v1/fleets/"+munich+"/policy", m{"policy": m{}}).refused(t, 404, enroll.NotFound)
	r.call(lead, "POST", "/api/v1/fleets/"+munich+"/preview", m{"policy": m{}}).refused(t, 404, enroll.NotFound)
	r.call(lead, "POST", "/api/v1/fleets", m{"path": "/munich/line-1"}).refused(t, 404, enroll.NotFound)
	r.call("admin", "POST", "/api/v1/grants", r.newGrant(lead, "auditor", "/munich")).want(t, 201)
	r.call(lead, "POST", "/api/v1/fleets", m{"path": "/munich"}).refused(t, 403, enroll.Forbidden)
	r.call(lead, "POST", "/api/v1/fleets", m{"path": "/munich/line-1"}).refused(t, 403, enroll.Forbidden)
	r.call(lead, "POST", "/api/v1/fleets", m{"path": "/berlin"}).refused(t, 404, enroll.NotFound)
	r.call(lead, "POST", "/api/v1/grants", r.newGrant("person:erika", "operator", "/hamburg")).refused(t, 404, enroll.NotFound)
	r.call(lead, "POST", "/api/v1/grants", r.newGrant("person:erika", "operator", "/berlin/line-3")).want(t, 201)
}

// A list of the highest fleets comes in parts, as all lists do.
func TestHighestFleetsInParts(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/c", "/a", "/b"} {
		r.fleet(path)
		r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:erika", "auditor", path)).want(t, 201)
	}
	var paths []string
	next := ""
	for range 3 {
		list := r.call("person:erika", "GET", "/api/v1/fleets?limit=1&after="+next, nil).want(t, 200)
		paths = append(paths, list["items"].([]any)[0].(m)["path"].(string))
		next = list["next"].(string)
	}
	if strings.Join(paths, " ") != "/a /b /c" || next != "" {
		t.Errorf("listed %v, next %q", paths, next)
	}
}

func TestPolicy(t *testing.T) {
	r := newRig(t)
	berlin, line := r.fleet("/berlin"), r.fleet("/berlin/line-3")
	set := r.call("admin", "PUT", "/api/v1/fleets/"+berlin+"/policy", m{"policy": m{"lifetime": "7d", "keys": []string{"ed25519", "ecdsa-p256"}}}).want(t, 200)
	if set["policy_version"] != 1. || !reflect.DeepEqual(set["policy"], m{"lifetime": "7d", "keys": []any{"ecdsa-p256", "ed25519"}}) {
		t.Errorf("set %v", set)
	}
	if shown := r.call("auditor", "GET", "/api/v1/fleets/"+berlin, nil).want(t, 200); !reflect.DeepEqual(shown, set) {
		t.Errorf("shows %v, set %v", shown, set)
	}
	r.call("admin", "PUT", "/api/v1/fleets/"+berlin+"/policy", m{"policy": m{"lifetime": "6d"}, "version": 7}).refused(t, 409, enroll.Conflict)
	r.call("admin", "PUT", "/api/v1/fleets/"+berlin+"/policy", m{"policy": m{"lifetime": "6d"}, "version": 1}).want(t, 200)

	effective := r.call("auditor", "GET", "/api/v1/fleets/"+line+"/effective", nil).want(t, 200)
	wantKeys(t, effective, "settings")
	lifetime := settingOf(t, effective, "lifetime")
	want := m{
		"field": "lifetime", "value": "6d", "text": "6d", "from": m{"fleet": berlin, "path": "/berlin"}, "loosenable": false,
		"bound": m{"value": "6d", "text": "6d", "by": m{"fleet": berlin, "path": "/berlin"}},
	}
	if !reflect.DeepEqual(lifetime, want) {
		t.Errorf("the lifetime is %v, want %v", lifetime, want)
	}
	r.enrolled("SN1")
	if forDevice := r.call("auditor", "GET", "/api/v1/devices/TH20-SN1/effective", nil).want(t, 200); !reflect.DeepEqual(forDevice, effective) {
		t.Errorf("holds for the device: %v", forDevice)
	}
	r.call("admin@/munich", "GET", "/api/v1/devices/TH20-SN1/effective", nil).refused(t, 404, enroll.NotFound)
}

func settingOf(t *testing.T, effective m, field string) m {
	t.Helper()
	for _, setting := range effective["settings"].([]any) {
		if setting.(m)["field"] == field {
			return setting.(m)
		}
	}
	t.Fatalf("no setting %s in %v", field, effective)
	return nil
}

// All that is wrong with a policy is told at once, wherever it is wrong.
func TestPolicyFaults(t *testing.T) {
	r := newRig(t)
	r.policy("/", m{"lifetime": "7d"})
	path := "/api/v1/fleets/" + r.fleet("/berlin") + "/policy"
	for name, c := range map[string]struct {
		body   any
		fields string
	}{
		"values":       {m{"policy": m{"keys": []string{"dsa"}, "lifetime": "400d", "profile": "nonesuch", "loosen": []string{"lifetime"}}}, "policy.keys[0] policy.lifetime policy.profile"},
		"form":         {m{"policy": m{"lifetime": 7, "colour": "red", "keys": []string{}}}, "policy.colour policy.keys policy.lifetime"},
		"twice":        {`{"policy": {"lifetime": "1d", "lifetime": "2d"}}`, "policy.lifetime"},
		"another case": {m{"policy": m{"Lifetime": "1d"}}, "policy.Lifetime"},
	} {
		t.Run(name, func(t *testing.T) {
			problem := r.call("admin", "PUT", path, c.body).refused(t, 400, enroll.BadRequest)
			if got := fieldsOf(problem); got != c.fields {
				t.Errorf("faults at %s, want %s: %v", got, c.fields, problem)
			}
		})
	}
	for name, c := range map[string]struct {
		body  any
		field string
	}{
		"no policy":      {m{}, "policy"},
		"null":           {m{"policy": nil}, "policy"},
		"a list":         {m{"policy": []string{}}, "policy"},
		"another member": {m{"policy": m{}, "force": true}, "force"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := r.call("admin", "PUT", path, c.body)
			if answer.refused(t, 400, enroll.BadRequest); !strings.Contains(answer.Body.String(), c.field) {
				t.Errorf("told %s, which does not speak of %s", answer.Body, c.field)
			}
		})
	}
	many := m{}
	for i := range 900 {
		many["m"+strings.Repeat("x", i%9)+string(rune('a'+i%26))+strings.Repeat("y", i/26)] = 1
	}
	answer := r.call("admin", "PUT", path, m{"policy": many})
	if answer.refused(t, 400, enroll.BadRequest); answer.Body.Len() > 64<<10 {
		t.Errorf("%d bytes for hundreds of faults", answer.Body.Len())
	}
}

// fieldsOf returns where a problem's faults are, sorted.
func fieldsOf(problem m) string {
	faults, _ := problem["errors"].([]any)
	found := m{}
	for _, fault := range faults {
		found[fault.(m)["field"].(string)] = nil
	}
	return keysOf(found)
}

func TestPreview(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1") // in /berlin/line-3
	berlin, line := r.fleet("/berlin"), r.fleet("/berlin/line-3")
	r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:erika", "operator", "/berlin")).want(t, 201)

	policy := r.call("admin", "POST", "/api/v1/fleets/"+berlin+"/preview", m{"policy": m{"lifetime": "1h"}}).want(t, 200)
	wantKeys(t, policy, "devices unknown changes fields shifts next")
	changes := policy["changes"].([]any)
	if policy["devices"] != 1. || len(changes) != 1 || changes[0].(m)["what"] != "lifetime" || changes[0].(m)["after"] != "1h" || changes[0].(m)["devices"] != 1. {
		t.Errorf("a policy would do %v", policy)
	}
	if fields := policy["fields"].([]any); len(fields) != 1 || fields[0].(m)["field"] != "lifetime" {
		t.Errorf("fields change: %v", fields)
	}
	move := r.call("admin", "POST", "/api/v1/fleets/"+line+"/preview", m{"parent": "/"}).want(t, 200)
	shifts := move["shifts"].([]any)
	if len(shifts) != 1 || shifts[0].(m)["gains"] != false || shifts[0].(m)["for"] != "oidc:https://idp.example#erika" || shifts[0].(m)["fleet"] != "/berlin" {
		t.Errorf("a move would shift %v", shifts)
	}
	if fleet := r.call("auditor", "GET", "/api/v1/fleets/"+berlin, nil).want(t, 200); fleet["policy_version"] != 0. {
		t.Errorf("a preview changed %v", fleet)
	}

	r.call("admin", "POST", "/api/v1/fleets/"+line+"/preview", m{}).refused(t, 400, enroll.BadRequest)
	r.call("admin", "POST", "/api/v1/fleets/"+line+"/preview", m{"name": "x", "policy": m{}}).refused(t, 400, enroll.BadRequest)
	r.call("admin", "POST", "/api/v1/fleets/"+line+"/preview?after=x", m{"name": "x"}).refused(t, 400, enroll.BadRequest)
	r.call("auditor", "POST", "/api/v1/fleets/"+line+"/preview", m{"name": "x"}).refused(t, 403, enroll.Forbidden)
	if problem := r.call("admin", "POST", "/api/v1/fleets/"+line+"/preview", m{"policy": m{"keys": []string{"dsa"}}}).refused(t, 400, enroll.BadRequest); fieldsOf(problem) != "policy.keys[0]" {
		t.Errorf("told %v", problem)
	}
}

// Who moves a branch and may not read the grants around it learns that power
// shifts, and not whose.
func TestPreviewNamesNobodyToStrangers(t *testing.T) {
	r := newRig(t)
	line := r.fleet("/berlin/line-3")
	r.fleet("/berlin/archive")
	r.call("admin", "PUT", "/api/v1/roles/mover", m{"permissions": []string{"fleet.edit", "fleet.read", "grant.delete", "policy.set"}}).want(t, 200)
	r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:max", "mover", "/berlin")).want(t, 201)
	r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:erika", "mover", "/berlin/archive")).want(t, 201)
	shifts := r.call("person:max", "POST", "/api/v1/fleets/"+line+"/preview", m{"parent": "/berlin/archive"}).want(t, 200)["shifts"].([]any)
	if len(shifts) != 1 || shifts[0].(m)["for"] != nil || shifts[0].(m)["gains"] != true || shifts[0].(m)["role"] != "mover" {
		t.Errorf("told %v", shifts)
	}
}
