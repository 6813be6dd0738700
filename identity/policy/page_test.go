package policy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// The operators' page is held to what it says: its table of fields, and its example.
func TestOperatorsPage(t *testing.T) {
	content, err := os.ReadFile("../../docs/operations/fleets.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)

	t.Run("fields", func(t *testing.T) {
		var fields []policy.Field
		var defaults policy.Effective
		for i, row := range rows(page, "field") {
			f, fallback := policy.Field(strings.Trim(row[0], "`")), row[4]
			fields = append(fields, f)
			if e := policy.Evaluate(chain(t, strings.Trim(row[1], "`"))); e.Explain()[i].From == nil {
				t.Errorf("the example of %s does not set it: %s", f, row[1])
			}
			if text, _, _ := strings.Cut(fallback, ":"); strings.Trim(text, "`") != defaults.Explain()[i].Text {
				t.Errorf("the default of %s is %s, and the page says %s", f, defaults.Explain()[i].Text, fallback)
			}
		}
		if !slices.Equal(fields, policy.Fields()) {
			t.Errorf("the page has %v", fields)
		}
		for _, row := range rows(page, "member") {
			parse(t, strings.Trim(row[1], "`"))
		}
	})

	t.Run("example", func(t *testing.T) {
		var layers []policy.Layer
		paths := []identity.FleetPath{"/", "/berlin", "/berlin/line-3"}
		for i, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1) {
			layers = append(layers, policy.Layer{Path: paths[i], Policy: parse(t, block[1])})
		}
		refused := faultsOf(t, policy.Check(policy.Evaluate(layers[:2]), layers[2].Policy))
		if len(refused) != 2 || refused[0].Path != "lifetime" || refused[1].Path != "keys" {
			t.Errorf("the line's policy is refused for %v", refused)
		}
		line := policy.Evaluate(layers)
		told := rows(page, "setting")
		for _, s := range line.Explain() {
			from := ""
			if s.From != nil {
				from = "`" + string(s.From.Path) + "`"
			}
			at := slices.IndexFunc(told, func(row []string) bool { return row[0] == "`"+string(s.Field)+"`" })
			switch {
			case at < 0 && from != "":
				t.Errorf("the page does not tell of %s", s.Field)
			case at >= 0 && (told[at][1] != s.Text || told[at][2] != from):
				t.Errorf("%s is %s, set by %s; the page says %v", s.Field, s.Text, from, told[at])
			}
		}
		moved := policy.Diff(line, policy.Evaluate([]policy.Layer{layers[0], layers[2]}))
		if len(moved) != 1 || moved[0].Field != policy.FieldRenewalWindow || moved[0].After.Text != "any time" {
			t.Errorf("a move out of Berlin changes %v", moved)
		}
	})
}

// rows returns the cells of the table whose first heading is heading.
func rows(page, heading string) (found [][]string) {
	_, table, _ := strings.Cut(page, "\n| "+heading+" |")
	for i, line := range strings.Split(table, "\n") {
		if i < 2 {
			continue // the headings' rest, and the line below
		}
		if !strings.HasPrefix(line, "|") {
			break
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		found = append(found, cells)
	}
	return found
}
