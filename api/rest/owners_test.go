package rest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// idOf is the id of whoever holds a token of resttest.RoleTokens, or of a stranger.
func idOf(name string) string { return "oidc:https://idp.example#" + name }

// owned enrols a device that belongs to somebody, and returns its id.
func (r *rig) owned(by string) string {
	r.t.Helper()
	id := r.enrolled("SN1")["device"].(string)
	r.call("break-glass", "POST", "/api/v1/devices/"+id+"/owner", m{"user": idOf(by)}).want(r.t, 200)
	return id
}

// offered enrols a device whose owner offers it to another.
func (r *rig) offered(by, to string) string {
	r.t.Helper()
	id := r.owned(by)
	r.call(by, "POST", "/api/v1/devices/"+id+"/transfer", m{"to": idOf(to)}).want(r.t, 201)
	return id
}

// known makes somebody the owner of a device, and returns their pseudonym.
func (r *rig) known(name string) string {
	r.t.Helper()
	return r.call("admin", "GET", "/api/v1/devices/"+r.owned(name), nil).want(r.t, 200)["owner"].(string)
}

// job starts a job of holding all that belongs to somebody.
func (r *rig) job(of string) string {
	r.t.Helper()
	return r.call("admin", "POST", "/api/v1/users/"+r.known(of)+"/jobs", m{"action": "hold"}).want(r.t, 201)["id"].(string)
}

// claimCode draws the code of a device.
func (r *rig) claimCode() string {
	r.t.Helper()
	id := r.enrolled("SN1")["device"].(string)
	return r.call("break-glass", "POST", "/api/v1/devices/"+id+"/claim-code", nil).want(r.t, 201)["code"].(string)
}

// startedClaim has a device start a claim, and returns its code.
func (r *rig) startedClaim() string {
	r.t.Helper()
	device := identity.DeviceID(r.enrolled("SN1")["device"].(string))
	claim, err := r.Service.StartClaim(r.t.Context(), identity.Principal{Kind: identity.Certificate, Device: device})
	must0(r.t, err)
	return claim.UserCode
}

func TestOwnership(t *testing.T) {
	r := newRig(t)
	id := r.enrolled("SN1")["device"].(string)
	device := r.call("operator", "POST", "/api/v1/devices/"+id+"/owner", m{"user": idOf("nobody"), "group": "group:https://idp.example#kitchen"}).want(t, 200)
	owner, _ := device["owner"].(string)
	if !strings.HasPrefix(owner, "person:") || device["owner_group"] != "group:https://idp.example#kitchen" {
		t.Fatalf("owned by %v and %v", device["owner"], device["owner_group"])
	}
	user := r.call("auditor", "GET", "/api/v1/users/"+owner, nil).want(t, 200)
	wantKeys(t, user, "id user name first_seen")
	if user["user"] != idOf("nobody") || user["first_seen"] != nil {
		t.Errorf("known as %v", user)
	}
	for _, path := range []string{
		"/api/v1/devices", "/api/v1/devices?owner=me", "/api/v1/users/me/devices", "/api/v1/users/" + owner + "/devices",
		"/api/v1/users/oidc:https:%2F%2Fidp.example%23nobody/devices",
	} {
		if items := r.call("nobody", "GET", path, nil).want(t, 200)["items"].([]any); len(items) != 1 || items[0].(m)["id"] != id {
			t.Errorf("%s lists %v", path, items)
		}
	}
	for _, path := range []string{"/api/v1/devices?owner=me", "/api/v1/users/me/devices"} {
		if items := r.call("auditor", "GET", path, nil).want(t, 200)["items"].([]any); len(items) != 0 {
			t.Errorf("%s lists %v of the auditor's", path, items)
		}
	}
	r.call("auditor", "GET", "/api/v1/users/x/devices", nil).refused(t, 404, enroll.NotFound)
	r.call("nobody", "GET", "/api/v1/devices/"+id+"/events", nil).want(t, 200)
	r.call("nobody", "POST", "/api/v1/devices/"+id+"/hold", nil).want(t, 200)
	r.call("nobody", "POST", "/api/v1/devices/"+id+"/release", nil).refused(t, 403, enroll.Forbidden)
	answer := r.call("nobody", "DELETE", "/api/v1/devices/"+id+"/owner?comment=sold", nil)
	answer.want(t, 204)
	if answer.Body.Len() > 0 {
		t.Errorf("a body of %q", answer.Body)
	}
	r.call("nobody", "GET", "/api/v1/devices/"+id, nil).refused(t, 403, enroll.Forbidden)
	r.call("operator", "POST", "/api/v1/devices/"+id+"/owner", m{"user": "bob@example.com"}).refused(t, 400, enroll.BadRequest)
	r.call("operator", "POST", "/api/v1/devices/"+id+"/owner", m{"group": ""}).want(t, 200)
	if method := r.call("operator", "PUT", "/api/v1/devices/"+id+"/owner", nil); method.Code != 405 || strings.Join(method.Header().Values("Allow"), " ") != "POST DELETE" {
		t.Errorf("PUT: %d, allowed are %v", method.Code, method.Header().Values("Allow"))
	}
}

