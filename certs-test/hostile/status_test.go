package hostile_test

import (
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

// serial is a certificate's serial number in octets.
func (s *site) serial(of string) []byte {
	n, ok := new(big.Int).SetString(s.serials[of], 16)
	if !ok {
		panic("no serial number of " + of)
	}
	return n.Bytes()
}

const asOCSP = "Content-Type: application/ocsp-request\r\n"

// ocspRows are OCSP requests that are wrong, by POST and by GET.
func ocspRows(s *site) []row {
	issuer, serial := s.lab.Site.Issuer, s.serial("device")
	requests := payload.OCSPRequests(issuer, serial)
	unauthorized := map[string]string{}
	for _, name := range []string{"a hash that nobody knows", "another issuer", "two issuers"} {
		unauthorized[name] = "200 unauthorized"
	}
	unauthorized["a hash of the wrong length"] = "200 malformedRequest"
	// Who asks is not looked at; a serial number that is none was never issued.
	unauthorized["signed with rubbish"] = "200 successful"
	unauthorized["a negative serial number"] = "200 successful"
	all := rows("ocsp/status/POST", requests, "200 malformedRequest", unauthorized, func(p payload.Payload) row {
		return row{on: status, send: request("POST", "/ocsp", asOCSP, string(p.Bytes))}
	})
	all = append(all, rows("ocsp/status/GET", payload.OCSPPaths(issuer, serial), "200 malformedRequest", map[string]string{}, func(p payload.Payload) row {
		return row{on: status, send: request("GET", "/ocsp/"+string(p.Bytes), "", "")}
	})...)
	good := string(payload.GoodOCSP(issuer, serial))
	for _, r := range []row{
		{name: "4 KiB and one", send: request("POST", "/ocsp", asOCSP, strings.Repeat("0", 4097)), want: "413"},
		{name: "a length of 1 TB", send: []byte("POST /ocsp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + asOCSP + "Content-Length: 1099511627776\r\n\r\n" + strings.Repeat("0", 8192)), want: "413"},
		{name: "another content type", send: request("POST", "/ocsp", asJSON, good), want: "415"},
		{name: "no content type", send: request("POST", "/ocsp", "", good), want: "415"},
		{name: "base64 by POST", send: request("POST", "/ocsp", asOCSP, base64.StdEncoding.EncodeToString([]byte(good))), want: "200 malformedRequest"},
		{name: "chunks of nonsense", send: []byte("POST /ocsp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + asOCSP + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), want: "400"},
		{name: "GET of nothing", send: request("GET", "/ocsp", "", ""), want: "405"},
		{name: "PUT", send: request("PUT", "/ocsp", asOCSP, good), want: "405"},
		{name: "an ETag of nonsense", send: request("GET", "/ocsp/AAAA", "If-None-Match: \"\x7f\"\r\n", ""), want: "400"},
	} {
		r.name, r.on = "ocsp/status/"+r.name, status
		all = append(all, r)
	}
	return all
}

// statusRows are addresses of CRLs and certificates that are not there, and what may
// not be done to those that are.
func statusRows(s *site) []row {
	var all []row
	for _, r := range []struct{ name, method, target, headers, want string }{
		{"a CRL of nobody's", "GET", "/crl/nobody/0.crl", "", "404"},
		{"a shard of 10 kB", "GET", "/crl/x/" + strings.Repeat("a", 10_000) + ".crl", "", "404"},
		{"a shard that is a path", "GET", "/crl/x/..%2f..%2fetc%2fpasswd.crl", "", "404"},
		{"a shard with NUL", "GET", "/crl/x/a%00.crl", "", "404"},
		{"a bundle of nobody's", "GET", "/crl/%1b%5b2J/bundle.pem", "", "404"},
		{"an issuer of nobody's", "GET", "/issuer/%e2%80%ae.cer", "", "404"},
		{"an issuer's key", "GET", "/issuer/issuing.key", "", "404"},
		{"a CRL put", "PUT", "/crl/x/0.crl", "", "405"},
		{"a CRL deleted", "DELETE", "/crl/x/0.crl", "", "405"},
		{"health posted", "POST", "/healthz", "", "405"},
		{"health by HEAD", "HEAD", "/healthz", "", "200"},
		{"the API", "GET", "/api/v1/whoami", authorized(s.berlin), "404"},
		{"the metrics", "GET", "/metrics", "", "404"},
	} {
		all = append(all, row{name: "status/status/" + r.name, on: status, send: request(r.method, r.target, r.headers, ""), want: r.want})
	}
	for _, r := range []struct{ name, method, target, want string }{
		{"metrics posted", "POST", "/metrics", "405"},
		{"metrics in a format of nobody's", "GET", "/metrics?name[]=%00", "200"},
		{"pprof's command line", "GET", "/debug/pprof/cmdline", "404"},
		{"pprof's profile", "GET", "/debug/pprof/profile?seconds=600", "404"},
		{"pprof's heap", "GET", "/debug/pprof/heap", "404"},
		{"variables", "GET", "/debug/vars", "404"},
	} {
		all = append(all, row{name: "metrics/metrics/" + r.name, on: metrics, send: request(r.method, r.target, "", ""), want: r.want})
	}
	return all
}

// tenantRows are what one tenant asks about another, and what a token may not do.
func tenantRows(s *site) []row {
	token := authorized(s.berlin)
	var all []row
	for _, r := range []struct{ name, method, target, body, want string }{
		{"an order of another's", "GET", "/api/v1/orders/" + s.orders["paris"], "", "404 not_found"},
		{"tickets of another's order", "POST", "/api/v1/orders/" + s.orders["paris"] + "/tickets", `{"serials": ["A1"]}`, "404 not_found"},
		{"a device of another's", "GET", "/api/v1/devices/PX9-LOUVRE", "", "404 not_found"},
		{"a device of another's revoked", "POST", "/api/v1/devices/PX9-LOUVRE/revoke", `{}`, "404 not_found"},
		{"a certificate of another's", "GET", "/api/v1/certificates/" + s.serials["paris"], "", "404 not_found"},
		{"a certificate of another's revoked", "POST", "/api/v1/certificates/" + s.serials["paris"] + "/revoke", `{"reason": "keyCompromise"}`, "404 not_found"},
		{"devices of another's fleet", "GET", "/api/v1/devices?fleet=/paris", "", "404 not_found"},
		{"devices of all fleets", "GET", "/api/v1/devices?fleet=/", "", "404 not_found"},
		{"all orders", "GET", "/api/v1/orders", "", "200"},
		{"all fleets", "GET", "/api/v1/fleets", "", "200"},
		{"all tokens", "GET", "/api/v1/tokens", "", "200"},
		{"the whole log", "GET", "/api/v1/audit", "", "200"},
		{"records of another's", "GET", "/api/v1/audit?fleet=/paris", "", "404 not_found"},
		{"a backup", "GET", "/api/v1/backup", "", "403 forbidden"},
		{"a compaction", "POST", "/api/v1/store/compact", "", "403 forbidden"},
		{"the break-glass token", "POST", "/api/v1/breakglass/rotate", "", "403 forbidden"},
		{"a grant for oneself", "POST", "/api/v1/grants", `{"for": "oidc:https://idp.example#me", "role": "admin", "fleet": "/"}`, "403 forbidden"},
		{"a role for oneself", "PUT", "/api/v1/roles/mine", `{"permissions": ["device.read"]}`, "403 forbidden"},
		{"another token", "POST", "/api/v1/tokens", `{"name": "x", "fleet": "/berlin", "permissions": ["device.read"], "until": "2027-01-01T00:00:00Z"}`, "403 forbidden"},
		{"a policy", "PUT", "/api/v1/fleets/root/policy", `{"policy": {}}`, "403 forbidden"},
	} {
		headers := token
		if r.body != "" {
			headers += asJSON
		}
		all = append(all, row{
			name: "tenant/api/" + r.name, on: api, send: request(r.method, r.target, headers, r.body), want: r.want,
			knocked: `"actor":"device:PX9-LOUVRE"`, // which tried to vouch for devices of Berlin's order
		})
	}
	return all
}
