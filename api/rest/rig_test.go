package rest_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
)

// rig sends requests to a door.
type rig struct {
	*resttest.Door
	t       testing.TB
	handler http.Handler
}

func newRig(t testing.TB) *rig {
	t.Helper()
	door := resttest.Open(t)
	return &rig{Door: door, t: t, handler: rest.New(door.Config)}
}

// within returns the rig for a part of the test.
func (r *rig) within(t testing.TB) *rig {
	part := *r
	part.t = t
	return &part
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must0(t, err)
		return v
	}
}

func must0(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type m = map[string]any

// reply is an answer with its body, and the body again as JSON.
type reply struct {
	*httptest.ResponseRecorder
	json m
}

// call sends a request as the holder of a token. A body that is a string is sent
// as it is, anything else as JSON.
func (r *rig) call(token, method, path string, body any) reply {
	r.t.Helper()
	return r.send(r.request(token, method, path, body))
}

func (r *rig) request(token, method, path string, body any) *http.Request {
	r.t.Helper()
	var text string
	switch body := body.(type) {
	case nil:
	case string:
		text = body
	default:
		text = string(must(json.Marshal(body))(r.t))
	}
	request := httptest.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(text))
	if text != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token == "break-glass" {
		token = r.BreakGlass
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request
}

func (r *rig) send(request *http.Request) reply {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	answer := reply{ResponseRecorder: w}
	if strings.HasSuffix(w.Header().Get("Content-Type"), "json") {
		must0(r.t, json.Unmarshal(w.Body.Bytes(), &answer.json))
	}
	return answer
}

// want fails unless the answer has the status, and returns its body.
func (a reply) want(t testing.TB, status int) m {
	t.Helper()
	if a.Code != status {
		t.Fatalf("%d %s, want %d", a.Code, a.Body, status)
	}
	return a.json
}

// refused fails unless the answer is a problem with the status and code.
func (a reply) refused(t testing.TB, status int, code enroll.Code) m {
	t.Helper()
	problem := a.want(t, status)
	if a.Header().Get("Content-Type") != "application/problem+json" || problem["code"] != string(code) || problem["status"] != float64(status) {
		t.Fatalf("%s %s, want a problem with code %s", a.Header().Get("Content-Type"), a.Body, code)
	}
	if problem["request_id"] == "" || problem["request_id"] != a.Header().Get("X-Request-Id") {
		t.Errorf("request_id %v, header %q", problem["request_id"], a.Header().Get("X-Request-Id"))
	}
	return problem
}

// order makes an order of ten and returns its id.
func (r *rig) order() string {
	r.t.Helper()
	body := r.call("admin", "POST", "/api/v1/orders", m{"fleet": "/berlin/line-3", "model": "TH20", "quantity": 10, "stations": []string{"oidc:https://idp.example#station"}}).want(r.t, 201)
	return body["id"].(string)
}

// fleet makes a fleet and returns its id.
func (r *rig) fleet(path string) string {
	r.t.Helper()
	return r.call("admin", "POST", "/api/v1/fleets", m{"path": path}).want(r.t, 201)["id"].(string)
}

// policy sets the policy of a fleet, which nobody else needs to approve.
func (r *rig) policy(path string, own m) {
	r.t.Helper()
	r.call("break-glass", "PUT", "/api/v1/fleets/"+r.fleet(path)+"/policy", m{"policy": own}).want(r.t, 200)
}

// newGrant asks for a grant for whoever holds a token.
func (r *rig) newGrant(token, role, fleet string) m {
	r.t.Helper()
	p := must(r.Tokens.Verify(r.t.Context(), token))(r.t)
	return m{"for": p.ID(), "role": role, "fleet": fleet}
}

// enrolled makes an order with an enrolled device, and returns what enrolling
// answered.
func (r *rig) enrolled(serial string) m {
	r.t.Helper()
	return r.call("break-glass", "POST", "/api/v1/orders/"+r.order()+"/devices", m{"serial": serial, "csr": resttest.CSR(r.t, resttest.NewKey(r.t))}).want(r.t, 201)
}

func keyPEM(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))(t)})
}
