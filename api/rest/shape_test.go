package rest_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// keysOf returns an object's members, sorted.
func keysOf(object any) string { return strings.Join(slices.Sorted(maps.Keys(object.(m))), " ") }

func wantKeys(t *testing.T, object any, want string) {
	t.Helper()
	sorted := strings.Fields(want)
	slices.Sort(sorted)
	if got := keysOf(object); got != strings.Join(sorted, " ") {
		t.Errorf("members are\n%s, want\n%s", got, strings.Join(sorted, " "))
	}
}

const orderKeys = "id fleet model quantity enrolled profile opens closes manifest stations owner owner_group state created_at closed_at refused"

func TestOrder(t *testing.T) {
	r := newRig(t)
	created := r.call("operator", "POST", "/api/v1/orders", m{
		"fleet": "/berlin/line-3", "model": "TH20", "quantity": 2, "profile": "default",
		"opens": "2030-05-06T09:00:00+02:00", "closes": "2030-06-01T00:00:00Z", "serials": []string{"SN1"},
	}).want(t, 201)
	wantKeys(t, created, orderKeys)
	want := m{
		"id": created["id"], "fleet": "/berlin/line-3", "model": "TH20", "quantity": 2., "enrolled": 0., "profile": "default",
		"opens": "2030-05-06T07:00:00Z", "closes": "2030-06-01T00:00:00Z", "manifest": true, "stations": []any{}, "owner": nil, "owner_group": nil, "state": "open",
		"created_at": "2030-05-06T07:08:09Z", "closed_at": nil, "refused": m{},
	}
	if !reflect.DeepEqual(created, want) {
		t.Errorf("got %v, want %v", created, want)
	}
	path := "/api/v1/orders/" + created["id"].(string)
	if shown := r.call("auditor", "GET", path, nil).want(t, 200); !reflect.DeepEqual(shown, want) {
		t.Errorf("shown as %v, created as %v", shown, want)
	}

	station := "device:" + r.enrolled("GW1")["device"].(string)
	edited := r.call("operator", "PATCH", path, m{"quantity": 3, "closes": nil, "stations": []string{station}}).want(t, 200)
	if edited["quantity"] != 3. || edited["closes"] != nil || edited["opens"] != want["opens"] || !reflect.DeepEqual(edited["stations"], []any{station}) {
		t.Errorf("edited into %v", edited)
	}
	if again := r.call("operator", "PATCH", path, m{}).want(t, 200); !reflect.DeepEqual(again, edited) {
		t.Errorf("an empty edit made %v of %v", again, edited)
	}

	drawn := r.call("operator", "POST", path+"/tickets", m{"serials": []string{"SN1"}}).want(t, 201)
	wantKeys(t, drawn, "items")
	ticket := drawn["items"].([]any)[0].(m)
	if wantKeys(t, ticket, "serial ticket"); ticket["serial"] != "SN1" || len(ticket["ticket"].(string)) < 26 {
		t.Errorf("drew %v", ticket)
	}

	closed := r.call("operator", "POST", path+"/close", nil).want(t, 200)
	if closed["state"] != "closed" || closed["closed_at"] != "2030-05-06T07:08:09Z" {
		t.Errorf("closed into %v", closed)
	}
	r.call("operator", "PATCH", path, m{"quantity": 4}).refused(t, 409, enroll.OrderClosed)
	r.call("operator", "POST", path+"/tickets", m{"serials": []string{"SN1"}}).refused(t, 409, enroll.OrderClosed)
	body := m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))}
	r.call("break-glass", "POST", path+"/devices", body).refused(t, 409, enroll.OrderClosed)
	if refused := r.call("auditor", "GET", path, nil).want(t, 200)["refused"]; !reflect.DeepEqual(refused, m{"order_closed": 1.}) {
		t.Errorf("counted %v", refused)
	}
}

func TestListsArePaged(t *testing.T) {
	r := newRig(t)
	ids := []string{r.order(), r.order(), r.order()}
	var got []string
	path := "/api/v1/orders?fleet=/berlin&model=TH20&limit=2"
	for next := "-"; next != ""; {
		part := r.call("auditor", "GET", path, nil).want(t, 200)
		wantKeys(t, part, "items next")
		for _, order := range part["items"].([]any) {
			wantKeys(t, order, orderKeys)
			got = append(got, order.(m)["id"].(string))
		}
		next = part["next"].(string)
		path = "/api/v1/orders?fleet=/berlin&model=TH20&limit=2&after=" + next
	}
	slices.Sort(ids)
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Errorf("listed %v, made %v", got, ids)
	}
	if body := r.call("auditor", "GET", "/api/v1/devices", nil).Body.String(); body != `{"items":[],"next":""}`+"\n" {
		t.Errorf("an empty list is %s", body)
	}
}

