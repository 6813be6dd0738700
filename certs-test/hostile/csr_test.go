package hostile_test

import (
	"encoding/base64"
	"encoding/pem"
	"strings"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func csrPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

const asPKCS10 = "Content-Type: application/pkcs10\r\n"

// reenrol asks EST for a new certificate.
func reenrol(body string) []byte {
	return request("POST", "/.well-known/est/simplereenroll", asPKCS10, body)
}

// csrRows are certificate requests that are wrong, by a station and by a device that
// renews.
func csrRows(s *site) []row {
	weak := []string{
		"an unknown kind of key", "an Ed25519 key of small order", "a curve that nobody knows", "a modulus of one", "an even modulus",
		"an odd modulus with a small factor or none", "a modulus that is a square", "RSA 512", "RSA 16384", "RSA 100000",
		"exponent 1", "exponent 3", "an even exponent",
	}
	but := func(code, large string) map[string]string {
		wants := map[string]string{}
		for _, name := range weak {
			wants[name] = code
		}
		for _, p := range payload.CSRs() {
			if len(p.Bytes) > 16<<10 {
				wants[p.Name] = large
			}
		}
		return wants
	}
	path := "/api/v1/orders/" + s.orders["line"] + "/devices"
	all := rows("csr/device/REST", payload.CSRs(), "422 bad_csr", but("422 weak_key", "422 bad_csr"), func(p payload.Payload) row {
		return row{on: device, by: "station", send: request("POST", path, asJSON, encoded(m{"serial": "C1", "csr": csrPEM(p.Bytes)}))}
	})
	all = append(all, rows("csr/device/EST", payload.CSRs(), "400 bad_csr", but("400 weak_key", "413 too_large"), func(p payload.Payload) row {
		return row{on: device, by: "device", send: reenrol(base64.StdEncoding.EncodeToString(p.Bytes))}
	})...)
	good := csrPEM(payload.GoodCSR())
	for _, r := range []struct{ name, csr, want string }{
		{"no PEM", "hello", "422 bad_csr"},
		{"PEM of another kind", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "CERTIFICATE"), "422 bad_csr"},
		{"PEM of a private key", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "PRIVATE KEY"), "422 bad_csr"},
		{"two PEM blocks", good + good, "422 bad_csr"},
		{"PEM without an end", strings.Split(good, "-----END")[0], "422 bad_csr"},
		{"PEM with an end of another kind", strings.Replace(good, "END CERTIFICATE REQUEST", "END CERTIFICATE", 1), "422 bad_csr"},
		{"PEM of no base64", "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n", "422 bad_csr"},
		{"PEM of a name with control characters", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "A\u202eB\x1b"), "422 bad_csr"},
		{"text of 40 kB before PEM", strings.Repeat("x", 40_000) + "\n" + good, "422 bad_csr"},
	} {
		all = append(all, row{
			name: "csr/device/REST/" + r.name, on: device, by: "station", want: r.want,
			send: request("POST", path, asJSON, encoded(m{"serial": "C1", "csr": r.csr})),
		})
	}
	return all
}

