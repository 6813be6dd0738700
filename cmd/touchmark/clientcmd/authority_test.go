package clientcmd_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
)

const (
	aFleet    = `{"id":"f1","path":"/b","parent":"root","policy":{"lifetime":"7d"},"policy_version":3}`
	fleets    = `{"items":[` + aFleet + `],"next":""}`
	oneGrant  = `{"id":"g1","for":"group:https://idp.example#g","role":"operator","fleet":"/b","fleet_id":"f1","until":"2027-03-02T17:00:00Z","created_at":"2027-01-31T17:00:00Z","created_by":"person:1"}`
	aRole     = `{"name":"looker","built_in":false,"permissions":["device.read"],"changed_at":"2027-01-31T17:00:00Z"}`
	aRequest  = `{"id":"a1","state":"waiting","kind":"device.act","what":"hold TH20-SN1","request":{"device":"TH20-SN1","action":"hold"},"permission":"device.hold","fleets":[{"id":"f1","path":"/b"},{"id":"f2","path":null}],"devices":1,"made_by":"oidc:https://idp.example#erika","created_at":"2027-01-31T17:00:00Z","expires_at":"2027-02-01T17:00:00Z","decided_by":null,"decided_at":null,"comment":null}`
	anAnswer  = `{"allowed":true,"waits":true,"fleet":"/b","deciding":{"grant":"g1","role":"operator","fleet":"/b","until":null},"others":[{"grant":"g2","role":"operator","fleet":"/c","until":null,"why":"elsewhere"}],"groups":["g"]}`
	effective = `{"settings":[{"field":"lifetime","value":"7d","text":"7d","from":{"fleet":"f1","path":"/b"},"clamped":{"value":"30d","text":"30d","by":{"fleet":"root","path":"/"}},"loosenable":false,"bound":{"value":"7d","text":"7d","by":{"fleet":"root","path":"/"}}},{"field":"grace","value":"0s","text":"none","loosenable":true}]}`
)

// byPath answers requests by where they go: fleets are looked up by their paths
// first.
func byPath(answer string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == http.MethodGet && r.URL.Path == "/api/v1/fleets" {
			tell(w, "application/json", http.StatusOK, fleets)
			return
		}
		tell(w, "application/json", http.StatusOK, answer)
	}
}

// TestAuthorityRequests holds each command to the request that it makes at last.
func TestAuthorityRequests(t *testing.T) {
	const lookUp = "GET /api/v1/fleets?path=%2Fb"
	for _, c := range []struct {
		name, args, line, body, answer string
		lookedUp                       bool // by the fleet's path
	}{
		{"a new fleet", "fleet create /b", "POST /api/v1/fleets", `{"path":"/b"}`, aFleet, false},
		{"a fleet renamed", "fleet rename /b c", "PATCH /api/v1/fleets/f1", `{"name":"c"}`, aFleet, true},
		{"a fleet moved", "fleet move /b /c", "PATCH /api/v1/fleets/f1", `{"parent":"/c"}`, aFleet, true},
		{"what holds at a fleet", "fleet show /b --effective", "GET /api/v1/fleets/f1/effective", "", effective, true},
		{"what holds for a device", "device show TH20-SN1 --effective", "GET /api/v1/devices/TH20-SN1/effective", "", effective, false},
		{"a policy", "fleet policy /b --set - --version 3", "PUT /api/v1/fleets/f1/policy", `{"policy":{"lifetime":"7d"},"version":3}`, aFleet, true},
		{"a grant", "grant show g1", "GET /api/v1/grants/g1", "", oneGrant, false},
		{
			"a new grant", "grant create --for group:https://idp.example#g --role operator --fleet /b --until +30d", "POST /api/v1/grants",
			`{"for":"group:https://idp.example#g","role":"operator","fleet":"/b","until":"2027-03-02T17:00:00Z"}`, oneGrant, false,
		},
		{"a role", "role set looker --permissions device.read", "PUT /api/v1/roles/looker", `{"permissions":["device.read"]}`, aRole, false},
		{"a request", "approval show a1", "GET /api/v1/approvals/a1", "", aRequest, false},
		{"a request approved", "approval approve a1 --comment agreed", "POST /api/v1/approvals/a1/approve", `{"comment":"agreed"}`, aRequest, false},
		{"a request denied", "approval deny a1", "POST /api/v1/approvals/a1/deny", `{}`, aRequest, false},
		{"a request withdrawn", "approval withdraw a1", "POST /api/v1/approvals/a1/withdraw", `{}`, aRequest, false},
		{
			"an explanation", "access explain --as oidc:https://idp.example#e --groups a,b --permission device.hold --on /b", "POST /api/v1/access/explain",
			`{"as":"oidc:https://idp.example#e","groups":["a","b"],"permission":"device.hold","on":"/b"}`, anAnswer, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := opened(t, byPath(c.answer))
			d.stdin = `{"lifetime":"7d"}`
			text, _, err := d.typed(t, strings.Fields(c.args)...)
			if err != nil || text == "" || strings.HasPrefix(text, "{") {
				t.Fatalf("for people it says %q, %v", text, err)
			}
			want := []asked{{c.line, c.body}}
			if c.lookedUp {
				want = []asked{{lookUp, ""}, {c.line, c.body}}
			}
			if got := d.requests(); !reflect.DeepEqual(got, want) {
				t.Errorf("asked %q, want %q", got, want)
			}
			if text, _, err = d.typed(t, append(strings.Fields(c.args), "--json")...); err != nil || text != c.answer+"\n" {
				t.Errorf("with --json it says %q, %v", text, err)
			}
		})
	}
}

