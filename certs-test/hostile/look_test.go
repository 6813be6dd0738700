package hostile_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hostile/payload"
	"github.com/touchmark/touchmark/identity"
)

// view is what the server is before and after.
type view struct {
	backup     string // file
	records    []json.RawMessage
	goroutines int
}

// look takes a view.
func (s *site) look(t *testing.T) view {
	t.Helper()
	// From now on there is an OCSP responder's certificate.
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.address(status)+"/ocsp", bytes.NewReader(payload.GoodOCSP(s.lab.Site.Issuer, s.serial("device"))))
	check(t, err)
	ask.Header.Set("Content-Type", "application/ocsp-request")
	if status, _ := s.do(t, ask); status != http.StatusOK {
		t.Fatalf("OCSP: %d", status)
	}
	v := view{backup: filepath.Join(t.TempDir(), "touchmark.db")}
	if told, err := s.lab.Command(t.Context(), "backup", v.backup).CombinedOutput(); err != nil {
		t.Fatalf("touchmark backup: %v\n%s", err, told)
	}
	v.records = s.records(t)
	v.goroutines = s.goroutines(t)
	return v
}

// records reads the whole log.
func (s *site) records(t *testing.T) (all []json.RawMessage) {
	t.Helper()
	for after := ""; ; {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.address(api)+"/api/v1/audit?limit=1000&after="+after, nil)
		check(t, err)
		request.Header.Set("Authorization", "Bearer "+s.auditor)
		status, text := s.do(t, request)
		if status != http.StatusOK {
			t.Fatalf("audit: %d %s", status, text)
		}
		var part struct {
			Items []json.RawMessage
			Next  string
		}
		check(t, json.Unmarshal(text, &part))
		all = append(all, part.Items...)
		if after = part.Next; after == "" {
			return all
		}
	}
}

var goroutineMetric = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// goroutines asks the server how many it has.
func (s *site) goroutines(t *testing.T) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address(metrics)+"/metrics", nil)
	check(t, err)
	_, text := s.do(t, request)
	found := goroutineMetric.FindSubmatch(text)
	if found == nil {
		t.Fatal("the metrics have no goroutines")
	}
	n, err := strconv.Atoi(string(found[1]))
	check(t, err)
	return n
}

// settle is how long what is left of connections may take to go.
const settle = 20 * time.Second

// compare fails where the server is not as it was. What may be new is the records of
// refusals: of each principal that proved itself one by one or by number, of all
// others by number; and the uses of the break-glass token, one for each row that
// shows it. Orders count what was refused for them.
func (s *site) compare(t *testing.T, before view, admins int) {
	t.Helper()
	now := 0
	for end := time.Now().Add(settle); ; time.Sleep(100 * time.Millisecond) {
		if now = s.goroutines(t); now <= before.goroutines || time.Now().After(end) {
			break
		}
	}
	if now > before.goroutines {
		t.Errorf("%d goroutines, %d before", now, before.goroutines)
	}
	after := s.look(t)
	used, backups := map[string]int{}, 0
	for _, record := range after.records[len(before.records):] {
		var event struct{ Kind, Operation string }
		check(t, json.Unmarshal(record, &event))
		switch event.Kind {
		case "request.refused":
		case "backup.started": // the view's own
			backups++
		case "breakglass.used":
			used[event.Operation]++
		default:
			t.Errorf("recorded: %s", record)
		}
	}
	total := -backups
	for _, n := range used {
		total += n
	}
	if total != admins || backups != 1 {
		t.Errorf("the break-glass token was used %d times, want %d: %v", total, admins, used)
	}
	s.sameStore(t, before.backup, after.backup)
}

// sameStore compares two backups row by row.
func (s *site) sameStore(t *testing.T, before, after string) {
	t.Helper()
	told, err := s.lab.Command(t.Context(), "store", "compare", "--json", "--from", "bolt://"+before, "--to", "bolt://"+after).Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var report struct {
		Differences []struct{ What, Key, Detail string }
		Different   int
	}
	if err := json.Unmarshal(told, &report); err != nil {
		t.Fatalf("touchmark store compare: %v\n%s", err, told)
	}
	if report.Different == 0 && *only == "" {
		t.Errorf("touchmark store compare found no new records, which there are: %s", told)
	}
	for _, d := range report.Differences {
		switch {
		case d.What == "log" || d.What == "records": // compared above, kind by kind
		case d.What == "documents" && strings.HasPrefix(d.Key, "token-use/"): // when a token was last used
		case d.What == "shards" && strings.HasPrefix(d.Detail, "Issued"): // counted some time after the issuance
		case d.What == "orders" && strings.Contains(strings.ToLower(d.Detail), "refused"):
		default:
			t.Errorf("the store is not as it was: %s %s: %s", d.What, d.Key, d.Detail)
		}
	}
}

// listen reads the log of the server: each line is JSON without characters that move
// a cursor, none tells of a panic or of something internal.
func (s *site) listen(t *testing.T) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(s.server.Said()))
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		line := lines.Bytes()
		if !identity.Printable(string(line)) {
			t.Errorf("the log has characters that do not print: %q", line)
		}
		var said struct{ Level, Msg string }
		if err := json.Unmarshal(line, &said); err != nil {
			t.Errorf("%v: %q", err, line)
		}
		if said.Level == "ERROR" || strings.Contains(said.Msg, "panic") {
			t.Errorf("the log tells: %s", line)
		}
		if len(line) > maxLine {
			t.Errorf("a line of the log of %d octets: %.200s…", len(line), line)
		}
	}
	check(t, lines.Err())
	if n < 200 && *only == "" {
		t.Errorf("the log has %d lines", n)
	}
}

// maxLine bounds a line of the log, in octets.
const maxLine = 10 << 10

// stillWorks enrols a device with the ticket that was tried so often.
func (s *site) stillWorks(t *testing.T) {
	t.Helper()
	check(t, s.server.Await(t.Context()))
	leaf := s.simpleEnrol(t, "T1", s.tickets["T1"], certstest.CSR(t, certstest.Key(t, certstest.P256), "T1"))
	if want := "TH20-T1"; leaf.Subject.CommonName != want {
		t.Errorf("the ticket enrols %s, want %s", leaf.Subject.CommonName, want)
	}
	if said := fmt.Sprint(leaf.Subject); !strings.Contains(said, "T1") {
		t.Errorf("subject %s", said)
	}
}
