package clientcmd_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	aRefusal = `{"index":7,"time":"2027-01-31T16:00:00Z","kind":"request.refused","actor":"person:00","fleet":"/b","fleet_id":"f1","device":"TH20-SN1","operation":"device.revoke","code":"forbidden","target":"/devices/TH20-SN1/revoke"}`
	aGrant   = `{"index":9,"time":"2027-01-31T16:30:00Z","kind":"grant.created","actor":"person:01","fleet":"/b","fleet_id":"f1","grant":"configuration:admin","about":"g1","for":"person:02","role":"operator"}`
)

// The flags are the API's filters, and times may be told backwards from now.
func TestAuditList(t *testing.T) {
	d := opened(t, says(`{"items":[`+aRefusal+`,`+aGrant+`],"next":""}`))
	text, _, err := d.typed(t, "audit", "list", "--fleet", "/b", "--device", "TH20-SN1", "--principal", "me", "--kind", "device.*", "--kind", "request.refused", "--from", "-24h", "--until", "2027-02-01")
	if err != nil {
		t.Fatal(err)
	}
	want := "GET /api/v1/audit?device=TH20-SN1&fleet=%2Fb&from=2027-01-30T17%3A00%3A00Z&kind=device.%2A&kind=request.refused&limit=1000&principal=me&until=2027-02-01T00%3A00%3A00Z"
	if got := d.requests(); len(got) != 1 || got[0].line != want {
		t.Errorf("asked %q", got)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "INDEX") ||
		!strings.Contains(lines[1], "device TH20-SN1, target /devices/TH20-SN1/revoke, code forbidden, by device.revoke") ||
		!strings.Contains(lines[2], "configuration:admin") || !strings.Contains(lines[2], "about g1, for person:02, role operator") {
		t.Errorf("says %s", text)
	}
	text, _, err = d.typed(t, "audit", "list", "--json")
	if err != nil || !strings.Contains(text, aRefusal) || !strings.HasSuffix(text, "],\"next\":\"\"}\n") {
		t.Errorf("says %s, %v", text, err)
	}
	if _, _, err := d.typed(t, "audit", "list", "--from", "-yesterday"); err == nil {
		t.Error("takes a time that is none")
	}
}

// A branch's certificates are asked for by name.
func TestCertificatesOfABranch(t *testing.T) {
	d := opened(t, says(`{"items":[`+aCertain+`],"next":""}`))
	text, _, err := d.typed(t, "certificate", "list", "--fleet", "/b", "--expiring-before", "+24h")
	if err != nil || !strings.Contains(text, aSerial) {
		t.Fatalf("says %q, %v", text, err)
	}
	if got := d.requests(); len(got) != 1 || got[0].line != "GET /api/v1/certificates?expiring_before=2027-02-01T17%3A00%3A00Z&fleet=%2Fb&limit=1000" {
		t.Errorf("asked %q", got)
	}
}

// Parts without a record are gone through to the end.
func TestAuditListGoesOn(t *testing.T) {
	d := opened(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n < 3 {
			tell(w, "application/json", http.StatusOK, fmt.Sprintf(`{"items":[],"next":"records.%d"}`, n+1))
			return
		}
		tell(w, "application/json", http.StatusOK, `{"items":[`+aRefusal+`],"next":""}`)
	})
	text, _, err := d.typed(t, "audit", "list", "--kind", "request.refused")
	if err != nil || strings.Count(text, "\n") != 2 || len(d.requests()) != 4 {
		t.Errorf("says %q after %d requests, %v", text, len(d.requests()), err)
	}
}

// What a branch's auditor may read is no export, and the one that is there stays.
func TestExportOfAPartIsRefused(t *testing.T) {
	for name, answer := range map[string]string{
		"a part":  `{"items":[` + aRefusal + `],"next":""}`,
		"nothing": `{"items":[],"next":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			d := opened(t, says(answer))
			file := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := d.typed(t, "audit", "export", file)
			if err == nil || !strings.Contains(err.Error(), "touchmark audit list") {
				t.Errorf("got %v", err)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != "before" {
				t.Errorf("left %q, %v", text, err)
			}
		})
	}
}