func TestOrdersName(t *testing.T) {
	r := newRig(t)
	order := r.call("operator", "POST", "/api/v1/orders", m{"fleet": "/berlin", "model": "GW", "quantity": 1, "owner": idOf("nobody"), "owner_group": "group:https://idp.example#kitchen"}).want(t, 201)
	id := order["id"].(string)
	if order["owner_group"] != "group:https://idp.example#kitchen" {
		t.Errorf("made as %v", order)
	}
	r.call("break-glass", "POST", "/api/v1/orders/"+id+"/devices", m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))}).want(t, 201)
	device := r.call("nobody", "GET", "/api/v1/devices/GW-SN1", nil).want(t, 200)
	if device["owner"] != order["owner"] || device["owner_group"] != order["owner_group"] {
		t.Errorf("the order says %v and %v, the device %v and %v", order["owner"], order["owner_group"], device["owner"], device["owner_group"])
	}
	edited := r.call("operator", "PATCH", "/api/v1/orders/"+id, m{"owner": "", "owner_group": ""}).want(t, 200)
	if edited["owner"] != nil || edited["owner_group"] != nil {
		t.Errorf("edited to %v", edited)
	}
	r.call("operator", "PATCH", "/api/v1/orders/"+id, m{"owner": "x"}).refused(t, 400, enroll.BadRequest)
	r.call("operator", "PATCH", "/api/v1/orders/"+id, m{"owner_group": "x"}).refused(t, 400, enroll.BadRequest)
}

// onDevice answers as the device listener does for the holder of a certificate.
func (r *rig) onDevice(certificate *x509.Certificate, method, path string, body any) reply {
	r.t.Helper()
	listener := *r
	listener.handler = rest.EnrolHandler(r.Config)
	request := listener.request("", method, path, body)
	request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
	return listener.send(request)
}

func leafOf(t testing.TB, enrolled m) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(enrolled["certificate"].(string)))
	return must(x509.ParseCertificate(block.Bytes))(t)
}

func TestClaimOverTheDeviceListener(t *testing.T) {
	r := newRig(t)
	enrolled := r.enrolled("SN1")
	leaf := leafOf(t, enrolled)
	claim := r.onDevice(leaf, "POST", "/api/v1/claims", nil).want(t, 201)
	wantKeys(t, claim, "id user_code expires_at interval")
	if claim["interval"] != float64(5) || claim["expires_at"] != "2030-05-06T07:18:09Z" {
		t.Errorf("started %v", claim)
	}
	state := func(want string) {
		t.Helper()
		if got := r.onDevice(leaf, "GET", "/api/v1/claims/"+claim["id"].(string), nil).want(t, 200); got["state"] != want {
			t.Errorf("it is %v, want %s", got, want)
		}
	}
	state("waiting")
	shown := r.call("nobody", "POST", "/api/v1/claims/look-up", m{"code": claim["user_code"]}).want(t, 200)
	wantKeys(t, shown, "device model serial by_device expires_at")
	if shown["device"] != "TH20-SN1" || shown["model"] != "TH20" || shown["serial"] != "SN1" || shown["by_device"] != true {
		t.Errorf("it opens %v", shown)
	}
	state("waiting")
	device := r.call("nobody", "POST", "/api/v1/claims/confirm", m{"code": claim["user_code"]}).want(t, 200)
	wantKeys(t, device, deviceKeys)
	state("confirmed")
	r.onDevice(leaf, "POST", "/api/v1/claims", nil).refused(t, 409, enroll.Conflict)
	r.onDevice(leaf, "GET", "/api/v1/claims/x", nil).refused(t, 404, enroll.NotFound)
	r.call("nobody", "POST", "/api/v1/claims", nil).refused(t, 404, enroll.NotFound) // not on the api listener

	listener := *r
	listener.handler = rest.EnrolHandler(r.Config)
	listener.call("nobody", "POST", "/api/v1/claims", nil).refused(t, 403, enroll.Forbidden)
	listener.call("", "POST", "/api/v1/claims", nil).refused(t, 401, enroll.Unauthenticated)
}

