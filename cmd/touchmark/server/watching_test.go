package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// Where what is told to whoever watches lies.
const (
	operations    = "../../../docs/operations/"
	rulesFile     = operations + "prometheus-rules.yaml"
	dashboardFile = operations + "grafana-dashboard.json"
)

// PromQL in rules and dashboards, as far as these tests read it.
var (
	metricName = regexp.MustCompile(`\b((?:touchmark|go|process)_[a-z0-9_]+)(\{[^}]*\})?`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=~|=)"([^"]*)"`)
	expression = regexp.MustCompile(`(?m)^\s+expr: (.*)$`)
	alarmOf    = regexp.MustCompile(`touchmark_alarm\{alarm="([a-z_]+)"\} == 1`)
)

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metrics scrapes a running server.
func (r *running) metrics(t *testing.T) string {
	t.Helper()
	answer, err := http.Get("http://" + r.settings.Metrics.Addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// panel is as much of a dashboard's panel as is looked at.
type panel struct {
	ID      int    `json:"id"`
	Title   string `json:"title"`
	Type    string `json:"type"`
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr, RefID string }
}

type dashboard struct {
	Title, UID    string
	SchemaVersion int
	Panels        []panel
	Templating    struct{ List []struct{ Name string } }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(textOf(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every metric that a rule or the dashboard asks for is there, with the labels that it
// asks for, as soon as the server is ready: nothing waits to be counted once.
func TestRulesAndDashboardAskForWhatThereIs(t *testing.T) {
	r := start(t, asItIs).ready(t)
	shown := r.metrics(t)
	var asked []string
	for _, found := range expression.FindAllStringSubmatch(textOf(t, rulesFile), -1) {
		asked = append(asked, found[1])
	}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			asked = append(asked, target.Expr)
		}
	}
	if len(asked) < 30 {
		t.Fatalf("only %d expressions were found", len(asked))
	}
	for _, expr := range asked {
		for _, name := range metricName.FindAllStringSubmatch(expr, -1) {
			for _, labels := range selections(name[2]) {
				if !series(shown, name[1], labels) {
					t.Errorf("%s asks for %s with %v, and there is none", expr, name[1], labels)
				}
			}
		}
	}
}

// selections are the labels that a selector asks for, one for each of the words of
// alternatives. The instance is Prometheus's.
func selections(selector string) [][]string {
	all := [][]string{nil}
	for _, m := range matcher.FindAllStringSubmatch(selector, -1) {
		if m[1] == "instance" {
			continue
		}
		var next [][]string
		for _, before := range all {
			for _, word := range strings.Split(m[3], "|") {
				next = append(next, append(slices.Clone(before), m[1]+`="`+word+`"`))
			}
		}
		all = next
	}
	return all
}

// series reports whether a scrape has a series of a name with labels.
func series(shown, name string, labels []string) bool {
	for line := range strings.Lines(shown) {
		rest, ours := strings.CutPrefix(line, name)
		if !ours || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		has := true
		for _, label := range labels {
			has = has && strings.Contains(rest, label)
		}
		if has {
			return true
		}
	}
	return false
}

// Every alarm has a rule, a row of the runbook, and a series of its own.
func TestEveryAlarmHasARuleAndARow(t *testing.T) {
	var ruled []string
	for _, found := range alarmOf.FindAllStringSubmatch(textOf(t, rulesFile), -1) {
		ruled = append(ruled, found[1])
	}
	runbook := textOf(t, operations+"watching.md")
	var alarms []string
	for _, alarm := range enroll.Alarms() {
		alarms = append(alarms, string(alarm))
		if !strings.Contains(runbook, "\n| `"+string(alarm)+"` | ") {
			t.Errorf("watching.md has no row for %s", alarm)
		}
	}
	slices.Sort(ruled)
	slices.Sort(alarms)
	if !slices.Equal(ruled, alarms) {
		t.Errorf("there are rules for %v, and the alarms are %v", ruled, alarms)
	}
	for _, rule := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(textOf(t, rulesFile), -1) {
		if !strings.Contains(runbook, "`"+rule[1]+"`") {
			t.Errorf("watching.md does not say what to do about %s", rule[1])
		}
		if !strings.Contains(textOf(t, "testdata/prometheus-rules.test.yaml"), "alertname: "+rule[1]+"\n") {
			t.Errorf("testdata/prometheus-rules.test.yaml does not try %s", rule[1])
		}
	}
}

// promtool, of Prometheus, finds the rules in order and fires each at what it is for.
func TestRulesFire(t *testing.T) {
	for _, arguments := range [][]string{
		{"check", "rules", rulesFile},
		{"test", "rules", "testdata/prometheus-rules.test.yaml"},
	} {
		if out, err := exec.Command("promtool", arguments...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v (scripts/setup installs it)\n%s", strings.Join(arguments, " "), err, out)
		}
	}
}

// Grafana itself is not asked. The dashboard's panels have what Grafana's have: ids and
// places of their own, within 24 columns, and expressions with known variables.
func TestDashboardIsWhole(t *testing.T) {
	d := readDashboard(t)
	if d.Title == "" || d.UID == "" || d.SchemaVersion == 0 || len(d.Panels) == 0 {
		t.Fatalf("the dashboard is %+v", d)
	}
	known := []string{"__rate_interval"}
	for _, variable := range d.Templating.List {
		known = append(known, variable.Name)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || p.Type == "" || len(p.Targets) == 0 || ids[p.ID] {
			t.Errorf("panel %+v", p)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.W <= 0 || at.H <= 0 || at.X < 0 || at.X+at.W > 24 {
			t.Errorf("%s is at %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s covers %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			for _, variable := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !slices.Contains(known, variable[1]) {
					t.Errorf("%s asks for $%s", p.Title, variable[1])
				}
			}
		}
	}
}