// TestGone tells of what is deleted, of which the API says nothing.
func TestGone(t *testing.T) {
	for args, line := range map[string]string{"grant delete g1": "DELETE /api/v1/grants/g1", "role delete looker": "DELETE /api/v1/roles/looker"} {
		d := opened(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusNoContent) })
		text, _, err := d.typed(t, append(strings.Fields(args), "--json")...)
		if want := `{"deleted":"` + strings.Fields(args)[2] + `"}` + "\n"; err != nil || text != want {
			t.Errorf("%s says %q, %v", args, text, err)
		}
		if got := d.requests(); len(got) != 1 || got[0].line != line {
			t.Errorf("%s asked %q", args, got)
		}
	}
}

// TestWhatWaitsIsShown has every command that may wait show the request, and end
// with what tells it from what is done.
func TestWhatWaitsIsShown(t *testing.T) {
	for _, args := range []string{
		"device hold TH20-SN1", "device release TH20-SN1", "device revoke TH20-SN1", "device retire TH20-SN1", "device reenrol TH20-SN1",
		"certificate hold " + aSerial, "fleet rename /b c", "fleet move /b /c", "fleet policy /b --set -",
		"grant create --for group:i#g --role r --fleet /b", "grant delete g1", "role set r --permissions device.read", "role delete r",
	} {
		t.Run(args, func(t *testing.T) {
			d := opened(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == http.MethodGet {
					tell(w, "application/json", http.StatusOK, fleets)
					return
				}
				w.Header().Set("Retry-After", "60")
				tell(w, "application/json", http.StatusAccepted, aRequest)
			})
			d.stdin = `{}`
			text, _, err := d.typed(t, strings.Fields(args)...)
			if enroll.AsRefusal(err).Code != enroll.WrongState || !strings.Contains(err.Error(), "nothing is done yet") || !strings.Contains(err.Error(), "approval show a1") {
				t.Errorf("ends with %v", err)
			}
			for _, told := range []string{"a1", "hold TH20-SN1", "2027-02-01T17:00:00Z", "somebody else who holds device.hold on /b and the fleet f2"} {
				if !strings.Contains(text, told) {
					t.Errorf("does not tell %s: %q", told, text)
				}
			}
			text, _, err = d.typed(t, append(strings.Fields(args), "--json")...)
			if err == nil || text != aRequest+"\n" {
				t.Errorf("with --json it says %q, %v", text, err)
			}
		})
	}
}

