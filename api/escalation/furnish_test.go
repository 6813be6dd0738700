package escalation_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
)

// furnish puts something of every kind into a fleet.
func (w *world) furnish(at position) {
	w.t.Helper()
	on := at.place()
	stations := []string{}
	for _, a := range w.actors {
		if a.station || a.der != nil && at == own {
			stations = append(stations, a.id)
		}
	}
	w.set("empty fleet", at, w.call("", "POST", "/api/v1/fleets", m{"path": on + "/empty"}, 201)["id"].(string))
	order := w.call("", "POST", "/api/v1/orders", m{"fleet": on, "model": "TH20", "quantity": 100, "stations": stations}, 201)["id"].(string)
	w.set("order", at, order)
	w.things["order"] = append(w.things["order"], thing{id: order, at: at})

	suffix := strings.ToUpper(string(at[:3]))
	for _, what := range []string{"active", "held", "bobs", "claimed", "held certificate"} {
		serial := strings.ToUpper(what[:1]+what[len(what)-1:]) + suffix
		id, der, certificate := w.enrolUnder(order, serial, on)
		w.set(what, at, id)
		w.set(what+"'s certificate", at, certificate)
		if what == "active" {
			w.certificates[at] = der
		}
		w.set(what+"'s DER", at, string(der))
	}
	w.call("", "POST", "/api/v1/devices/"+w.ids["held"][at]+"/hold", nil, 200)
	w.call("", "POST", "/api/v1/certificates/"+w.ids["held certificate's certificate"][at]+"/hold", nil, 200)

	bob := someone("bob-" + suffix)
	owned := "/api/v1/devices/" + w.ids["bobs"][at]
	w.set("user", at, w.call("", "POST", owned+"/owner", m{"user": bob.id}, 200)["owner"].(string))
	for i, device := range w.things["device"] {
		if device.id == w.ids["bobs"][at] {
			w.things["device"][i].whose = w.ids["user"][at]
		}
	}
	w.call(bob.bearer, "POST", owned+"/transfer", m{"to": someone("carol").id}, 201)

	w.set("grant", at, w.grant(someone("dora").id, "operator", on, 0))
	w.set("token", at, w.token(&actor{id: "break-glass", bearer: w.door.BreakGlass}, "somebody's token", on, carriedAlready()).made)
	w.actors = w.actors[:len(w.actors)-1]

	drawn := w.call("", "POST", "/api/v1/orders/"+order+"/tickets", m{"serials": []string{"T" + suffix}}, 201)
	w.set("ticket", at, drawn["items"].([]any)[0].(m)["ticket"].(string))
	w.set("expected", at, "T"+suffix)
	w.things["device"] = append(w.things["device"], thing{id: "TH20-T" + suffix, at: at})
}

// carriedAlready is what the token in each fleet is for.
func carriedAlready() []permission { return []permission{"order.read", "audit.read"} }

// furnishOwned gives the owners their devices.
func (w *world) furnishOwned() {
	w.t.Helper()
	for at, owner := range map[position]m{
		mine: {"user": someone("owner").id}, ours: {"group": "group:" + issuer + "#crew"}, makers: {"user": someone("owner-who-makes-tokens").id},
	} {
		id, der, certificate := w.enrolUnder(w.ids["order"][sibling], strings.ToUpper(string(at[:3])), siblingPlace)
		for _, list := range []string{"device", "certificate"} {
			w.things[list][len(w.things[list])-1].at = at
		}
		w.set("active", at, id)
		w.set("bobs", at, id)
		w.set("active's certificate", at, certificate)
		w.certificates[at] = der
		w.call("", "POST", "/api/v1/devices/"+id+"/owner", owner, 200)
	}
	for at, owner := range map[position]string{mine: "owner", makers: "owner-who-makes-tokens"} {
		w.call(someone(owner).bearer, "POST", "/api/v1/devices/"+w.ids["active"][at]+"/transfer", m{"to": someone("offeree").id}, 201)
	}
}

// furnishClaims draws claim codes, and has devices start claims. They last for
// minutes, so that this comes late.
func (w *world) furnishClaims() {
	w.t.Helper()
	for _, at := range known() {
		w.set("code", at, w.call("", "POST", "/api/v1/devices/"+w.ids["active"][at]+"/claim-code", nil, 201)["code"].(string))
		r := newRequest(w.t, "POST", "/api/v1/claims", nil)
		show(r, []byte(w.ids["claimed's DER"][at]), w.t)
		started := w.serve(w.device, r, 201)
		w.set("started", at, started["id"].(string))
		w.set("started code", at, started["user_code"].(string))
	}
}

// furnishApprovals has somebody ask for what waits for a second person, and start
// jobs.
func (w *world) furnishApprovals() {
	w.t.Helper()
	asker := someone("asker")
	w.grant(asker.id, "admin", root, 0)
	for _, at := range known() {
		w.set("job", at, w.call(asker.bearer, "POST", "/api/v1/users/"+w.ids["user"][at]+"/jobs", m{"action": "hold"}, 201)["id"].(string))
	}
	w.policy("actions")
	for _, at := range known() {
		id := w.call(asker.bearer, "POST", "/api/v1/devices/"+w.ids["active"][at]+"/hold", nil, 202)["id"].(string)
		w.set("approval", at, id)
		w.things["approval"] = append(w.things["approval"], thing{id: id, at: at})
	}
	w.policy()
}

// furnishUnknown names what is not there, as it would be called if it were.
func (w *world) furnishUnknown() {
	for what, id := range map[string]string{
		"fleet": strings.Repeat("0", len(w.ids["fleet"][own])), "order": strings.Repeat("0", len(w.ids["order"][own])),
		"active": "TH20-NONE", "held": "TH20-NONE", "bobs": "TH20-NONE",
		"active's certificate": strings.Repeat("0", 40), "held certificate's certificate": strings.Repeat("0", 40),
		"user": "person:" + strings.Repeat("0", 32), "grant": strings.Repeat("0", len(w.ids["grant"][own])),
		"token": strings.Repeat("0", len(w.ids["token"][own])), "job": strings.Repeat("0", len(w.ids["job"][own])),
		"approval": strings.Repeat("0", len(w.ids["approval"][own])), "started": strings.Repeat("0", len(w.ids["started"][own])),
		"code": "tmcl_" + strings.Repeat("0", 26), "started code": "BBBB-BBBB",
	} {
		w.set(what, unknown, id)
	}
}

// show has a request come with a client certificate.
func show(r *http.Request, der []byte, t testing.TB) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
}
