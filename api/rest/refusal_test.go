package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestMalformedRequests(t *testing.T) {
	r := newRig(t)
	const secret = "hunter2"
	for name, c := range map[string]struct {
		method, path string
		body         any
		field, word  string
	}{
		"no body":             {"POST", "/api/v1/orders", nil, "", "body"},
		"no JSON":             {"POST", "/api/v1/orders", `{"fleet": ` + secret + `}`, "", "byte"},
		"two documents":       {"POST", "/api/v1/orders", `{} "` + secret + `"`, "", "byte"},
		"not an object":       {"POST", "/api/v1/orders", `["` + secret + `"]`, "", "object"},
		"unknown member":      {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "password": secret}, "password", "unexpected"},
		"missing member":      {"POST", "/api/v1/orders", m{"fleet": "/", "quantity": 1}, "", "model"},
		"text for a number":   {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": secret}, "quantity", "integer"},
		"half a device":       {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1.5}, "quantity", "integer"},
		"number out of range": {"POST", "/api/v1/orders", `{"fleet": "/", "model": "M", "quantity": 1e30}`, "", ""},
		"null quantity":       {"POST", "/api/v1/orders", `{"fleet": "/", "model": "M", "quantity": null}`, "quantity", "integer"},
		"bad time":            {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "closes": secret}, "closes", "3339"},
		"bad serial":          {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "serials": []string{secret + " "}}, "serials[0]", ""},
		"quantity of zero":    {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 0}, "quantity", "1 to"},
		"unknown profile":     {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "profile": secret}, "profile", "default"},
		"bad fleet":           {"POST", "/api/v1/orders", m{"fleet": secret, "model": "M", "quantity": 1}, "fleet", "path"},
		"unknown parameter":   {"GET", "/api/v1/devices?fleat=" + secret, nil, "fleat", "unknown"},
		"limit of zero":       {"GET", "/api/v1/devices?limit=0", nil, "limit", ">= 1"},
		"limit too high":      {"GET", "/api/v1/devices?limit=1001", nil, "limit", "<= 1000"},
		"limit no number":     {"GET", "/api/v1/devices?limit=" + secret, nil, "limit", "integer"},
		"bad cursor":          {"GET", "/api/v1/devices?after=" + secret, nil, "after", "cursor"},
		"long cursor":         {"GET", "/api/v1/devices?after=" + strings.Repeat("a", 600), nil, "after", "512"},
		"end before all":      {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "closes": "0001-01-01T00:00:00Z"}, "closes", "2000 to 9998"},
		"begin before all":    {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "opens": "0001-01-01T00:00:00Z"}, "opens", "2000 to 9998"},
		"begin after all":     {"POST", "/api/v1/orders", m{"fleet": "/", "model": "M", "quantity": 1, "opens": "9999-12-31T23:59:58-23:59"}, "opens", "2000 to 9998"},
		"moved before all":    {"PATCH", "/api/v1/orders/none", m{"closes": "0001-01-01T00:00:00Z"}, "closes", "2000 to 9998"},
		"moved after all":     {"PATCH", "/api/v1/orders/none", m{"opens": "9999-12-31T23:59:58-23:59"}, "opens", "2000 to 9998"},
		"query of the zero":   {"GET", "/api/v1/devices?expiring_before=0001-01-01T00:00:00Z", nil, "expiring_before", "2000 to 9998"},
		"query after all":     {"GET", "/api/v1/devices?expiring_before=9999-12-31T23:59:58-23:59", nil, "expiring_before", "2000 to 9998"},
		"certificates' zero":  {"GET", "/api/v1/certificates?expiring_after=0001-01-01T00:00:00Z", nil, "expiring_after", "2000 to 9998"},
		"certificates' end":   {"GET", "/api/v1/certificates?expiring_before=1999-12-31T23:59:59Z", nil, "expiring_before", "2000 to 9998"},
		"bad query time":      {"GET", "/api/v1/devices?expiring_before=" + secret, nil, "expiring_before", ""},
		"body of an action":   {"POST", "/api/v1/devices/TH20-SN1/revoke", m{"reason": 7}, "reason", "string"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := r.call("admin", c.method, c.path, c.body)
			problem := answer.refused(t, 400, enroll.BadRequest)
			field, _ := problem["field"].(string)
			if field != c.field || !strings.Contains(problem["detail"].(string), c.word) {
				t.Errorf("got %v, want field %q and %q", problem, c.field, c.word)
			}
			if strings.Contains(answer.Body.String(), secret) {
				t.Errorf("echoes what was refused: %s", answer.Body)
			}
		})
	}
}

