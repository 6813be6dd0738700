package clientcmd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/cmd/touchmark/clientcmd"
	"github.com/touchmark/touchmark/enroll"
)

const (
	anOrder  = `{"id":"o1","fleet":"/b","model":"TH20","quantity":1,"enrolled":0,"profile":"default","opens":null,"closes":null,"manifest":false,"stations":[],"owner":null,"owner_group":null,"state":"open","created_at":"2027-01-31T17:00:00Z","closed_at":null,"refused":{}}`
	aDevice  = `{"id":"TH20-SN1","urn":"urn:dev:ops:32473-TH20-SN1","state":"active","fleet":"/b","model":"TH20","serial":"SN1","order":"o1","owner":null,"owner_group":null,"certificates":[],"created_at":"2027-01-31T17:00:00Z","changed_at":"2027-01-31T17:00:00Z"}`
	aSerial  = "40019be1a2c3d407f05a9d3e8b1c6642a7f90e35"
	aCertain = `{"serial":"` + aSerial + `","device":"TH20-SN1","issuer":"i","profile":"default","not_before":"2027-01-31T17:00:00Z","not_after":"2027-02-01T17:00:00Z","status":"good","reason":null,"revoked_at":null,"predecessor":null,"key":"k"}`
)

// TestRequests holds each command to the one request that it makes.
func TestRequests(t *testing.T) {
	for _, c := range []struct{ name, args, line, body, answer string }{
		{
			"a new order", "order create --fleet /b --model TH20 --quantity 2 --profile long --opens +8h --closes 2027-03-01 --serials SN1,SN2 --stations device:GW-1",
			"POST /api/v1/orders",
			`{"fleet":"/b","model":"TH20","quantity":2,"profile":"long","opens":"2027-02-01T01:00:00Z","closes":"2027-03-01T00:00:00Z","serials":["SN1","SN2"],"stations":["device:GW-1"]}`, anOrder,
		},
		{"an order with what it needs", "order create --fleet /b --model TH20 --quantity 2", "POST /api/v1/orders", `{"fleet":"/b","model":"TH20","quantity":2}`, anOrder},
		{"an order changed", "order edit o1 --quantity 3 --opens none --closes +30d --stations a,b", "PATCH /api/v1/orders/o1", `{"quantity":3,"opens":null,"closes":"2027-03-02T17:00:00Z","stations":["a","b"]}`, anOrder},
		{"an order without stations", "order edit o1 --stations=", "PATCH /api/v1/orders/o1", `{"stations":[]}`, anOrder},
		{"an order closed", "order close o1", "POST /api/v1/orders/o1/close", "", anOrder},
		{"a device held", "device hold TH20-SN1 --comment lost", "POST /api/v1/devices/TH20-SN1/hold", `{"comment":"lost"}`, aDevice},
		{"a device released", "device release TH20-SN1", "POST /api/v1/devices/TH20-SN1/release", `{}`, aDevice},
		{"a device revoked", "device revoke TH20-SN1 --reason keyCompromise", "POST /api/v1/devices/TH20-SN1/revoke", `{"reason":"keyCompromise"}`, aDevice},
		{"a device retired", "device retire TH20-SN1", "POST /api/v1/devices/TH20-SN1/retire", `{}`, aDevice},
		{"a device enrolled again", "device reenrol TH20-SN1 --comment flash", "POST /api/v1/devices/TH20-SN1/reenrol", `{"comment":"flash"}`, aDevice},
		{"a device", "device show TH20-SN1", "GET /api/v1/devices/TH20-SN1", "", aDevice},
		{"a certificate", "certificate show " + aSerial, "GET /api/v1/certificates/" + aSerial, "", aCertain},
		{"a certificate revoked", "certificate revoke " + aSerial + " --comment x", "POST /api/v1/certificates/" + aSerial + "/revoke", `{"comment":"x"}`, aCertain},
		{"an id that is no path", "order show a/../b", "GET /api/v1/orders/a%2F..%2Fb", "", anOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := opened(t, says(c.answer))
			text, _, err := d.typed(t, strings.Fields(c.args)...)
			if err != nil {
				t.Fatal(err)
			}
			if text == "" || strings.HasPrefix(text, "{") {
				t.Errorf("for people it says %q", text)
			}
			if got := d.requests(); len(got) != 1 || got[0].line != c.line || got[0].body != c.body {
				t.Errorf("asked %q", got)
			}
			// With --json what the API said comes out as it came in.
			text, _, err = d.typed(t, append(strings.Fields(c.args), "--json")...)
			if err != nil || text != c.answer+"\n" {
				t.Errorf("with --json it says %q, %v", text, err)
			}
		})
	}
}

// TestLists reads a list to its end, over a part that is empty.
func TestLists(t *testing.T) {
	parts := []string{`{"items":[` + anOrder + `],"next":"a b"}`, `{"items":[],"next":"c"}`, `{"items":[` + anOrder + `],"next":""}`}
	for _, c := range []struct{ name, args, want string }{
		{"as JSON", "order list --json", "{\"items\":[\n" + anOrder + ",\n" + anOrder + "\n],\"next\":\"\"}\n"},
		{"as a table", "order list", "ORDER  FLEET  MODEL  ENROLLED  STATE  CLOSES\no1     /b     TH20   0 of 1    open\no1     /b     TH20   0 of 1    open\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := opened(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				tell(w, "application/json", http.StatusOK, parts[n])
			})
			text, _, err := d.typed(t, strings.Fields(c.args)...)
			if err != nil || text != c.want {
				t.Errorf("says %q, %v", text, err)
			}
			var lines []string
			for _, request := range d.requests() {
				lines = append(lines, request.line)
			}
			want := "GET /api/v1/orders?limit=1000 GET /api/v1/orders?after=a+b&limit=1000 GET /api/v1/orders?after=c&limit=1000"
			if got := strings.Join(lines, " "); got != want {
				t.Errorf("asked %s", got)
			}
		})
	}
}