func TestStationsDrawClaimCodes(t *testing.T) {
	r := newRig(t)
	gateway := leafOf(t, r.enrolled("GW1"))
	order := r.call("admin", "POST", "/api/v1/orders", m{"fleet": "/berlin", "model": "TH20", "quantity": 1, "stations": []string{"device:TH20-GW1"}}).want(t, 201)["id"].(string)
	id := r.onDevice(gateway, "POST", "/api/v1/orders/"+order+"/devices", m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))}).want(t, 201)["device"].(string)
	drawn := r.onDevice(gateway, "POST", "/api/v1/devices/"+id+"/claim-code", m{"expires_in": 3600}).want(t, 201)
	wantKeys(t, drawn, "device code expires_at")
	if drawn["expires_at"] != "2030-05-06T08:08:09Z" {
		t.Errorf("drawn %v", drawn)
	}
	r.onDevice(gateway, "POST", "/api/v1/devices/TH20-GW1/claim-code", nil).refused(t, 404, enroll.NotFound)
	r.call("operator", "POST", "/api/v1/devices/"+id+"/claim-code", m{"expires_in": 59}).refused(t, 400, enroll.BadRequest)
	if shown := r.call("nobody", "POST", "/api/v1/claims/look-up", m{"code": drawn["code"]}).want(t, 200); shown["by_device"] != false {
		t.Errorf("it opens %v", shown)
	}
	r.call("nobody", "POST", "/api/v1/claims/look-up", m{"code": "tmcl_x"}).refused(t, 404, enroll.NotFound)
	r.call("nobody", "POST", "/api/v1/claims/deny", m{"code": drawn["code"]}).refused(t, 409, enroll.WrongState)
}

func TestTransfer(t *testing.T) {
	r := newRig(t)
	id := r.owned("nobody")
	offer := r.call("nobody", "POST", "/api/v1/devices/"+id+"/transfer", m{"to": idOf("auditor")}).want(t, 201)
	wantKeys(t, offer, "device model from to offered_at expires_at")
	listed := r.call("auditor", "GET", "/api/v1/users/me/transfers", nil).want(t, 200)["items"].([]any)
	if len(listed) != 1 || listed[0].(m)["device"] != id {
		t.Errorf("offered are %v", listed)
	}
	device := r.call("auditor", "POST", "/api/v1/devices/"+id+"/transfer/accept", nil).want(t, 200)
	if device["owner"] != offer["to"] {
		t.Errorf("owned by %v", device["owner"])
	}
	r.call("auditor", "POST", "/api/v1/devices/"+id+"/transfer", m{"to": offer["from"]}).want(t, 201)
	r.call("nobody", "POST", "/api/v1/devices/"+id+"/transfer/decline", nil).want(t, 204)
	r.call("auditor", "DELETE", "/api/v1/devices/"+id+"/transfer", nil).refused(t, 404, enroll.NotFound)
}

func TestJob(t *testing.T) {
	r := newRig(t)
	person := r.known("nobody")
	job := r.call("security", "POST", "/api/v1/users/"+person+"/jobs", m{"action": "revoke", "reason": "affiliationChanged", "comment": "left"}).want(t, 201)
	wantKeys(t, job, "id user action reason comment to state total done failed skipped faults created_at created_by ended_at")
	must0(t, r.Service.JobsDue(t.Context()))
	job = r.call("security", "GET", "/api/v1/jobs/"+job["id"].(string), nil).want(t, 200)
	if job["state"] != "done" || job["done"] != float64(1) || job["ended_at"] == nil || job["to"] != nil {
		t.Errorf("it is %v", job)
	}
	for name, body := range map[string]m{
		"no action":         {},
		"another action":    {"action": "retire"},
		"to nobody":         {"action": "reassign"},
		"a reason of holds": {"action": "hold", "reason": "superseded"},
	} {
		t.Run(name, func(t *testing.T) {
			r.within(t).call("admin", "POST", "/api/v1/users/"+person+"/jobs", body).refused(t, 400, enroll.BadRequest)
		})
	}
	r.call("admin", "POST", "/api/v1/users/person:x/jobs", m{"action": "hold"}).refused(t, 404, enroll.NotFound)
	r.call("operator", "GET", "/api/v1/jobs/"+job["id"].(string), nil).refused(t, 404, enroll.NotFound)
}

func TestGuessersOfCodesAreToldToWait(t *testing.T) {
	r := newRig(t)
	for range 10 {
		r.call("nobody", "POST", "/api/v1/claims/confirm", m{"code": "BBBB-BBBB"}).refused(t, 404, enroll.NotFound)
	}
	answer := r.call("nobody", "POST", "/api/v1/claims/confirm", m{"code": "BBBB-BBBB"})
	answer.refused(t, http.StatusTooManyRequests, enroll.RateLimited)
	if answer.Header().Get("Retry-After") == "" {
		t.Error("it is not told how long")
	}
	r.Clock.Add(time.Minute)
	r.call("nobody", "POST", "/api/v1/claims/confirm", m{"code": "BBBB-BBBB"}).refused(t, 404, enroll.NotFound)
}
