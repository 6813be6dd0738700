package hostile_test

import (
	"fmt"
	"strings"
)

// wireRows are requests that are not in good order, on every listener.
func wireRows(*site) []row {
	var all []row
	target := map[listener]string{device: "/.well-known/est/cacerts", api: "/openapi.json", status: "/healthz", metrics: "/metrics"}
	for _, on := range []listener{device, api, status, metrics} {
		get := "GET " + target[on] + " HTTP/1.1\r\n"
		end := "Connection: close\r\n\r\n"
		host := "Host: localhost\r\n"
		var many strings.Builder
		for i := range 2_000 {
			fmt.Fprintf(&many, "X-%d: y\r\n", i)
		}
		for _, r := range []row{
			{name: "no HTTP", send: []byte("hello\r\n\r\n"), want: "400"},
			{name: "HTTP/0.9", send: []byte("GET " + target[on] + "\r\n\r\n"), want: "400"},
			{name: "HTTP/1.0 without a host", send: []byte("GET " + target[on] + " HTTP/1.0\r\n\r\n"), want: "200"},
			{name: "HTTP/1.1 without a host", send: []byte(get + end), want: "400"},
			{name: "HTTP/3.7", send: []byte("GET / HTTP/3.7\r\n" + host + end), want: "505"},
			{name: "HTTP/1.01", send: []byte("GET / HTTP/1.01\r\n" + host + end), want: "400"},
			{name: "two hosts", send: []byte(get + host + host + end), want: "400"},
			{name: "a host of nonsense", send: []byte(get + "Host: a b\x7f/\r\n" + end), want: "400"},
			{name: "a host that is another's", send: []byte(get + "Host: evil.example:99999\r\n" + end), want: "200"},
			{name: "a header of 21 kB", send: []byte(get + host + "X: " + strings.Repeat("y", 21_000) + "\r\n" + end), want: "431"},
			{name: "2,000 headers", send: []byte(get + host + many.String() + end), want: "431"},
			{name: "an address of 21 kB", send: []byte("GET /" + strings.Repeat("a", 21_000) + " HTTP/1.1\r\n" + host + end), want: "431"},
			{name: "a method of 21 kB", send: []byte(strings.Repeat("A", 21_000) + " / HTTP/1.1\r\n" + host + end), want: "431"},
			{name: "a header without a colon", send: []byte(get + host + "X\r\n" + end), want: "400"},
			{name: "a header without a name", send: []byte(get + host + ": y\r\n" + end), want: "400"},
			{name: "a space before the colon", send: []byte(get + host + "X : y\r\n" + end), want: "400"},
			{name: "NUL in a header", send: []byte(get + host + "X: a\x00b\r\n" + end), want: "400"},
			{name: "NUL in a header's name", send: []byte(get + host + "X\x00: a\r\n" + end), want: "400"},
			{name: "CR alone in a header", send: []byte(get + host + "X: a\rb\r\n" + end), want: "400"},
			{name: "a folded header", send: []byte(get + host + "X: a\r\n b\r\n" + end), want: "200"},
			{name: "a folded first header", send: []byte(get + " X: a\r\n" + host + end), want: "400"},
			{name: "two lengths", send: []byte(get + host + "Content-Length: 1\r\nContent-Length: 2\r\n" + end + "ab"), want: "400"},
			{name: "one length twice", send: []byte(get + host + "Content-Length: 1\r\nContent-Length: 1\r\n" + end + "a"), want: "200"},
			{name: "a length with a plus", send: []byte(get + host + "Content-Length: +1\r\n" + end + "a"), want: "400"},
			{name: "a negative length", send: []byte(get + host + "Content-Length: -1\r\n" + end), want: "400"},
			{name: "a length of 2^64", send: []byte(get + host + "Content-Length: 18446744073709551616\r\n" + end), want: "400"},
			{name: "a length in a list", send: []byte(get + host + "Content-Length: 1, 1\r\n" + end + "a"), want: "400"},
			{name: "a length and chunks, and a request behind", send: []byte(get + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n" + host + "\r\n"), want: "200"},
			{name: "chunks of nonsense", send: []byte(get + host + "Transfer-Encoding: chunked\r\n" + end + "zz\r\n\r\n"), want: "200"},
			{name: "an encoding that nobody knows", send: []byte(get + host + "Transfer-Encoding: gzip, chunked\r\n" + end), want: "501"},
			{name: "chunks spelt with a tab", send: []byte(get + host + "Transfer-Encoding:\tchunked\x0b\r\n" + end), want: "400"},
			{name: "an upgrade to HTTP/2", send: []byte(get + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: close\r\n\r\n"), want: "200"},
			{name: "an expectation that nobody meets", send: []byte(get + host + "Expect: miracles\r\n" + end), want: "417"},
			{name: "a million ranges", send: []byte(get + host + "Range: bytes=" + strings.Repeat("0-,", 4000) + "0-\r\n" + end), want: "200"},
			{name: "CONNECT", send: []byte("CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + host + end), want: "404 not_found"},
			{name: "TRACE", send: []byte("TRACE " + target[on] + " HTTP/1.1\r\n" + host + "Cookie: secret\r\n" + end), want: "405"},
			{name: "a method of nobody's", send: []byte("BREW " + target[on] + " HTTP/1.1\r\n" + host + end), want: "405"},
			{name: "a method with a control character", send: []byte("G\x01T " + target[on] + " HTTP/1.1\r\n" + host + end), want: "400"},
			{name: "an absolute address", send: []byte("GET http://169.254.169.254" + target[on] + " HTTP/1.1\r\n" + host + end), want: "200"},
			{name: "an asterisk", send: []byte("OPTIONS * HTTP/1.1\r\n" + host + end), want: "200"},
			{name: "GET of an asterisk", send: []byte("GET * HTTP/1.1\r\n" + host + end), want: "404 not_found"},
			{name: "an address without a slash", send: []byte("GET admin HTTP/1.1\r\n" + host + end), want: "400"},
			{name: "an address with a fragment", send: []byte("GET " + target[on] + "#x HTTP/1.1\r\n" + host + end), want: "404 not_found"},
			{name: "a broken escape", send: []byte("GET /%zz HTTP/1.1\r\n" + host + end), want: "400"},
		} {
			r.name, r.on = "wire/"+string(on)+"/"+r.name, on
			if other, found := otherwise(on, r.name[len("wire/"+string(on))+1:]); found {
				r.want = other
			}
			all = append(all, r)
		}
	}
	return all
}

// otherwise is what one listener answers otherwise than the rest.
func otherwise(on listener, name string) (want string, found bool) {
	want, found = map[string]string{
		"api: TRACE": "405 bad_request", "api: a method of nobody's": "405 bad_request",
		"device: TRACE": "405 bad_request", "device: a method of nobody's": "405 bad_request",
		"status: CONNECT": "404", "metrics: CONNECT": "404",
		"status: GET of an asterisk": "404", "metrics: GET of an asterisk": "400",
		"status: an address with a fragment": "404", "metrics: an address with a fragment": "404",
	}[string(on)+": "+name]
	return want, found
}

// addressRows are addresses that lead out of where they should, on every listener.
func addressRows(*site) []row {
	var all []row
	for _, on := range []listener{device, api, status, metrics} {
		for _, a := range []struct{ name, target string }{
			{"dot segments", "/../../../../etc/passwd"},
			{"escaped dot segments", "/%2e%2e/%2e%2e/etc/passwd"},
			{"dots escaped twice", "/%252e%252e/etc/passwd"},
			{"an escaped slash", "/api%2fv1%2fwhoami"},
			{"backslashes", `/..\..\windows\win.ini`},
			{"NUL", "/healthz%00.crl"},
			{"two slashes", "//healthz"},
			{"a slash more", "/metrics/"},
			{"an overlong slash", "/%c0%af%c0%af"},
			{"control characters", "/%1b%5b2J%0a%0d"},
			{"right to left override", "/%e2%80%ae"},
			{"CSI of C1", "/%c2%9b31m"},
			{"a host in the path", "//evil.example/healthz"},
			{"4 kB of slashes", strings.Repeat("/", 4096)},
			{"pprof", "/debug/pprof/goroutine?debug=2"},
			{"a session id", "/;jsessionid=1"},
			{"what scanners ask for", "/.git/config"},
			{"a question of 8 kB", "/?" + strings.Repeat("a=b&", 2048)},
		} {
			r := row{name: "address/" + string(on) + "/" + a.name, on: on, send: request("GET", a.target, "", ""), want: "404"}
			if on == api {
				r.want = "404 not_found"
			}
			if on == device {
				r.want = "404 not_found"
			}
			all = append(all, r)
		}
	}
	return all
}
