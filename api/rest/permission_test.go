package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
)

// access says who may make a call. It is written from the list of roles,
// and not from the code.
type access struct {
	call       string // method and path
	permission string
	allowed    []string
	status     int // of success
	// request prepares what the call is about: the values of {id}, {serial} or {name},
	// and the body.
	request func(*rig) (id string, body any)
}

var (
	everybody = []string{"admin", "operator", "security", "auditor", "station", "nobody", "break-glass"}
	readers   = []string{"admin", "operator", "security", "auditor", "break-glass"}
	operators = []string{"admin", "operator", "break-glass"}
	securers  = []string{"admin", "security", "break-glass"}
	auditors  = []string{"admin", "auditor", "break-glass"}
	admins    = []string{"admin", "break-glass"}
	drawers   = []string{"admin", "operator", "station", "break-glass"}
	stations  = []string{"station", "break-glass"}
	overseers = []string{"admin", "operator", "auditor", "break-glass"}
	people    = []string{"admin", "operator", "security", "auditor", "station", "nobody"}
	owners    = []string{"admin"} // to whom the table gives the device
)

func nothing(*rig) (string, any)   { return "", nil }
func anOrder(r *rig) (string, any) { return r.order(), nil }
func aDevice(r *rig) (string, any) { return r.enrolled("SN1")["device"].(string), nil }
func aCertificate(r *rig) (string, any) {
	return r.enrolled("SN1")["serial"].(string), nil
}

func held(r *rig) (string, any) {
	id, _ := aDevice(r)
	r.call("admin", "POST", "/api/v1/devices/"+id+"/hold", nil).want(r.t, 200)
	return id, nil
}

func heldCertificate(r *rig) (string, any) {
	serial, _ := aCertificate(r)
	r.call("admin", "POST", "/api/v1/certificates/"+serial+"/hold", nil).want(r.t, 200)
	return serial, nil
}

func aToken(r *rig) (string, any) {
	return r.call("admin", "POST", "/api/v1/tokens", newToken()).want(r.t, 201)["id"].(string), nil
}

func newToken() m {
	return m{"name": "line 3", "fleet": "/", "permissions": []string{"order.read"}, "until": resttest.Begin().AddDate(0, 1, 0)}
}

func aFleet(r *rig) (string, any) { return r.fleet("/berlin"), nil }
func aGrant(r *rig) (string, any) {
	return r.call("admin", "POST", "/api/v1/grants", r.newGrant("person:erika", "operator", "/")).want(r.t, 201)["id"].(string), nil
}

func aRole(r *rig) (string, any) {
	r.call("admin", "PUT", "/api/v1/roles/lookers", m{"permissions": []string{"device.read"}}).want(r.t, 200)
	return "lookers", nil
}

// aRequest is one for holding a device, by somebody who is none of the roles' holders.
func aRequest(r *rig) (string, any) {
	r.enrolled("SN1")
	r.policy("/", m{"approval": []string{"actions"}})
	return r.call("security@/berlin", "POST", "/api/v1/devices/TH20-SN1/hold", nil).want(r.t, 202)["id"].(string), nil
}

// aWaitingEnrolment is a station's.
func aWaitingEnrolment(r *rig) (string, any) {
	order := r.call("admin", "POST", "/api/v1/orders", m{"fleet": "/berlin", "model": "TH20", "quantity": 1, "stations": []string{"oidc:https://idp.example#station@/berlin"}}).want(r.t, 201)["id"].(string)
	r.policy("/", m{"approval": []string{"enrolment"}})
	body := m{"serial": "SN1", "csr": resttest.CSR(r.t, resttest.NewKey(r.t))}
	return r.call("station@/berlin", "POST", "/api/v1/orders/"+order+"/devices", body).want(r.t, 202)["id"].(string), nil
}