const (
	deviceKeys      = "id urn state fleet model serial order owner owner_group certificates created_at changed_at"
	certificateKeys = "serial device issuer profile not_before not_after status reason revoked_at predecessor key"
)

func TestEnrolling(t *testing.T) {
	r := newRig(t)
	order := r.order()
	body := m{"serial": "SN1", "csr": resttest.CSR(t, resttest.NewKey(t))}
	enrolled := r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).want(t, 201)
	wantKeys(t, enrolled, "device serial certificate chain")
	if again := r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).want(t, 200); !reflect.DeepEqual(again, enrolled) {
		t.Error("not recalled")
	}
	leaf, rest := pem.Decode([]byte(enrolled["chain"].(string)))
	issuer, rest := pem.Decode(rest)
	if issuer == nil || len(rest) != 0 || string(pem.EncodeToMemory(leaf)) != enrolled["certificate"] {
		t.Error("the chain is not the certificate and its issuer")
	}
	certificate := must(x509.ParseCertificate(leaf.Bytes))(t)
	if enrolled["device"] != "TH20-SN1" || certificate.Subject.CommonName != "TH20-SN1" || enrolled["serial"] != certificate.SerialNumber.Text(16) {
		t.Errorf("enrolled %v", enrolled)
	}
	body["csr"] = resttest.CSR(t, resttest.NewKey(t))
	r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).refused(t, 409, enroll.CloneSuspected)
	body["csr"] = "hunter2"
	r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).refused(t, 422, enroll.BadCSR)
	body["csr"] = enrolled["certificate"]
	r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).refused(t, 422, enroll.BadCSR)
	twice := resttest.CSR(t, resttest.NewKey(t))
	body["csr"] = twice + twice
	r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).refused(t, 422, enroll.BadCSR)
	body["csr"] = strings.Repeat("A", 40<<10)
	r.call("station", "POST", "/api/v1/orders/"+order+"/devices", body).refused(t, 422, enroll.BadCSR)

	device := r.call("security", "GET", "/api/v1/devices/TH20-SN1", nil).want(t, 200)
	if device["clone_suspected_at"] != "2030-05-06T07:08:09Z" {
		t.Errorf("no flag on %v", device)
	}
}

func TestDevice(t *testing.T) {
	r := newRig(t)
	serial := r.enrolled("SN1")["serial"].(string)
	device := r.call("auditor", "GET", "/api/v1/devices/TH20-SN1", nil).want(t, 200)
	wantKeys(t, device, deviceKeys)
	certificates := device["certificates"].([]any)
	certificate := certificates[0].(m)
	wantKeys(t, certificate, certificateKeys)
	delete(device, "certificates")
	want := m{
		"id": "TH20-SN1", "urn": "urn:dev:ops:32473-TH20-SN1", "state": "active", "fleet": "/berlin/line-3", "model": "TH20", "serial": "SN1",
		"order": device["order"], "owner": nil, "owner_group": nil, "created_at": "2030-05-06T07:08:09Z", "changed_at": "2030-05-06T07:08:09Z",
	}
	if !reflect.DeepEqual(device, want) {
		t.Errorf("got %v, want %v", device, want)
	}
	if len(certificates) != 1 || certificate["serial"] != serial || certificate["status"] != "good" || certificate["predecessor"] != nil ||
		certificate["not_before"] != "2030-05-06T07:07:09Z" || certificate["not_after"] != "2030-05-07T07:08:09Z" || certificate["device"] != "TH20-SN1" ||
		certificate["reason"] != nil || certificate["revoked_at"] != nil || certificate["profile"] != "default" {
		t.Errorf("certificates %v", certificates)
	}
	for query, n := range map[string]int{
		"fleet=/berlin": 1, "fleet=/": 1, "model=TH20": 1, "model=TH21": 0, "state=active": 1, "state=held": 0, "q=SN": 1, "q=TH20-S": 1, "q=X": 0,
		"expiring_before=2030-05-08T00:00:00Z": 1, "expiring_before=2030-05-07T00:00:00Z": 0, "fleet=&model=&state=&q=": 1,
	} {
		part := r.call("auditor", "GET", "/api/v1/devices?"+query, nil).want(t, 200)
		if got := len(part["items"].([]any)); got != n {
			t.Errorf("%s lists %d devices, want %d", query, got, n)
		}
	}
	r.call("auditor", "GET", "/api/v1/devices?fleet=/paris", nil).refused(t, 404, enroll.NotFound)
	r.call("auditor", "GET", "/api/v1/devices?state=broken", nil).refused(t, 400, enroll.BadRequest)
	r.call("auditor", "GET", "/api/v1/devices/TH20-SN2", nil).refused(t, 404, enroll.NotFound)
}

