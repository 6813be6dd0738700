package rest_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const tokenKeys = "id name maker maker_name fleet permissions holds until old_until created_at last_used"

func TestToken(t *testing.T) {
	r := newRig(t)
	r.order() // makes /berlin/line-3
	asked := m{"name": "line 3", "fleet": "/berlin/line-3", "permissions": []string{"ticket.draw", "order.read"}, "until": "2030-08-01T02:00:00+02:00"}
	created := r.call("operator", "POST", "/api/v1/tokens", asked).want(t, 201)
	wantKeys(t, created, tokenKeys+" token")
	text := created["token"].(string)
	delete(created, "token")
	want := m{
		"id": text[5:21], "name": "line 3", "maker": "oidc:https://idp.example#operator", "maker_name": "The operator",
		"fleet": "/berlin/line-3", "permissions": []any{"order.read", "ticket.draw"}, "holds": []any{"order.read", "ticket.draw"},
		"until": "2030-08-01T00:00:00Z", "old_until": nil, "created_at": "2030-05-06T07:08:09Z", "last_used": nil,
	}
	if !reflect.DeepEqual(created, want) {
		t.Errorf("created %v, want %v", created, want)
	}
	path := "/api/v1/tokens/" + created["id"].(string)
	for _, who := range []string{"operator", "auditor"} {
		answer := r.call(who, "GET", path, nil)
		if shown := answer.want(t, 200); !reflect.DeepEqual(shown, want) || strings.Contains(answer.Body.String(), "tmst_") {
			t.Errorf("%s sees %v", who, shown)
		}
	}

	// It calls as what it is.
	whoami := r.call(text, "GET", "/api/v1/whoami", nil).want(t, 200)
	want["last_used"] = "2030-05-06T07:08:09Z"
	if !reflect.DeepEqual(whoami, m{"id": "token:" + text[5:21], "name": "line 3", "kind": "token", "roles": []any{}, "grants": []any{}, "token": want}) {
		t.Errorf("it is %v", whoami)
	}
	orders := r.call(text, "GET", "/api/v1/orders", nil).want(t, 200)["items"].([]any)
	if len(orders) != 1 {
		t.Errorf("it lists %v", orders)
	}
	r.call(text, "POST", "/api/v1/orders/"+orders[0].(m)["id"].(string)+"/close", nil).refused(t, 403, enroll.Forbidden)
	for _, who := range []string{text, "auditor"} {
		r.call(who, "POST", path+"/revoke", nil).refused(t, 403, enroll.Forbidden)
	}

	// It is listed.
	for query, n := range map[string]int{"": 1, "?fleet=/berlin": 1, "?maker=oidc:https://idp.example%23operator": 1, "?maker=nobody": 0} {
		if found := r.call("auditor", "GET", "/api/v1/tokens"+query, nil).want(t, 200)["items"].([]any); len(found) != n || n == 1 && !reflect.DeepEqual(found[0], any(want)) {
			t.Errorf("%s lists %v", query, found)
		}
	}

	// It is rotated and revoked.
	rotated := r.call("operator", "POST", path+"/rotate", m{"overlap": "24h", "until": "2030-09-01T00:00:00Z"}).want(t, 200)
	next := rotated["token"].(string)
	if wantKeys(t, rotated, tokenKeys+" token"); rotated["old_until"] != "2030-05-07T07:08:09Z" || rotated["until"] != "2030-09-01T00:00:00Z" || next == text {
		t.Errorf("rotated into %v", rotated)
	}
	r.call(text, "GET", "/api/v1/whoami", nil).want(t, 200)
	r.Clock.Add(24 * time.Hour)
	r.call(text, "GET", "/api/v1/whoami", nil).refused(t, 401, enroll.Unauthenticated)
	r.call(next, "GET", "/api/v1/whoami", nil).want(t, 200)
	again := r.call("operator", "POST", path+"/rotate", nil).want(t, 200)["token"].(string)
	r.call(next, "GET", "/api/v1/whoami", nil).refused(t, 401, enroll.Unauthenticated)
	if revoked := r.call("operator", "POST", path+"/revoke", nil).want(t, 200); revoked["id"] != created["id"] {
		t.Errorf("revoked %v", revoked)
	}
	r.call(again, "GET", "/api/v1/whoami", nil).refused(t, 401, enroll.Unauthenticated)
	r.call("operator", "GET", path, nil).refused(t, 404, enroll.NotFound)
}