// TestDryRun adds up the parts of what a change would do.
func TestDryRun(t *testing.T) {
	parts := []string{
		`{"devices":10,"unknown":1,"changes":[{"what":"lifetime","before":"24h","after":"1h","devices":2},{"what":"keys","before":"renews","after":"refused","devices":1}],"fields":[{"field":"lifetime","before":{"value":null,"text":"any"},"after":{"value":"1h","text":"1h"}}],"shifts":[{"gains":true,"grant":"g1","for":null,"role":"operator","fleet":"/c"},{"gains":false,"grant":"g2","for":"oidc:i#e","role":"admin","fleet":"/"}],"next":"x y"}`,
		`{"devices":5,"unknown":0,"changes":[{"what":"keys","before":"renews","after":"refused","devices":4}],"fields":[],"shifts":[],"next":"z"}`,
		`{"devices":1,"unknown":1,"changes":[{"what":"keys","before":"refused","after":"renews","devices":1}],"fields":[],"shifts":[],"next":""}`,
	}
	run := func(t *testing.T, more ...string) (string, []asked) {
		t.Helper()
		d := opened(t, func(w http.ResponseWriter, r *http.Request, n int) {
			if r.Method == http.MethodGet {
				tell(w, "application/json", http.StatusOK, fleets)
				return
			}
			tell(w, "application/json", http.StatusOK, parts[n-1])
		})
		text, _, err := d.typed(t, append([]string{"fleet", "move", "/b", "/c", "--dry-run"}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		return text, d.requests()
	}
	text, requests := run(t)
	for i, line := range []string{"POST /api/v1/fleets/f1/preview", "POST /api/v1/fleets/f1/preview?after=x+y", "POST /api/v1/fleets/f1/preview?after=z"} {
		if got := requests[i+1]; got.line != line || got.body != `{"parent":"/c"}` {
			t.Errorf("asked %q", got)
		}
	}
	want := `devices                     16
without a certificate here  2, whose keys cannot be held against the policy

At their next renewal:
DEVICES  WHAT      BEFORE   AFTER
5        keys      renews   refused
2        lifetime  24h      1h
1        keys      refused  renews

What holds at /b:
SETTING   BEFORE  AFTER
lifetime  any     1h

Whose authority over /b changes:
POWER   FOR                         ROLE      BY A GRANT ON
gained  somebody whom you may not know  operator  /c
lost    oidc:i#e                    admin     /
`
	if strings.Join(strings.Fields(text), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("says\n%s", text)
	}
	text, _ = run(t, "--json")
	var whole struct {
		Devices, Unknown int
		Changes          []struct{ Devices int }
		Next             string
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil || whole.Devices != 16 || whole.Unknown != 2 || len(whole.Changes) != 3 || whole.Changes[0].Devices != 5 || whole.Next != "" {
		t.Errorf("with --json it says %q, %v", text, err)
	}
}

func TestDryRunThatDoesNotEnd(t *testing.T) {
	d := opened(t, byPath(`{"devices":1,"unknown":0,"changes":[],"fields":[],"shifts":[],"next":"same"}`))
	if _, _, err := d.typed(t, "fleet", "move", "/b", "/c", "--dry-run"); err == nil || len(d.requests()) != 3 {
		t.Errorf("ended with %v after %d requests", err, len(d.requests()))
	}
}

// TestPolicyIsPrintedToBeSetAgain prints what a fleet says, and nothing else.
func TestPolicyIsPrintedToBeSetAgain(t *testing.T) {
	d := opened(t, byPath(aFleet))
	text, _, err := d.typed(t, "fleet", "policy", "/b")
	if err != nil || text != "{\n  \"lifetime\": \"7d\"\n}\n" {
		t.Errorf("says %q, %v", text, err)
	}
	for stdin, says := range map[string]string{"lifetime: 7d": "no JSON object", "[]": "no JSON object", "": "no JSON object", "{" + strings.Repeat(" ", 64<<10) + "}": "more than the 65536 bytes"} {
		d.stdin = stdin
		if _, _, err := d.typed(t, "fleet", "policy", "/b", "--set", "-"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v", stdin, err)
		}
	}
}

func TestEffectiveAndExplanation(t *testing.T) {
	d := opened(t, byPath(effective))
	text, _, err := d.typed(t, "fleet", "show", "/b", "--effective")
	want := "SETTING   HOLDS  SET BY   CUT DOWN        FLEETS BELOW\nlifetime  7d     /b       from 30d, by /  no looser, by /\ngrace     none   default                  as they like\n"
	if err != nil || text != want {
		t.Errorf("says\n%s, %v", text, err)
	}
	d = opened(t, says(anAnswer))
	text, _, err = d.typed(t, "access", "explain", "--permission", "device.hold", "--on", "/b")
	for _, told := range []string{"allowed, and waits for a second person\n", "g1: operator on /b\n", "g2     operator  /c            elsewhere\n"} {
		if err != nil || !strings.Contains(text, told) {
			t.Errorf("does not tell %q: %s, %v", told, text, err)
		}
	}
}

// TestFaultsWithinAFile are told with their places, which no flag has.
func TestFaultsWithinAFile(t *testing.T) {
	d := opened(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == http.MethodGet {
			tell(w, "application/json", http.StatusOK, fleets)
			return
		}
		(&problem.Problem{Status: http.StatusBadRequest, Code: enroll.BadRequest, Field: "policy", Errors: []problem.Fault{
			{Field: "policy.keys[0]", Detail: "is unknown"}, {Field: "version", Detail: "is odd"},
		}}).Write(w)
	})
	d.stdin = "{}"
	_, _, err := d.typed(t, "fleet", "policy", "/b", "--set", "-")
	if err == nil || err.Error() != "policy.keys[0]: is unknown\n--version: is odd" {
		t.Errorf("says %v", err)
	}
}