func TestDeviceLife(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1")
	path := "/api/v1/devices/TH20-SN1"
	allowed := r.call("operator", "POST", path+"/reenrol", m{"comment": "flash wiped"}).want(t, 200)
	if allowed["reenrol_until"] != "2030-05-07T07:08:09Z" {
		t.Errorf("allowed %v", allowed)
	}
	r.call("operator", "POST", path+"/reenrol", m{"reason": "keyCompromise"}).refused(t, 400, enroll.BadRequest)
	heldDevice := r.call("security", "POST", path+"/hold", m{}).want(t, 200)
	wantStatus(t, heldDevice, "held", "held", "certificateHold")
	released := r.call("security", "POST", path+"/release", nil).want(t, 200)
	wantStatus(t, released, "active", "good", nil)
	revoked := r.call("security", "POST", path+"/revoke", m{"reason": "keyCompromise", "comment": "stolen"}).want(t, 200)
	wantStatus(t, revoked, "revoked", "revoked", "keyCompromise")
	again := r.call("security", "POST", path+"/revoke", nil).want(t, 200)
	wantStatus(t, again, "revoked", "revoked", "keyCompromise")
	r.call("security", "POST", path+"/hold", nil).refused(t, 409, enroll.WrongState)
	problem := r.call("security", "POST", path+"/revoke", m{"reason": "boredom"}).refused(t, 400, enroll.BadRequest)
	if problem["field"] != "reason" {
		t.Errorf("blames %v", problem["field"])
	}

	story := r.call("auditor", "GET", path+"/events", nil).want(t, 200)
	var kinds []string
	for _, event := range story["items"].([]any) {
		kinds = append(kinds, event.(m)["kind"].(string))
	}
	for _, kind := range []string{"device.enrolled", "device.reenrol_allowed", "device.held", "device.released", "device.revoked"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no %s in the story %v", kind, kinds)
		}
	}
}

func wantStatus(t *testing.T, device m, state, status string, reason any) {
	t.Helper()
	certificate := device["certificates"].([]any)[0].(m)
	if device["state"] != state || certificate["status"] != status || certificate["reason"] != reason || (certificate["revoked_at"] == nil) != (reason == nil) {
		t.Errorf("the device is %v, its certificate %v", device["state"], certificate)
	}
}

func TestCertificate(t *testing.T) {
	r := newRig(t)
	enrolled := r.enrolled("SN1")
	serial := enrolled["serial"].(string)
	shown := r.call("auditor", "GET", "/api/v1/certificates/"+strings.ToUpper(serial), nil).want(t, 200)
	wantKeys(t, shown, certificateKeys+" certificate")
	if shown["certificate"] != enrolled["certificate"] {
		t.Error("not the certificate")
	}
	for query, n := range map[string]int{
		"device=TH20-SN1": 1, "expiring_before=2030-05-08T00:00:00Z": 1, "expiring_before=2030-05-07T00:00:00Z": 0,
		"expiring_after=2030-05-07T00:00:00Z&expiring_before=2030-05-08T00:00:00Z": 1,
	} {
		part := r.call("auditor", "GET", "/api/v1/certificates?"+query, nil).want(t, 200)
		if got := len(part["items"].([]any)); got != n {
			t.Errorf("%s lists %d certificates, want %d", query, got, n)
		}
	}
	revoked := r.call("security", "POST", "/api/v1/certificates/"+serial+"/revoke", m{"reason": "superseded"}).want(t, 200)
	if revoked["status"] != "revoked" || revoked["reason"] != "superseded" || revoked["revoked_at"] != "2030-05-06T07:08:09Z" {
		t.Errorf("revoked into %v", revoked)
	}
	if state := r.call("auditor", "GET", "/api/v1/devices/TH20-SN1", nil).want(t, 200)["state"]; state != "active" {
		t.Errorf("its device is %v", state)
	}
	r.call("auditor", "GET", "/api/v1/certificates/40ff", nil).refused(t, 404, enroll.NotFound)
}

