package rest_test

import (
	"encoding/json"
	"testing"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// told returns the events of a kind, as an auditor exports them.
func (r *rig) told(kind enroll.EventKind) (events []enroll.Event) {
	r.t.Helper()
	page := enroll.Page{Limit: enroll.MaxPage}
	for {
		part := must(r.Service.AuditLines(r.t.Context(), resttest.Principal(identity.Admin), page))(r.t)
		for _, line := range part.Items {
			var event enroll.Event
			must0(r.t, json.Unmarshal(line, &event))
			if event.Kind == kind {
				events = append(events, event)
			}
		}
		if page.After = part.Next; page.After == "" {
			return events
		}
	}
}

// Whatever is refused to somebody who signed in stands in the log once, with what
// they asked for and where that is.
func TestRefusalsStandInTheLog(t *testing.T) {
	r := newRig(t)
	device := r.enrolled("SN1")["device"].(string)
	closed := r.order()
	r.call("admin", "POST", "/api/v1/orders/"+closed+"/close", nil).want(t, 200)
	for name, c := range map[string]struct {
		token, method, path string
		body                any
		status              int
		want                enroll.Event
	}{
		"nowhere":        {"station", "POST", "/api/v1/devices/" + device + "/revoke", nil, 403, enroll.Event{Code: enroll.Forbidden, Operation: "device.revoke", Target: "/devices/" + device + "/revoke", Device: "TH20-SN1", Fleet: "/berlin/line-3"}},
		"not there":      {"admin", "GET", "/api/v1/devices/TH20-SN1%2Frevoke", nil, 404, enroll.Event{Code: enroll.NotFound, Operation: "device.read", Target: "/devices/TH20-SN1/revoke"}},
		"state":          {"admin", "PATCH", "/api/v1/orders/" + closed, m{"quantity": 3}, 409, enroll.Event{Code: enroll.OrderClosed, Operation: "order.edit", Target: "/orders/" + closed, Fleet: "/berlin/line-3"}},
		"list":           {"nobody", "GET", "/api/v1/orders?fleet=/berlin", nil, 403, enroll.Event{Code: enroll.Forbidden, Operation: "order.read", Target: "/orders"}},
		"by the door":    {"nobody", "GET", "/api/v1/backup", nil, 403, enroll.Event{Code: enroll.Forbidden, Operation: "installation.backup", Target: "/backup"}},
		"enrolment":      {"station", "POST", "/api/v1/orders/none/devices", m{"serial": "SN1", "csr": "x"}, 404, enroll.Event{Code: enroll.NotFound, Operation: "vouch", Target: "/orders/none/devices"}},
		"full enrolment": {"station", "POST", "/api/v1/orders/" + closed + "/devices", m{"serial": "SN9", "csr": resttest.CSR(t, resttest.NewKey(t))}, 409, enroll.Event{Code: enroll.OrderClosed, Operation: "vouch", Target: "/orders/" + closed + "/devices", Fleet: "/berlin/line-3"}},
		"malformed":      {"admin", "POST", "/api/v1/orders", m{"fleet": "x", "model": "M", "quantity": 1}, 400, enroll.Event{}},
		"who are you":    {"stale", "GET", "/api/v1/orders", nil, 401, enroll.Event{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.within(t)
			before := len(r.told(enroll.RequestRefused))
			answer := r.call(c.token, c.method, c.path, c.body)
			answer.want(t, c.status)
			got := r.told(enroll.RequestRefused)[before:]
			if c.want.Code == "" {
				if len(got) != 0 {
					t.Errorf("recorded %+v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("recorded %+v, want one event", got)
			}
			e := got[0]
			if e.Code != c.want.Code || e.Operation != c.want.Operation || e.Target != c.want.Target || e.Device != c.want.Device || e.Fleet != c.want.Fleet {
				t.Errorf("recorded %+v, want %+v", e, c.want)
			}
			if e.Actor == "" || e.Request != answer.Header().Get("X-Request-Id") {
				t.Errorf("recorded actor %q and request %q", e.Actor, e.Request)
			}
		})
	}
}

// What a door does by itself with the whole installation is told before it is done,
// and only what is done.
func TestBackupAndCompactionStandInTheLog(t *testing.T) {
	r := newRig(t)
	r.call("admin", "GET", "/api/v1/backup", nil).want(t, 200)
	r.call("break-glass", "POST", "/api/v1/store/compact", nil).want(t, 200)
	r.Config.Backup, r.Config.Compact = nil, nil
	r.handler = rest.New(r.Config)
	r.call("admin", "GET", "/api/v1/backup", nil).refused(t, 409, enroll.WrongState)
	r.call("admin", "POST", "/api/v1/store/compact", nil).refused(t, 409, enroll.WrongState)
	for kind, grant := range map[enroll.EventKind]string{enroll.BackupStarted: "configuration:admin", enroll.CompactionStarted: "break-glass"} {
		if got := r.told(kind); len(got) != 1 || got[0].Grant != grant || got[0].Actor == "" {
			t.Errorf("%s is told as %+v", kind, got)
		}
	}
	if got := r.told(enroll.BreakGlassUsed); len(got) != 1 || got[0].Target != "/store/compact" || got[0].Operation != "compact-store" {
		t.Errorf("the break-glass token's use is told as %+v", got)
	}
}