// estRows are other ways to be wrong with EST.
func estRows(s *site) []row {
	good := base64.StdEncoding.EncodeToString(payload.GoodCSR())
	basic := func(user, secret string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret)) + "\r\n"
	}
	t1 := basic("T1", s.tickets["T1"])
	enrol := func(path, headers, body string) []byte { return request("POST", path, headers, body) }
	const est = "/.well-known/est"
	var all []row
	for i, r := range []row{
		{name: "GET of simpleenroll", send: request("GET", est+"/simpleenroll", "", ""), want: "405 bad_request"},
		{name: "POST of cacerts", send: request("POST", est+"/cacerts", "", ""), want: "405 bad_request"},
		{name: "an operation that is none", send: request("GET", est+"/simpleunroll", "", ""), want: "404 not_found"},
		{name: "an operation in capitals", send: request("GET", est+"/CACERTS", "", ""), want: "404 not_found"},
		{name: "a label of nonsense", send: request("GET", est+"/%00%0a/cacerts", "", ""), want: "200"},
		{name: "a label of 10 kB", send: request("GET", est+"/"+strings.Repeat("a", 10_000)+"/cacerts", "", ""), want: "200"},
		{name: "two labels", send: request("GET", est+"/a/b/cacerts", "", ""), want: "404 not_found"},
		{name: "two slashes", send: request("GET", "/.well-known//est/cacerts", "", ""), want: "404 not_found"},
		{name: "the label of another order", send: enrol(est+"/"+s.orders["paris"]+"/simpleenroll", t1+asPKCS10, good), want: "401"},
		{name: "the prefix of another order", send: enrol("/"+s.orders["closed"]+est+"/simpleenroll", t1+asPKCS10, good), want: "401"},
		{name: "a ticket for another device", send: enrol(est+"/simpleenroll", basic("T2", s.tickets["T1"])+asPKCS10, good), want: "401"},
		{name: "a serial number in other case", send: enrol(est+"/simpleenroll", basic("t1", s.tickets["T1"])+asPKCS10, good), want: "401"},
		{name: "a ticket with another end", send: enrol(est+"/simpleenroll", basic("T1", s.tickets["T1"][:len(s.tickets["T1"])-1]+"~")+asPKCS10, good), want: "401"},
		{name: "a ticket and no content type", send: enrol(est+"/simpleenroll", t1, good), want: "400 bad_request"},
		{name: "a ticket and another content type", send: enrol(est+"/simpleenroll", t1+"Content-Type: application/pkcs10x\r\n", good), want: "400 bad_request"},
		{name: "a ticket and no body", send: enrol(est+"/simpleenroll", t1+asPKCS10, ""), want: "400 bad_csr"},
		{name: "a ticket and DER", send: enrol(est+"/simpleenroll", t1+asPKCS10, string(payload.GoodCSR())), want: "400 bad_request"},
		{name: "a ticket and PEM", send: enrol(est+"/simpleenroll", t1+asPKCS10, csrPEM(payload.GoodCSR())), want: "400 bad_request"},
		{name: "a ticket and base64 for addresses", send: enrol(est+"/simpleenroll", t1+asPKCS10, "_-_-"), want: "400 bad_request"},
		{name: "a ticket and base64 with padding within", send: enrol(est+"/simpleenroll", t1+asPKCS10, "AA==AA=="), want: "400 bad_request"},
		{name: "a ticket and base64 with bits behind", send: enrol(est+"/simpleenroll", t1+asPKCS10, "AB=="), want: "400 bad_request"},
		{name: "a ticket and 30 kB of white space", send: enrol(est+"/simpleenroll", t1+asPKCS10, strings.Repeat(" \n", 15_000)), want: "413 too_large"},
		{name: "a ticket and 1 MB", send: enrol(est+"/simpleenroll", t1+asPKCS10, strings.Repeat("A", 1_000_000)), want: "413 too_large"},
		{name: "a ticket and a length of 1 TB", send: []byte("POST " + est + "/simpleenroll HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + t1 + asPKCS10 + "Content-Length: 1099511627776\r\n\r\n" + good), want: "413 too_large"},
		{name: "a ticket and chunks of 1 MB", send: []byte("POST " + est + "/simpleenroll HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + t1 + asPKCS10 + "Transfer-Encoding: chunked\r\n\r\nf4240\r\n" + strings.Repeat("A", 1_000_000) + "\r\n0\r\n\r\n"), want: "413 too_large"},
		{name: "a ticket and chunks of nonsense", send: []byte("POST " + est + "/simpleenroll HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + t1 + asPKCS10 + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), want: "400 bad_request"},
		{name: "a ticket and a body that is compressed", send: enrol(est+"/simpleenroll", t1+asPKCS10+"Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00"), want: "400 bad_request"},
		{name: "renewal without a certificate", send: reenrol(good), want: "401"},
		{name: "renewal by a ticket", send: enrol(est+"/simplereenroll", t1+asPKCS10, good), want: "401"},
		{name: "a station's call on the path of EST", send: enrol(est+"/api/v1/orders/x/devices", asJSON, "{}"), want: "404 not_found"},
		{name: "the API's calls", send: request("GET", "/api/v1/devices", authorized(s.berlin), ""), want: "404 not_found"},
	} {
		r.name, r.on, r.from = "est/device/"+r.name, device, "127.0.2."+string(rune('1'+i%9))
		all = append(all, r)
	}
	return all
}

// basicRows are credentials of HTTP Basic that open nothing.
func basicRows(*site) []row {
	good := base64.StdEncoding.EncodeToString(payload.GoodCSR())
	return rows("basic/device", payload.Credentials(), "401", map[string]string{
		"a newline in the user": "401", "a user of 10 kB": "401",
	}, func(p payload.Payload) row {
		return row{on: device, from: "127.0.3.1", send: request("POST", "/.well-known/est/simpleenroll", "Authorization: "+string(p.Bytes)+"\r\n"+asPKCS10, good)}
	})
}