func TestSeveralFaultsAreToldAtOnce(t *testing.T) {
	r := newRig(t)
	problem := r.call("admin", "POST", "/api/v1/orders", m{"fleet": 1, "model": 2, "quantity": 1}).refused(t, 400, enroll.BadRequest)
	if faults, _ := problem["errors"].([]any); len(faults) != 2 {
		t.Errorf("told %v", problem)
	}
	many := map[string]int{"quantity": 1}
	for i := range 100 {
		many[strings.Repeat("x", 100+i)] = 1
	}
	answer := r.call("admin", "POST", "/api/v1/orders", many)
	if answer.refused(t, 400, enroll.BadRequest); answer.Body.Len() > 4096 {
		t.Errorf("%d bytes for a hundred faults", answer.Body.Len())
	}
}

func TestBodiesAreBounded(t *testing.T) {
	r := newRig(t)
	order := r.order()
	padded := func(n int) string { return "{" + strings.Repeat(" ", n-2) + "}" }
	r.call("admin", "PATCH", "/api/v1/orders/"+order, padded(64<<10)).want(t, 200)
	r.call("admin", "PATCH", "/api/v1/orders/"+order, padded(64<<10+1)).refused(t, 413, enroll.TooLarge)
	r.call("admin", "POST", "/api/v1/orders", padded(4<<20)).refused(t, 400, enroll.BadRequest)
	r.call("admin", "POST", "/api/v1/orders", padded(4<<20+1)).refused(t, 413, enroll.TooLarge)
	r.call("admin", "POST", "/api/v1/orders/"+order+"/tickets", padded(4<<20+1)).refused(t, 413, enroll.TooLarge)
}

func TestBodiesAreJSON(t *testing.T) {
	r := newRig(t)
	path := "/api/v1/orders/" + r.order()
	for contentType, status := range map[string]int{
		"application/json": 200, "Application/JSON; charset=UTF-8": 200, "": 400, "text/plain": 400, "application/x-www-form-urlencoded": 400,
		"application/json; charset=latin1": 400, "application/problem+json": 400, "nonsense;": 400,
	} {
		request := r.request("admin", "PATCH", path, `{"quantity": 10}`)
		request.Header.Set("Content-Type", contentType)
		if answer := r.send(request); answer.Code != status {
			t.Errorf("%q: %d %s", contentType, answer.Code, answer.Body)
		}
	}
}

func TestAnswersAreJSONWhateverIsAccepted(t *testing.T) {
	r := newRig(t)
	for _, accept := range []string{"text/html", "application/problem+json", "application/cbor", "*/*", "application/json;q=0"} {
		request := r.request("admin", "GET", "/api/v1/whoami", nil)
		request.Header.Set("Accept", accept)
		answer := r.send(request)
		if answer.want(t, 200); answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s gets %s", accept, answer.Header().Get("Content-Type"))
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/", "/api", "/api/v1", "/api/v1/", "/api/v2/orders", "/api/v1/orders/", "/docs", "/openapi.yaml", "/schemas/Order.json", "//", "/api/v1/devices/x/explode"} {
		r.call("admin", "GET", path, nil).refused(t, 404, enroll.NotFound)
	}
	answer := r.call("admin", "DELETE", "/api/v1/orders", nil)
	answer.refused(t, 405, enroll.BadRequest)
	if allow := strings.Join(answer.Header().Values("Allow"), ", "); allow != "GET, POST" {
		t.Errorf("Allow: %s", allow)
	}
}