func TestListPart(t *testing.T) {
	d := opened(t, says(`{"items":[`+aDevice+`],"next":"n"}`))
	args := []string{"device", "list", "--fleet", "/b", "--state", "held", "--q", "SN", "--model", "TH20", "--expiring-before", "+1h", "--limit", "5", "--after", "m"}
	_, note, err := d.typed(t, args...)
	if err != nil || !strings.Contains(note, "--after n") {
		t.Errorf("notes %q, %v", note, err)
	}
	want := "GET /api/v1/devices?after=m&expiring_before=2027-01-31T18%3A00%3A00Z&fleet=%2Fb&limit=5&model=TH20&q=SN&state=held"
	if got := d.requests()[0].line; got != want {
		t.Errorf("asked %s", got)
	}
}

func TestListThatDoesNotEnd(t *testing.T) {
	d := opened(t, says(`{"items":[],"next":"same"}`))
	if _, _, err := d.typed(t, "certificate", "list"); err == nil || len(d.requests()) != 2 {
		t.Errorf("ended with %v after %d requests", err, len(d.requests()))
	}
}

// TestTicketsInParts draws more tickets than one request may.
func TestTicketsInParts(t *testing.T) {
	d := opened(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		tell(w, "application/json", http.StatusCreated, fmt.Sprintf(`{"items":[{"serial":"SN%d","ticket":"t"}]}`, n))
	})
	var serials strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&serials, "SN%d\n", i)
	}
	d.write(t, "serials.txt", serials.String())
	text, _, err := d.typed(t, "order", "tickets", "o1", "--serials", "@"+d.path("serials.txt"), "--json")
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ Items []struct{ Serial string } }
	if err := json.Unmarshal([]byte(text), &told); err != nil || len(told.Items) != 3 || told.Items[2].Serial != "SN2" {
		t.Errorf("says %q, %v", text, err)
	}
	for i, want := range []int{1000, 1000, 500} {
		var drawn struct{ Serials []string }
		if err := json.Unmarshal([]byte(d.requests()[i].body), &drawn); err != nil || len(drawn.Serials) != want {
			t.Errorf("request %d draws %d, %v", i, len(drawn.Serials), err)
		}
	}
}

// TestRefusals keeps the server's code in the error for each one that there is.
func TestRefusals(t *testing.T) {
	for _, code := range enroll.Codes() {
		t.Run(string(code), func(t *testing.T) {
			d := opened(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
				refusal := problem.Problem{Status: problem.Status(code), Detail: "told\x1b[2J", Code: code, Field: "comment", RequestID: "r1"}
				refusal.Write(w)
			})
			_, _, err := d.typed(t, "device", "hold", "TH20-SN1")
			var wrong wrongUse
			if code == enroll.BadRequest || code == enroll.TooLarge {
				if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), "--comment: told") {
					t.Errorf("is %v", err)
				}
				return
			}
			if got := enroll.AsRefusal(err).Code; got != code || !strings.Contains(err.Error(), "request r1") {
				t.Errorf("is %s: %v", got, err)
			}
			if strings.Contains(err.Error(), "\x1b") {
				t.Error("moves the cursor")
			}
		})
	}
}

func TestNotTouchmark(t *testing.T) {
	d := opened(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		tell(w, "text/html", http.StatusNotFound, "<html>")
	})
	if _, _, err := d.typed(t, "whoami"); enroll.AsRefusal(err).Code != enroll.Unavailable {
		t.Errorf("is %v", err)
	}
}

// TestHarmless shows what somebody wrote without obeying it.
func TestHarmless(t *testing.T) {
	d := opened(t, says(`{"items":[{"index":7,"time":"2027-01-31T17:00:00Z","kind":"device.held","actor":"p\u001b[2J","operation":"x\ny\u202e"}],"next":""}`))
	text, _, err := d.typed(t, "device", "events", "TH20-SN1")
	if err != nil || strings.Count(text, "\n") != 2 || strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("says %q, %v", text, err)
	}
}

// TestBrokenBackup leaves the last good backup where it is.
func TestBrokenBackup(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, int){
		"not a store": says("garbage"),
		"cut short": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "begin")
		},
		"refused": func(w http.ResponseWriter, _ *http.Request, _ int) {
			(&problem.Problem{Status: http.StatusForbidden, Code: enroll.Forbidden}).Write(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := opened(t, answer)
			d.write(t, "backup", "the last one")
			if _, _, err := d.typed(t, "backup", d.path("backup")); err == nil {
				t.Error("is taken for good")
			}
			if kept, err := os.ReadFile(d.path("backup")); err != nil || string(kept) != "the last one" {
				t.Errorf("leaves %q, %v", kept, err)
			}
			if files, err := os.ReadDir(d.folder); err != nil || len(files) != 3 {
				t.Errorf("leaves %v, %v", files, err)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	var terminal strings.Builder
	now := testNow()
	add, end := clientcmd.NewProgress(&terminal, func() time.Time { return now }, "records")
	add(5)
	now = now.Add(900 * time.Millisecond)
	add(5)
	if terminal.Len() > 0 {
		t.Errorf("in its first second it says %q", terminal.String())
	}
	now = now.Add(200 * time.Millisecond)
	add(5)
	now = now.Add(time.Millisecond)
	add(5) // too soon to be told
	now = now.Add(time.Second)
	add(1)
	end()
	if got := terminal.String(); got != "\r\x1b[K15 records, 1s\r\x1b[K21 records, 2s\r\x1b[K" {
		t.Errorf("says %q", got)
	}
}