func TestAuditIsByteForByte(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1")
	r.call("security", "POST", "/api/v1/devices/TH20-SN1/revoke", m{"comment": `<b>&"quoted"</b>`}).want(t, 200)
	want := must(r.Service.AuditLines(t.Context(), resttest.Principal(identity.Admin), enroll.Page{Limit: 1000}))(t)
	answer := r.call("auditor", "GET", "/api/v1/audit?limit=1000", nil)
	answer.want(t, 200)
	var got struct {
		Items []json.RawMessage
		Next  string
	}
	must0(t, json.Unmarshal(answer.Body.Bytes(), &got))
	if len(got.Items) != len(want.Items) || len(got.Items) == 0 {
		t.Fatalf("%d records, want %d", len(got.Items), len(want.Items))
	}
	for i := range got.Items {
		if !bytes.Equal(got.Items[i], want.Items[i]) {
			t.Errorf("record %d is\n%s, want\n%s", i, got.Items[i], want.Items[i])
		}
	}
	note := r.call("auditor", "GET", "/api/v1/audit/checkpoint", nil)
	if note.want(t, 200); !strings.HasPrefix(note.Body.String(), "log.touchmark.example\n") || note.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("the checkpoint is %s %q", note.Header().Get("Content-Type"), note.Body)
	}
}

func TestWhoami(t *testing.T) {
	r := newRig(t)
	want := m{
		"id": "oidc:https://idp.example#admin", "name": "The admin", "kind": "oidc", "groups": []any{"admin"}, "roles": []any{"admin"},
		"grants": []any{m{"grant": "configuration:admin", "role": "admin", "fleet": "/", "until": nil}},
	}
	if got := r.call("admin", "GET", "/api/v1/whoami", nil).want(t, 200); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	nobody := r.call("nobody", "GET", "/api/v1/whoami", nil).want(t, 200)
	if !reflect.DeepEqual(nobody["roles"], []any{}) {
		t.Errorf("nobody is %v", nobody)
	}
	r.fleet("/berlin")
	for _, grant := range []m{
		{"for": "group:https://idp.example#line-leads", "role": "operator", "fleet": "/berlin", "until": "2031-01-01T00:00:00Z"},
		r.newGrant("person:erika", "auditor", "/"),
	} {
		r.call("admin", "POST", "/api/v1/grants", grant).want(t, 201)
	}
	erika := r.call("person:erika+line-leads", "GET", "/api/v1/whoami", nil).want(t, 200)
	own, led := erika["grants"].([]any)[0].(m), erika["grants"].([]any)[1].(m)
	if own["role"] != "auditor" || own["fleet"] != "/" || own["until"] != nil || led["role"] != "operator" || led["fleet"] != "/berlin" || led["until"] != "2031-01-01T00:00:00Z" {
		t.Errorf("holds %v", erika["grants"])
	}
	if !reflect.DeepEqual(erika["groups"], []any{"line-leads"}) || !reflect.DeepEqual(erika["roles"], []any{"auditor", "operator"}) {
		t.Errorf("is %v", erika)
	}
	r.Clock.Add(365 * 24 * time.Hour)
	if erika = r.call("person:erika+line-leads", "GET", "/api/v1/whoami", nil).want(t, 200); len(erika["grants"].([]any)) != 1 {
		t.Errorf("after its end a grant gives %v", erika["grants"])
	}
}

func TestBreakGlassRotation(t *testing.T) {
	r := newRig(t)
	token := r.call("break-glass", "POST", "/api/v1/breakglass/rotate", nil).want(t, 200)["token"].(string)
	r.call("break-glass", "GET", "/api/v1/whoami", nil).refused(t, 401, enroll.Unauthenticated)
	r.BreakGlass = token
	if who := r.call("break-glass", "GET", "/api/v1/whoami", nil).want(t, 200); who["id"] != "break-glass" {
		t.Errorf("the new token is %v", who)
	}
	if strings.Contains(r.Door.Log.String(), "tmbg_") {
		t.Error("the log tells a token")
	}
}

func TestExpiredOutranksNothingButGood(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1")
	r.Door.Clock.Add(48 * time.Hour)
	device := r.call("auditor", "GET", "/api/v1/devices/TH20-SN1", nil).want(t, 200)
	if status := device["certificates"].([]any)[0].(m)["status"]; status != "expired" {
		t.Errorf("a certificate past its end is %v", status)
	}
}
