package hostile_test

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	update = flag.Bool("update", false, "write the answers that are given into testdata/answers.txt")
	only   = flag.String("rows", "", "send only the rows whose names this regular expression matches")
)

// leaks are what no answer may hold: places of the machine, of the program, and what
// it runs on.
var leaks = regexp.MustCompile(`/tmp/|/root|/home/|/work|/etc/passwd|/go/|\.go:\d|goroutine \d|runtime\.|panic|bbolt|touchmark\.db|github\.com|0xc0[0-9a-f]{8}`)

// TestHostileTable sends every row, and then looks at the store, the log and the
// server.
func TestHostileTable(t *testing.T) {
	s := newSite(t)
	wanted := regexp.MustCompile(*only)
	all := slices.DeleteFunc(table(s), func(r row) bool { return !wanted.MatchString(r.name) })
	before := s.look(t)
	given := golden(t)
	var mu sync.Mutex // guards got
	got := map[string]answer{}
	judge := func(t *testing.T, r row) {
		began := time.Now()
		a, err := s.exchange(r)
		took := time.Since(began)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			return
		}
		s.judge(t, r, a, took)
		mu.Lock()
		defer mu.Unlock()
		if _, twice := got[r.name]; twice {
			t.Errorf("there are two rows %s", r.name)
		}
		got[r.name] = a
	}

	var aside sync.WaitGroup
	for _, r := range all {
		if r.aside {
			aside.Go(func() { judge(t, r) })
		}
	}
	admins := 0
	for _, r := range all {
		if r.admin {
			admins++
		}
		if !r.aside {
			judge(t, r)
		}
	}
	aside.Wait()
	s.compare(t, before, admins)
	s.listen(t)
	s.stillWorks(t)
	if len(all) < 200 && *only == "" {
		t.Errorf("only %d rows", len(all))
	}
	given.compare(t, got)
	t.Logf("%d rows", len(all))
}

// judge holds one answer against its row and against what no answer may be.
func (s *site) judge(t *testing.T, r row, a answer, took time.Duration) {
	t.Helper()
	if a.words != r.want {
		t.Errorf("%s: %q, want %q\n%s", r.name, a.words, r.want, a.whole)
	}
	for _, status := range a.statuses {
		if status >= 500 && status != 501 && status != 505 {
			t.Errorf("%s: answered with %d", r.name, status)
		}
	}
	if a.words == "hung" || took > r.within() {
		t.Errorf("%s: %q after %s, its limit is %s", r.name, a.words, took, r.within())
	}
	if found := leaks.FindString(a.raw); found != "" && !(r.on == metrics && a.words == "200") { // which are about the program
		t.Errorf("%s: tells %q\n%s", r.name, found, a.whole)
	}
	told := a.raw
	if r.knocked != "" {
		told = strings.ReplaceAll(told, r.knocked, "")
	}
	for _, secret := range s.secret {
		if strings.Contains(told, secret) {
			t.Errorf("%s: tells of another tenant's %q\n%s", r.name, secret, a.whole)
		}
	}
}
