package status_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/status"
	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

func postOCSP(door http.Handler, mediaType, request string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/ocsp", strings.NewReader(request))
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	return do(door, r)
}

func TestPostOCSP(t *testing.T) {
	for _, test := range []struct {
		name, mediaType, request string
		want                     int
		answer                   string
	}{
		{"good", "application/ocsp-request", "good", 200, "answer to good"},
		{"with parameters", "Application/OCSP-Request; x=y", "good", 200, "answer to good"},
		{"malformed", "application/ocsp-request", "x", 200, string(ocsp.MalformedRequest())},
		{"empty", "application/ocsp-request", "", 200, string(ocsp.MalformedRequest())},
		{"not now", "application/ocsp-request", "later", 200, string(ocsp.TryLater())},
		{"another type", "text/plain", "good", 415, ""},
		{"no type", "", "good", 415, ""},
		{"the greatest", "application/ocsp-request", "good" + strings.Repeat("x", ocsp.MaxRequestSize-4), 200, ""},
		{"too large", "application/ocsp-request", strings.Repeat("x", ocsp.MaxRequestSize+1), 413, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := postOCSP(newDoor(t, &published{}, &responder{}), test.mediaType, test.request)
			text := body(t, answer)
			if answer.StatusCode != test.want || test.answer != "" && text != test.answer {
				t.Errorf("status %d, answer %q; want %d, %q", answer.StatusCode, text, test.want, test.answer)
			}
			if answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control: %s", answer.Header.Get("Cache-Control"))
			}
			if test.want == 200 && answer.Header.Get("Content-Type") != "application/ocsp-response" {
				t.Errorf("Content-Type: %s", answer.Header.Get("Content-Type"))
			}
		})
	}
}

func TestGetOCSP(t *testing.T) {
	// Its base64 has every character that addresses treat specially, two slashes in
	// a row among them.
	request := append([]byte("good"), 0xfb, 0xff, 0xff, 0xff, 0xfe, 0xfb, 0xef, 0xbe, 0x00)
	text := base64.StdEncoding.EncodeToString(request)
	if !strings.Contains(text, "//") || !strings.Contains(text, "+") || !strings.HasSuffix(text, "=") {
		t.Fatalf("%s is no test", text)
	}
	for name, path := range map[string]string{
		"as it is":               text,
		"escaped":                url.QueryEscape(text),
		"escaped in lower case":  strings.NewReplacer("/", "%2f", "+", "%2b", "=", "%3d").Replace(text),
		"only the slash escaped": strings.ReplaceAll(text, "/", "%2F"),
		"without padding":        strings.TrimRight(text, "="),
	} {
		t.Run(name, func(t *testing.T) {
			asked := &responder{}
			answer := get(newDoor(t, &published{}, asked), "/ocsp/"+path)
			if answer.StatusCode != 200 || len(asked.asked) != 1 || !bytes.Equal(asked.asked[0], request) {
				t.Fatalf("status %d, asked %x", answer.StatusCode, asked.asked)
			}
			der := body(t, answer)
			digest := sha256.Sum256([]byte(der))
			for header, want := range map[string]string{
				"Content-Type": "application/ocsp-response", "ETag": `"` + hex.EncodeToString(digest[:]) + `"`,
				"Cache-Control": "public, no-transform, must-revalidate, max-age=60",
				"Last-Modified": "Mon, 04 May 2026 11:59:00 GMT", "Expires": "Mon, 04 May 2026 12:01:00 GMT",
			} {
				if got := answer.Header.Get(header); got != want {
					t.Errorf("%s: %s, want %s", header, got, want)
				}
			}
			if again := get(newDoor(t, &published{}, asked), "/ocsp/"+path, "If-None-Match", answer.Header.Get("ETag")); again.StatusCode != 304 {
				t.Errorf("the same again is %d, want 304", again.StatusCode)
			}
		})
	}
}

func TestGetOCSPIsNotCached(t *testing.T) {
	for name, path := range map[string]string{
		"with a nonce": base64.StdEncoding.EncodeToString([]byte("nonce")),
		"malformed":    base64.StdEncoding.EncodeToString([]byte("x")),
		"no base64":    "*",
		"nothing":      "",
		"too large":    base64.StdEncoding.EncodeToString(make([]byte, ocsp.MaxRequestSize+1)),
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(newDoor(t, &published{}, &responder{}), "/ocsp/"+path)
			if answer.StatusCode != 200 || answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("ETag") != "" {
				t.Errorf("status %d, header %v", answer.StatusCode, answer.Header)
			}
		})
	}
}

func FuzzDecodePath(f *testing.F) {
	f.Add("AAAA")
	f.Add("AA%3D%3D")
	f.Add("%2F%2b/+=")
	f.Add("%zz")
	f.Add("A\r\nA")
	for _, p := range payload.OCSPPaths(certstest.New(f).Cert, []byte{1, 2, 3}) {
		f.Add(string(p.Bytes))
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		request, err := status.DecodePath(escaped)
		if err != nil {
			return
		}
		if len(request) > ocsp.MaxRequestSize {
			t.Fatalf("%d octets", len(request))
		}
		text := base64.StdEncoding.EncodeToString(request)
		for _, written := range []string{text, url.PathEscape(text), url.QueryEscape(text)} {
			if again, err := status.DecodePath(written); err != nil || !bytes.Equal(again, request) {
				t.Fatalf("%q is read as %x, and %q as %x (%v)", escaped, request, written, again, err)
			}
		}
	})
}

func FuzzThisUpdate(f *testing.F) {
	f.Add([]byte{0x30, 0x00})
	f.Add([]byte("\x30\x1f\x30\x1d\x02\x01\x01\x30\x00\x30\x00\x17\x0d260504120000Z\x17\x00"))
	f.Fuzz(func(_ *testing.T, der []byte) { status.ThisUpdate(der) })
}
