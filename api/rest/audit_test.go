package rest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// kindsOf reads a whole list of records part by part, and whether they prove
// themselves.
func (r *rig) kindsOf(token, query string) (kinds []string, rooted bool) {
	r.t.Helper()
	after := ""
	for {
		body := r.call(token, "GET", "/api/v1/audit?limit=3&"+query+"&after="+url.QueryEscape(after), nil).want(r.t, 200)
		for _, item := range body["items"].([]any) {
			record := item.(m)
			kinds = append(kinds, record["kind"].(string))
			_, rooted = record["root"]
		}
		if after = body["next"].(string); after == "" {
			return kinds, rooted
		}
	}
}

func TestAuditFilters(t *testing.T) {
	r := newBranchRig(t)
	device := r.enrolled("SN1")["device"].(string)
	r.call("operator", "POST", "/api/v1/orders", m{"fleet": "/ulm", "model": "TH20", "quantity": 1}).want(t, 201)
	r.call("station", "GET", "/api/v1/devices/"+device, nil).refused(t, 403, enroll.Forbidden)
	ulm := []string{"fleet.created", "order.created"}
	for name, c := range map[string]struct {
		token, query string
		want         []string
	}{
		"a branch":         {"auditor", "fleet=/ulm", ulm},
		"a kind":           {"auditor", "kind=device.enrolled", []string{"device.enrolled"}},
		"kinds":            {"auditor", "kind=device.*&kind=request.refused", []string{"device.enrolled", "request.refused"}},
		"a device":         {"auditor", "device=" + device, []string{"device.enrolled", "certificate.issued", "request.refused"}},
		"a person":         {"auditor", "principal=oidc:https://idp.example%23station", []string{"request.refused"}},
		"oneself":          {"auditor", "principal=me", nil},
		"a time":           {"auditor", "from=2030-05-07T00:00:00Z", nil},
		"a time before":    {"auditor", "fleet=/ulm&until=2030-05-07T00:00:00Z", ulm},
		"a branch auditor": {"anna", "", ulm},
		"filtered too":     {"anna", "fleet=/ulm&kind=order.*", ulm[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.within(t)
			got, rooted := r.kindsOf(c.token, c.query)
			if !slices.Equal(got, c.want) || rooted {
				t.Errorf("got %v, want %v; lines of an export: %v", got, c.want, rooted)
			}
		})
	}
	if all, rooted := r.kindsOf("auditor", ""); !rooted || len(all) < 8 {
		t.Errorf("without a filter got %v; lines of an export: %v", all, rooted)
	}
	r.call("station", "GET", "/api/v1/audit?principal=me", nil).refused(t, 403, enroll.Forbidden)
	r.call("anna", "GET", "/api/v1/audit?fleet=/berlin/line-3", nil).refused(t, 404, enroll.NotFound)
	r.call("anna", "GET", "/api/v1/audit/checkpoint", nil).refused(t, 403, enroll.Forbidden)
	for field, query := range map[string]string{
		"kind": "kind=device", "from": "from=yesterday", "until": "from=2030-05-07T00:00:00Z&until=2030-05-07T00:00:00Z",
		"fleet": "fleet=ulm", "principal": "principal=" + strings.Repeat("x", 1025), "after": "kind=order.*&after=log.3", "device": "device=" + strings.Repeat("x", 98),
	} {
		problem := r.call("auditor", "GET", "/api/v1/audit?"+query, nil).refused(t, 400, enroll.BadRequest)
		if problem["field"] != field {
			t.Errorf("%s: %v", query, problem)
		}
	}
}