func table() []access {
	newOrder := m{"fleet": "/berlin", "model": "TH20", "quantity": 1}
	return []access{
		{"POST /api/v1/orders", "order.create", operators, 201, func(*rig) (string, any) { return "", newOrder }},
		{"GET /api/v1/orders", "order.read", readers, 200, nothing},
		{"GET /api/v1/orders/{id}", "order.read", readers, 200, anOrder},
		{"PATCH /api/v1/orders/{id}", "order.edit", operators, 200, func(r *rig) (string, any) { return r.order(), m{"quantity": 11} }},
		{"POST /api/v1/orders/{id}/close", "order.close", operators, 200, anOrder},
		{"POST /api/v1/orders/{id}/tickets", "ticket.draw", operators, 201, func(r *rig) (string, any) { return r.order(), m{"serials": []string{"SN1"}} }},
		{"POST /api/v1/orders/{id}/devices", "device.enrol", stations, 201, func(r *rig) (string, any) {
			return r.order(), m{"serial": "SN1", "csr": resttest.CSR(r.t, resttest.NewKey(r.t))}
		}},
		{"GET /api/v1/devices", "device.read", readers, 200, nothing},
		{"GET /api/v1/devices/{id}", "device.read", readers, 200, aDevice},
		{"GET /api/v1/devices/{id}/events", "device.read", readers, 200, aDevice},
		{"POST /api/v1/devices/{id}/hold", "device.hold", securers, 200, aDevice},
		{"POST /api/v1/devices/{id}/release", "device.release", securers, 200, held},
		{"POST /api/v1/devices/{id}/revoke", "device.revoke", securers, 200, aDevice},
		{"POST /api/v1/devices/{id}/retire", "device.retire", securers, 200, aDevice},
		{"POST /api/v1/devices/{id}/reenrol", "device.reenrol", operators, 200, aDevice},
		{"POST /api/v1/devices/{id}/owner", "device.assign", operators, 200, func(r *rig) (string, any) { id, _ := aDevice(r); return id, m{"user": "oidc:https://idp.example#bob"} }},
		{"DELETE /api/v1/devices/{id}/owner", "device.assign", operators, 204, aDevice},
		{"POST /api/v1/devices/{id}/claim-code", "claim.draw", drawers, 201, aDevice},
		{"POST /api/v1/devices/{id}/transfer", "owner", owners, 201, func(r *rig) (string, any) { return r.owned("admin"), m{"to": "oidc:https://idp.example#bob"} }},
		{"DELETE /api/v1/devices/{id}/transfer", "owner", owners, 204, func(r *rig) (string, any) { return r.offered("admin", "bob"), nil }},
		{"POST /api/v1/devices/{id}/transfer/accept", "signed-in", owners, 200, func(r *rig) (string, any) { return r.offered("operator", "admin"), nil }},
		{"POST /api/v1/devices/{id}/transfer/decline", "signed-in", owners, 204, func(r *rig) (string, any) { return r.offered("operator", "admin"), nil }},
		{"GET /api/v1/users/me/transfers", "signed-in", people, 200, nothing},
		{"GET /api/v1/users/{id}", "device.read", readers, 200, func(r *rig) (string, any) { return r.known("bob"), nil }},
		{"GET /api/v1/users/{id}/devices", "device.read", readers, 200, func(r *rig) (string, any) { return r.known("bob"), nil }},
		{"POST /api/v1/users/{id}/jobs", "device.hold", securers, 201, func(r *rig) (string, any) { return r.known("bob"), m{"action": "hold"} }},
		{"GET /api/v1/jobs/{id}", "signed-in", securers, 200, func(r *rig) (string, any) { return r.job("bob"), nil }},
		{"POST /api/v1/claims/look-up", "signed-in", people, 200, func(r *rig) (string, any) { return "", m{"code": r.claimCode()} }},
		{"POST /api/v1/claims/confirm", "signed-in", people, 200, func(r *rig) (string, any) { return "", m{"code": r.claimCode()} }},
		{"POST /api/v1/claims/deny", "signed-in", people, 204, func(r *rig) (string, any) { return "", m{"code": r.startedClaim()} }},
		{"GET /api/v1/certificates", "certificate.read", readers, 200, nothing},
		{"GET /api/v1/certificates/{serial}", "certificate.read", readers, 200, aCertificate},
		{"POST /api/v1/certificates/{serial}/hold", "device.hold", securers, 200, aCertificate},
		{"POST /api/v1/certificates/{serial}/release", "device.release", securers, 200, heldCertificate},
		{"POST /api/v1/certificates/{serial}/revoke", "device.revoke", securers, 200, aCertificate},
		{"POST /api/v1/certificates/{serial}/retire", "device.retire", securers, 200, aCertificate},
		{"GET /api/v1/audit", "audit.read", auditors, 200, nothing},
		{"GET /api/v1/audit/checkpoint", "audit.read", auditors, 200, nothing},
		{"POST /api/v1/fleets", "fleet.create", operators, 201, func(*rig) (string, any) { return "", m{"path": "/berlin/line-4"} }},
		{"GET /api/v1/fleets", "fleet.read", readers, 200, nothing},
		{"GET /api/v1/fleets/{id}", "fleet.read", readers, 200, aFleet},
		{"PATCH /api/v1/fleets/{id}", "fleet.edit", admins, 200, func(r *rig) (string, any) { return r.fleet("/berlin"), m{"name": "munich"} }},
		{"DELETE /api/v1/fleets/{id}", "fleet.delete", admins, 204, func(r *rig) (string, any) { return r.fleet("/berlin/line-9"), nil }},
		{"PUT /api/v1/fleets/{id}/policy", "policy.set", admins, 200, func(r *rig) (string, any) { return r.fleet("/berlin"), m{"policy": m{"lifetime": "1h"}} }},
		{"GET /api/v1/fleets/{id}/effective", "fleet.read", readers, 200, aFleet},
		{"POST /api/v1/fleets/{id}/preview", "fleet.edit", admins, 200, func(r *rig) (string, any) { return r.fleet("/berlin"), m{"name": "munich"} }},
		{"GET /api/v1/devices/{id}/effective", "device.read", readers, 200, aDevice},
		{"POST /api/v1/grants", "grant.create", admins, 201, func(r *rig) (string, any) { return "", r.newGrant("person:erika", "operator", "/") }},
		{"GET /api/v1/grants", "grant.read", auditors, 200, nothing},
		{"GET /api/v1/grants/{id}", "grant.read", auditors, 200, aGrant},
		{"DELETE /api/v1/grants/{id}", "grant.delete", admins, 204, aGrant},
		{"GET /api/v1/roles", "role.read", auditors, 200, nothing},
		{"PUT /api/v1/roles/{name}", "role.edit", admins, 200, func(*rig) (string, any) { return "lookers", m{"permissions": []string{"device.read"}} }},
		{"DELETE /api/v1/roles/{name}", "role.edit", admins, 204, aRole},
		{"GET /api/v1/approvals", "signed-in", everybody, 200, nothing},
		{"GET /api/v1/approvals/{id}", "signed-in", securers, 200, aRequest},
		{"POST /api/v1/approvals/{id}/approve", "signed-in", operators, 200, aWaitingEnrolment},
		{"POST /api/v1/approvals/{id}/deny", "signed-in", securers, 200, aRequest},
		{"POST /api/v1/approvals/{id}/withdraw", "signed-in", nil, 200, aRequest},
		{"POST /api/v1/access/explain", "signed-in", []string{"admin", "operator", "security", "auditor", "station", "break-glass"}, 200, func(*rig) (string, any) {
			return "", m{"permission": "device.revoke", "on": "/"}
		}},
		{"GET /api/v1/whoami", "signed-in", everybody, 200, nothing},
		{"POST /api/v1/breakglass/rotate", "breakglass.rotate", admins, 200, nothing},
		{"GET /api/v1/backup", "installation.backup", admins, 200, nothing},
		{"POST /api/v1/tokens", "token.create", operators, 201, func(*rig) (string, any) { return "", newToken() }},
		{"GET /api/v1/tokens", "token.read", overseers, 200, nothing},
		{"GET /api/v1/tokens/{id}", "token.read", overseers, 200, aToken},
		{"POST /api/v1/tokens/{id}/rotate", "token.create", admins, 200, aToken}, // its maker's, or break-glass
		{"POST /api/v1/tokens/{id}/revoke", "token.revoke", operators, 200, aToken},
		{"POST /api/v1/store/compact", "installation.compact", admins, 200, nothing},
	}
}