func TestWhoIsNotSignedIn(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		authorization []string
		challenge     string
	}{
		"nothing":                  {nil, "Bearer"},
		"expired":                  {[]string{"Bearer stale"}, `Bearer error="invalid_token"`},
		"break-glass, wrong":       {[]string{"Bearer tmbg_wrong"}, `Bearer error="invalid_token"`},
		"break-glass, cut":         {[]string{"Bearer " + r.BreakGlass[:20]}, `Bearer error="invalid_token"`},
		"another scheme":           {[]string{"Basic YWRtaW46YWRtaW4="}, `Bearer error="invalid_token"`},
		"no token":                 {[]string{"Bearer "}, `Bearer error="invalid_token"`},
		"two tokens":               {[]string{"Bearer admin", "Bearer admin"}, `Bearer error="invalid_token"`},
		"token without a scheme":   {[]string{"admin"}, `Bearer error="invalid_token"`},
		"two tokens in one header": {[]string{"Bearer admin, Bearer nobody"}, `Bearer error="invalid_token"`},
	} {
		t.Run(name, func(t *testing.T) {
			request := r.request("", "POST", "/api/v1/orders", `{"not": "read"}`)
			request.Header["Authorization"] = c.authorization
			answer := r.send(request)
			answer.refused(t, 401, enroll.Unauthenticated)
			if got := answer.Header().Get("WWW-Authenticate"); got != c.challenge {
				t.Errorf("WWW-Authenticate: %s, want %s", got, c.challenge)
			}
		})
	}
	if lower := r.request("", "GET", "/api/v1/whoami", nil); true {
		lower.Header.Set("Authorization", "bearer admin")
		r.send(lower).want(t, 200)
	}
}

func TestGuessesAreLockedOut(t *testing.T) {
	r := newRig(t)
	for range 50 {
		r.call("tmbg_guess", "GET", "/api/v1/whoami", nil)
	}
	answer := r.call("tmbg_guess", "GET", "/api/v1/whoami", nil)
	answer.refused(t, 429, enroll.RateLimited)
	if answer.Header().Get("Retry-After") == "" {
		t.Error("does not say when to try again")
	}
}

// unavailable is a provider that cannot be reached.
type unavailable struct{}

func (unavailable) Verify(context.Context, string) (identity.Principal, error) {
	return identity.Principal{}, enroll.Refuse(enroll.Unavailable, "the provider cannot be reached")
}

func TestProviderOutageIsNot401(t *testing.T) {
	r := newRig(t)
	r.Config.Tokens = unavailable{}
	r.handler = rest.New(r.Config)
	answer := r.call("admin", "GET", "/api/v1/whoami", nil)
	answer.refused(t, 503, enroll.Unavailable)
	if answer.Header().Get("Retry-After") == "" || answer.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("headers %v", answer.Header())
	}
}

func TestBackup(t *testing.T) {
	r := newRig(t)
	answer := r.call("admin", "GET", "/api/v1/backup", nil)
	if answer.want(t, 200); answer.Body.String() != "the whole store" || answer.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("got %s %q", answer.Header().Get("Content-Type"), answer.Body)
	}
	r.Config.Backup = nil
	r.handler = rest.New(r.Config)
	r.call("admin", "GET", "/api/v1/backup", nil).refused(t, 409, enroll.WrongState)
}

func TestCompact(t *testing.T) {
	r := newRig(t)
	sizes := r.call("admin", "POST", "/api/v1/store/compact", nil).want(t, 200)
	if sizes["bytes_before"] != 4096.0 || sizes["bytes_after"] != 1024.0 {
		t.Errorf("got %v", sizes)
	}
	r.Config.Compact = resttest.Compaction{Err: enroll.ErrStoreUnavailable}
	r.handler = rest.New(r.Config)
	r.call("admin", "POST", "/api/v1/store/compact", nil).refused(t, 503, enroll.Unavailable)
	r.Config.Compact = nil
	r.handler = rest.New(r.Config)
	r.call("admin", "POST", "/api/v1/store/compact", nil).refused(t, 409, enroll.WrongState)
}

func TestBackupThatFailsIsNotTakenForWhole(t *testing.T) {
	r := newRig(t)
	r.Config.Backup = resttest.Backup{Err: errors.New("disk gone")}
	server := httptest.NewServer(rest.New(r.Config))
	defer server.Close()
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/backup", nil))(t)
	request.Header.Set("Authorization", "Bearer admin")
	response, err := server.Client().Do(request)
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("the download ended as if it were whole")
	}
	if !strings.Contains(r.Door.Log.String(), "disk gone") {
		t.Error("not logged")
	}
}