func TestTokenRefusals(t *testing.T) {
	r := newRig(t)
	asked := func(key string, value any) m {
		body := newToken()
		body[key] = value
		return body
	}
	for name, c := range map[string]struct {
		body  any
		field string
	}{
		"no end":                     {m{"name": "x", "fleet": "/", "permissions": []string{"order.read"}}, ""},
		"an end that is no time":     {asked("until", "soon"), "until"},
		"an end in the past":         {asked("until", "2030-05-06T07:08:09Z"), "until"},
		"a lifetime over a year":     {asked("until", "2031-05-08T00:00:00Z"), "until"},
		"no permissions":             {asked("permissions", []string{}), "permissions"},
		"a permission to give power": {asked("permissions", []string{"grant.create"}), "permissions"},
		"a blank name":               {asked("name", " "), "name"},
		"a fleet that is no path":    {asked("fleet", "berlin"), "fleet"},
	} {
		t.Run(name, func(t *testing.T) {
			if problem := r.within(t).call("admin", "POST", "/api/v1/tokens", c.body).refused(t, 400, enroll.BadRequest); problem["field"] != any(c.field) && (c.field != "" || problem["field"] != nil) {
				t.Errorf("told %v", problem)
			}
		})
	}
	id, _ := aToken(r)
	for name, body := range map[string]m{
		"an overlap that is none":  {"overlap": "1 day"},
		"an overlap over 30 days":  {"overlap": "721h"},
		"an overlap into the past": {"overlap": "-1h"},
		"an end in the past":       {"until": "2030-05-06T07:08:09Z"},
		"an end beyond all time":   {"until": "9999-12-31T23:59:59Z"},
	} {
		t.Run(name, func(t *testing.T) {
			r.within(t).call("admin", "POST", "/api/v1/tokens/"+id+"/rotate", body).refused(t, 400, enroll.BadRequest)
		})
	}
	r.call("operator", "POST", "/api/v1/tokens/"+id+"/rotate", nil).refused(t, 403, enroll.Forbidden)
	r.call("admin", "GET", "/api/v1/tokens/none", nil).refused(t, 404, enroll.NotFound)
}

// A wrong token is 401 in words for whoever shows it, and guessing has to wait.
func TestWrongTokens(t *testing.T) {
	r := newRig(t)
	made := r.call("admin", "POST", "/api/v1/tokens", newToken()).want(t, 201)["token"].(string)
	for range 20 {
		answer := r.call(made[:50], "GET", "/api/v1/whoami", nil)
		if problem := answer.refused(t, 401, enroll.Unauthenticated); !strings.Contains(problem["detail"].(string), "mistyped") || answer.Header().Get("WWW-Authenticate") == "" {
			t.Fatalf("told %v", problem)
		}
	}
	r.call(made, "GET", "/api/v1/whoami", nil).want(t, 200)
	r.call("admin", "POST", "/api/v1/tokens/"+made[5:21]+"/rotate", nil).want(t, 200)
	for range 10 {
		r.call(made, "GET", "/api/v1/whoami", nil).refused(t, 401, enroll.Unauthenticated)
	}
	r.call(made, "GET", "/api/v1/whoami", nil).refused(t, 429, enroll.RateLimited)
}

// A token vouches for devices at the device listener.
func TestTokenAtTheDeviceListener(t *testing.T) {
	r := newRig(t)
	body := newToken()
	body["permissions"] = []string{"device.enrol"}
	made := r.call("admin", "POST", "/api/v1/tokens", body).want(t, 201)
	order := r.call("admin", "POST", "/api/v1/orders", m{
		"fleet": "/berlin", "model": "TH20", "quantity": 1, "stations": []string{"token:" + made["id"].(string)},
	}).want(t, 201)["id"].(string)
	r.handler = rest.EnrolHandler(r.Config)
	device := m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))}
	r.call(made["token"].(string), "POST", "/api/v1/orders/"+order+"/devices", device).want(t, 201)
}

// groups is a provider whose one token is the operator's, in groups that change.
type groups struct{ in []string }

func (g *groups) Verify(context.Context, string) (identity.Principal, error) {
	p := resttest.Principal(identity.Operator)
	p.Groups = g.in
	return p, nil
}

// A person who calls without the group that gave their token its power takes it away.
func TestTokenShrinksWhenItsMakerCalls(t *testing.T) {
	r := newRig(t)
	made := r.call("operator", "POST", "/api/v1/tokens", newToken()).want(t, 201)["token"].(string)
	r.call(made, "GET", "/api/v1/orders", nil).want(t, 200)
	r.Config.Tokens = &groups{in: []string{"staff"}}
	r.handler = rest.New(r.Config)
	r.call("operator", "GET", "/api/v1/whoami", nil).want(t, 200)
	r.call(made, "GET", "/api/v1/orders", nil).refused(t, 403, enroll.Forbidden)
}
