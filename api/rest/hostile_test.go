package rest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A body that cannot be read to its end is its sender's fault.
func TestBodiesThatBreakOff(t *testing.T) {
	r := newRig(t)
	for name, fault := range map[string]error{
		"chunks of nonsense": errors.New("invalid byte in chunk length"),
		"ended early":        io.ErrUnexpectedEOF,
		"too slow":           os.ErrDeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			request := r.request("admin", "POST", "/api/v1/orders", `{`)
			request.ContentLength = -1
			request.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"fleet": `), broken{fault}))
			r.within(t).send(request).refused(t, 400, enroll.BadRequest)
		})
	}
}

type broken struct{ fault error }

func (b broken) Read([]byte) (int, error) { return 0, b.fault }

// JSON that two readers could take for two things is refused.
func TestJSONOfTwoMeanings(t *testing.T) {
	r := newRig(t)
	path := "/api/v1/orders/" + r.order()
	for _, p := range payload.JSON() {
		answer := r.call("admin", "PATCH", path, string(p.Bytes))
		// A quantity below that of those who are enrolled is well-formed.
		if answer.Code != http.StatusBadRequest && answer.Code != http.StatusConflict {
			t.Errorf("%s: %d %s", p.Name, answer.Code, answer.Body)
		}
	}
}

// A name that a client made up is told with nothing in it that moves a terminal's
// cursor or turns the direction of writing: answers are read in terminals as they come.
func TestNamesThatClientsMakeUpAreTold(t *testing.T) {
	r := newRig(t)
	berlin := r.fleet("/berlin")
	for _, name := range []string{"\x1b]0;x\x07", "\u009b31m", "\u202egnp", "a\u200bb", "\xff\xfe", strings.Repeat("\u0301", 40)} {
		member, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		for where, answer := range map[string]reply{
			"a parameter":          r.call("admin", "GET", "/api/v1/devices?"+url.QueryEscape(name)+"=1", nil),
			"a member of a policy": r.call("admin", "PUT", "/api/v1/fleets/"+berlin+"/policy", `{"policy": {`+string(member)+`: 1}, "version": 0}`),
		} {
			problem := answer.refused(t, 400, enroll.BadRequest)
			everyText(problem, func(text string) {
				if !identity.Printable(text) {
					t.Errorf("%s called %q: told %q", where, name, text)
				}
			})
		}
	}
}

// everyText calls f with each text in what was decoded from JSON.
func everyText(value any, f func(string)) {
	switch value := value.(type) {
	case string:
		f(value)
	case []any:
		for _, v := range value {
			everyText(v, f)
		}
	case map[string]any:
		for _, v := range value {
			everyText(v, f)
		}
	}
}

func TestParametersThatStandTwice(t *testing.T) {
	r := newRig(t)
	problem := r.call("admin", "GET", "/api/v1/devices?limit=1&limit=1000", nil).refused(t, 400, enroll.BadRequest)
	if problem["field"] != "limit" {
		t.Errorf("told %v", problem)
	}
	r.call("admin", "GET", "/api/v1/audit?kind=order.created&kind=device.*", nil).want(t, 200)
}

// FuzzAddress asks for any address, as somebody who may read all: the answer is no
// internal error, and repeats nothing that does not print.
func FuzzAddress(f *testing.F) {
	r := newRig(f)
	order := r.order()
	for _, seed := range []string{
		"/api/v1/orders/" + order, "/api/v1/devices?fleet=/berlin&limit=1&q=a", "/api/v1/audit?kind=order.*&from=2030-01-01T00:00:00Z&after=",
		"/api/v1/certificates/4000?x", "/api/v1/fleets?after=%00", "/api/v1/users/person:0/devices", "//", "/api/v1/devices?limit=-1&after=AQ",
		"/api/v1/approvals/%1b?", "/api/v1/tokens?maker=%ff", "/api/v1/grants?for=a&fleet=/", "/openapi.json?a=b",
	} {
		f.Add(seed)
	}
	for _, p := range payload.Texts() {
		f.Add("/api/v1/devices/" + url.PathEscape(string(p.Bytes)) + "?q=" + url.QueryEscape(string(p.Bytes)))
	}
	f.Fuzz(func(t *testing.T, address string) {
		parsed, err := url.ParseRequestURI(address)
		if err != nil || !strings.HasPrefix(address, "/") {
			return
		}
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.URL, request.RequestURI = parsed, address
		request.Header.Set("Authorization", "Bearer admin")
		answer := httptest.NewRecorder()
		r.handler.ServeHTTP(answer, request)
		if answer.Code >= 500 {
			t.Errorf("%q: %d %s", address, answer.Code, answer.Body)
		}
		if answer.Code != http.StatusOK && (!utf8.Valid(answer.Body.Bytes()) || strings.ContainsAny(answer.Body.String(), "\x1b\u202e\u009b")) {
			t.Errorf("%q: %q", address, answer.Body)
		}
	})
}
