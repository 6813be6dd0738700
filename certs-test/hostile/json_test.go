package hostile_test

import (
	"encoding/json"
	"strings"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

const asJSON = "Content-Type: application/json\r\n"

// authorized is the header that shows a token.
func authorized(token string) string { return "Authorization: Bearer " + token + "\r\n" }

// encoded is JSON.
func encoded(body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// jsonRows are bodies that are wrong, of somebody who may edit the order.
func jsonRows(s *site) []row {
	path := "/api/v1/orders/" + s.orders["line"]
	headers := authorized(s.berlin) + asJSON
	all := rows("json/api", payload.JSON(), "400 bad_request", map[string]string{
		"negative zero": "409 conflict", "minus one": "409 conflict", // fewer than are enrolled
	}, func(p payload.Payload) row {
		return row{on: api, send: request("PATCH", path, headers, string(p.Bytes))}
	})
	post := func(headers, body string) []byte { return request("POST", "/api/v1/orders", headers, body) }
	token := authorized(s.berlin)
	for _, r := range []row{
		{name: "a body of 64 KiB and one", send: request("PATCH", path, headers, "{"+strings.Repeat(" ", 64<<10-1)+"}"), want: "413 too_large"},
		{name: "a list of 4 MiB and more", send: post(headers, `{"serials": ["`+strings.Repeat(`","`, 1<<21)+`"]}`), want: "413 too_large"},
		{name: "a million serial numbers", send: post(headers, `{"fleet": "/berlin", "model": "TH20", "quantity": 1, "serials": [`+strings.Repeat(`"",`, 1_000_000)+`""]}`), want: "400 bad_request"},
		{name: "a body that ends early", send: []byte("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n" + headers + "Content-Length: 100\r\n\r\n{}"), want: "400 bad_request", limit: 45 * oneSecond, aside: true},
		{name: "a length of 1 TB", send: []byte("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "Content-Length: 1099511627776\r\n\r\n" + strings.Repeat(" ", 5<<20)), want: "413 too_large"},
		{name: "chunks of 5 MiB", send: []byte("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "Transfer-Encoding: chunked\r\n\r\n500000\r\n" + strings.Repeat(" ", 5<<20) + "\r\n0\r\n\r\n"), want: "413 too_large"},
		{name: "chunks of nonsense", send: []byte("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), want: "400 bad_request"},
		{name: "a chunk of 2^64", send: []byte("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n{}\r\n0\r\n\r\n"), want: "400 bad_request"},
		{name: "no content type", send: post(token, `{}`), want: "400 bad_request"},
		{name: "a form", send: post(token+"Content-Type: application/x-www-form-urlencoded\r\n", `fleet=/`), want: "400 bad_request"},
		{name: "a form with files", send: post(token+"Content-Type: multipart/form-data; boundary=x\r\n", "--x--"), want: "400 bad_request"},
		{name: "XML", send: post(token+"Content-Type: application/xml\r\n", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`), want: "400 bad_request"},
		{name: "CBOR", send: post(token+"Content-Type: application/cbor\r\n", "\xa0"), want: "400 bad_request"},
		{name: "text as simple requests have it", send: post(token+"Content-Type: text/plain\r\n", `{}`), want: "400 bad_request"},
		{name: "another charset", send: post(token+"Content-Type: application/json; charset=utf-16\r\n", `{}`), want: "400 bad_request"},
		{name: "a content type of nonsense", send: post(token+"Content-Type: application/json; =\r\n", `{}`), want: "400 bad_request"},
		{name: "a content type twice", send: post(token+"Content-Type: text/plain\r\nContent-Type: application/json\r\n", `{}`), want: "400 bad_request"},
		{name: "a body that is compressed", send: post(headers+"Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00"), want: "400 bad_request"},
		{name: "a body of GET", send: request("GET", "/api/v1/whoami", token, strings.Repeat("x", 100_000)), want: "200"},
		{name: "another method by header", send: request("GET", path, token+"X-HTTP-Method-Override: DELETE\r\n", ""), want: "200"},
		{name: "another address by header", send: request("GET", path, token+"X-Original-URL: /api/v1/backup\r\nX-Forwarded-For: 127.0.0.1\r\n", ""), want: "200"},
	} {
		r.name, r.on = "json/api/"+r.name, api
		all = append(all, r)
	}
	return all
}

// parameterRows are addresses with parameters and ids that are wrong.
func parameterRows(s *site) []row {
	const long = 10_000
	var all []row
	for _, r := range []struct{ name, target, want string }{
		{"a limit of zero", "/api/v1/devices?limit=0", "400 bad_request"},
		{"a limit of minus one", "/api/v1/devices?limit=-1", "400 bad_request"},
		{"a limit of 2^63", "/api/v1/devices?limit=9223372036854775808", "400 bad_request"},
		{"a limit of 1,001", "/api/v1/devices?limit=1001", "400 bad_request"},
		{"a limit that is no number", "/api/v1/devices?limit=ten", "400 bad_request"},
		{"two limits", "/api/v1/devices?limit=1&limit=1000000", "400 bad_request"},
		{"a cursor of nonsense", "/api/v1/devices?after=%ff%00", "400 bad_request"},
		{"a cursor of another list", "/api/v1/devices?after=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "400 bad_request"},
		{"a cursor of 10 kB", "/api/v1/devices?after=" + strings.Repeat("A", long), "400 bad_request"},
		{"orders by a cursor that is a path", "/api/v1/orders?after=../../x", "400 bad_request"},
		{"certificates by a cursor of nonsense", "/api/v1/certificates?after=zz", "400 bad_request"},
		{"fleets by a cursor of nonsense", "/api/v1/fleets?after=%00", "400 bad_request"},
		{"records by a cursor of minus one", "/api/v1/audit?after=-1", "400 bad_request"},
		{"records by a cursor beyond all", "/api/v1/audit?after=18446744073709551615", "400 bad_request"},
		{"an unknown parameter", "/api/v1/devices?admin=true", "400 bad_request"},
		{"a parameter in capitals", "/api/v1/devices?LIMIT=1", "400 bad_request"},
		{"a time that is none", "/api/v1/devices?expiring_before=now", "400 bad_request"},
		{"a fleet that is no path", "/api/v1/devices?fleet=..%2f..", "400 bad_request"},
		{"a fleet of 10 kB", "/api/v1/devices?fleet=/" + strings.Repeat("a", long), "400 bad_request"},
		{"a state that is none", "/api/v1/devices?state=dead", "400 bad_request"},
		{"a kind of event of nonsense", "/api/v1/audit?fleet=/berlin&kind=%00", "400 bad_request"},
		{"a search for control characters", "/api/v1/devices?q=%1b%5b2J", "200"},
		{"a search for all", "/api/v1/devices?q=%25", "200"},
		{"an order of 10 kB", "/api/v1/orders/" + strings.Repeat("a", long), "400 bad_request"},
		{"an order with NUL", "/api/v1/orders/a%00b", "404 not_found"},
		{"an order that is a path", "/api/v1/orders/..%2f..%2fetc", "404 not_found"},
		{"a device of 10 kB", "/api/v1/devices/" + strings.Repeat("a", long), "400 bad_request"},
		{"a device with a newline", "/api/v1/devices/a%0ab", "404 not_found"},
		{"a device that is no name", "/api/v1/devices/%e2%80%ae", "404 not_found"},
		{"a certificate of 10 kB", "/api/v1/certificates/" + strings.Repeat("a", long), "400 bad_request"},
		{"a certificate of nonsense", "/api/v1/certificates/zz", "404 not_found"},
		{"a fleet's id of nonsense", "/api/v1/fleets/%00", "404 not_found"},
		{"a user of nonsense", "/api/v1/users/%1b", "404 not_found"},
		{"a token of 10 kB", "/api/v1/tokens/" + strings.Repeat("a", long), "400 bad_request"},
		{"a grant of nonsense", "/api/v1/grants/%ff", "404 not_found"},
		{"a request that waits, of nonsense", "/api/v1/approvals/%0d%0a", "404 not_found"},
		{"a job of nonsense", "/api/v1/jobs/-1", "404 not_found"},
	} {
		all = append(all, row{name: "parameter/api/" + r.name, on: api, send: request("GET", r.target, authorized(s.berlin), ""), want: r.want})
	}
	return all
}

// tokenRows are callers who prove nothing.
func tokenRows(s *site) []row {
	var all []row
	for i, r := range []struct{ name, header, want string }{
		{"nothing", "", "401 unauthenticated"},
		{"the scheme alone", "Authorization: Bearer\r\n", "401 unauthenticated"},
		{"no scheme", "Authorization: secret\r\n", "401 unauthenticated"},
		{"another scheme", "Authorization: Basic YTpi\r\n", "401 unauthenticated"},
		{"two tokens", authorized(s.berlin) + authorized(s.berlin), "401 unauthenticated"},
		{"two tokens in one header", authorized(s.berlin + ", " + s.auditor), "401 unauthenticated"},
		{"10 kB", authorized(strings.Repeat("a", 10_000)), "401 unauthenticated"},
		{"control characters", "Authorization: Bearer a\tb\r\n", "401 unauthenticated"},
		{"octets that are no text", "Authorization: Bearer \xff\xfe\r\n", "401 unauthenticated"},
		{"a JWT of nobody's", authorized("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIn0."), "401 unauthenticated"},
		{"a JWT of dots", authorized(strings.Repeat(".", 1000)), "401 unauthenticated"},
		{"a scoped token of nonsense", authorized("tmst_"), "401 unauthenticated"},
		{"a scoped token of a wrong secret", authorized(s.berlin[:len(s.berlin)-4] + "0000"), "401 unauthenticated"},
		{"a scoped token with something behind it", authorized(s.berlin + "0"), "401 unauthenticated"},
		{"a scoped token in capitals", authorized(strings.ToUpper(s.berlin)), "401 unauthenticated"},
		{"a break-glass token of nonsense", authorized("tmbg_guess"), "401 unauthenticated"},
		{"a break-glass token cut off", authorized(s.admin[:len(s.admin)-1]), "401 unauthenticated"},
		{"a token in a cookie", "Cookie: token=" + s.berlin + "\r\n", "401 unauthenticated"},
	} {
		all = append(all, row{
			name: "token/api/" + r.name, on: api, from: "127.0.1." + string(rune('1'+i%9)),
			send: request("GET", "/api/v1/whoami", r.header, ""), want: r.want,
		})
	}
	return append(all, row{
		name: "token/api/a token in the address", on: api, send: request("GET", "/api/v1/whoami?access_token="+s.berlin, "", ""), want: "401 unauthenticated",
	}, row{
		name: "token/api/a body before a proof", on: api, send: request("POST", "/api/v1/orders", asJSON, strings.Repeat("[", 1<<20)), want: "401 unauthenticated",
	})
}