func TestEveryOperationForEveryRole(t *testing.T) {
	for _, a := range table() {
		t.Run(a.call, func(t *testing.T) {
			t.Parallel()
			for _, role := range append(everybody, "") {
				r := newRig(t)
				id, body := a.request(r)
				method, path, _ := strings.Cut(a.call, " ")
				answer := r.call(role, method, strings.NewReplacer("{id}", id, "{serial}", id, "{name}", id).Replace(path), body)
				switch {
				case role == "":
					answer.refused(t, http.StatusUnauthorized, enroll.Unauthenticated)
				case slices.Contains(a.allowed, role):
					if answer.Code != a.status {
						t.Errorf("%s may, and got %d %s", role, answer.Code, answer.Body)
					}
				case answer.Code != http.StatusForbidden && answer.Code != http.StatusNotFound:
					t.Errorf("%s may not, and got %d %s", role, answer.Code, answer.Body)
				}
			}
		})
	}
}

func TestEveryOperationIsInTheTable(t *testing.T) {
	r := newRig(t)
	document := r.call("", "GET", "/openapi.json", nil).want(t, 200)
	inTable := map[string]access{}
	for _, a := range table() {
		inTable[a.call] = a
	}
	for path, item := range document["paths"].(m) {
		for method, operation := range item.(m) {
			call := strings.ToUpper(method) + " " + path
			a, listed := inTable[call]
			permission, _ := operation.(m)["x-permission"].(string)
			if !listed || permission == "" || permission != a.permission {
				t.Errorf("%s: permission %q, the table has %q", call, permission, a.permission)
			}
			delete(inTable, call)
		}
	}
	for call := range inTable {
		t.Errorf("%s is not in the document", call)
	}
}
