package hostile_test

import (
	"net/url"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

// textRows put what must not stand in a text into each field that somebody fills.
func textRows(s *site) []row {
	post := func(path string, token string, body m) []byte {
		return request("POST", path, authorized(token)+asJSON, encoded(body))
	}
	order := func(field string, value any) m {
		body := m{"fleet": "/berlin/line-1", "model": "TH20", "quantity": 1}
		body[field] = value
		return body
	}
	line := "/api/v1/orders/" + s.orders["line"]
	var all []row
	for _, f := range []struct {
		field string
		want  string
		send  func(text string) []byte
		admin bool
	}{
		{"a comment", "400 bad_request", func(text string) []byte {
			return post("/api/v1/devices/TH20-D1/hold", s.berlin, m{"comment": text})
		}, false},
		{"a reason", "400 bad_request", func(text string) []byte {
			return post("/api/v1/devices/TH20-D1/revoke", s.berlin, m{"reason": text})
		}, false},
		{"a comment on an owner", "400 bad_request", func(text string) []byte {
			return post("/api/v1/devices/TH20-D1/owner", s.berlin, m{"user": "person:00000000000000000000000000000000", "comment": text})
		}, false},
		{"an order's fleet", "400 bad_request", func(text string) []byte { return post("/api/v1/orders", s.berlin, order("fleet", "/"+text)) }, false},
		{"an order's model", "400 bad_request", func(text string) []byte { return post("/api/v1/orders", s.berlin, order("model", text)) }, false},
		{"an order's profile", "400 bad_request", func(text string) []byte { return post("/api/v1/orders", s.berlin, order("profile", text)) }, false},
		{"a serial number", "400 bad_request", func(text string) []byte { return post("/api/v1/orders", s.berlin, order("serials", []string{text})) }, false},
		{"a station", "400 bad_request", func(text string) []byte { return post("/api/v1/orders", s.berlin, order("stations", []string{text})) }, false},
		{"an owner", "400 bad_request", func(text string) []byte { return post("/api/v1/orders", s.berlin, order("owner", text)) }, false},
		{"a serial number for a ticket", "400 bad_request", func(text string) []byte {
			return post(line+"/tickets", s.berlin, m{"serials": []string{text}})
		}, false},
		{"a new fleet", "400 bad_request", func(text string) []byte { return post("/api/v1/fleets", s.berlin, m{"path": "/berlin/" + text}) }, false},
		{"whose records", "400 bad_request", func(text string) []byte {
			return request("GET", "/api/v1/audit?fleet=/berlin&principal="+url.QueryEscape(text), authorized(s.berlin), "")
		}, false},
		{"a permission", "400 bad_request", func(text string) []byte {
			return post("/api/v1/access/explain", s.berlin, m{"permission": text, "on": "/berlin"})
		}, false},
		{"a token's name", "400 bad_request", func(text string) []byte {
			return post("/api/v1/tokens", s.admin, m{"name": text, "fleet": "/berlin", "permissions": []string{"device.read"}, "until": "2026-01-01T00:00:00Z"})
		}, true},
		{"whom a grant is for", "400 bad_request", func(text string) []byte {
			return post("/api/v1/grants", s.admin, m{"for": "oidc:https://idp.example#" + text, "role": "operator", "fleet": "/berlin"})
		}, true},
		{"a role's name", "400 bad_request", func(text string) []byte {
			return request("PUT", "/api/v1/roles/"+url.PathEscape(text), authorized(s.admin)+asJSON, `{"permissions": ["device.read"]}`)
		}, true},
	} {
		texts := payload.Texts()
		if f.field != "a comment" {
			texts = append(texts[:0:0], texts[0], texts[1], texts[6], texts[8], texts[10], texts[13], texts[21])
		}
		all = append(all, rows("text/api/"+f.field, texts, f.want, nil, func(p payload.Payload) row {
			return row{on: api, send: f.send(string(p.Bytes)), admin: f.admin}
		})...)
	}
	return append(all, rows("text/device/a serial number", payload.Texts()[:8], "400 bad_request", nil, func(p payload.Payload) row {
		body := encoded(m{"serial": string(p.Bytes), "csr": csrPEM(payload.GoodCSR())})
		return row{on: device, by: "station", send: request("POST", line+"/devices", asJSON, body)}
	})...)
}
