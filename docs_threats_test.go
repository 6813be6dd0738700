package touchmark_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

const threatModel = "docs/threat-model.md"

// shownBy is one proof of a row: tests and the file that they are in, or a script.
var shownBy = regexp.MustCompile("^(?:((?:`(?:Test|Fuzz)\\w+`(?:, )?)+) in `([\\w./-]+_test\\.go)`|`([\\w./-]+\\.txt)`)(?:, |$)")

// Each abuse has something that refuses it and a test that shows so, in the file that
// is named.
func TestEveryAbuseHasItsTest(t *testing.T) {
	rows := tableRows(t, threatModel, "abuse")
	if len(rows) < 50 {
		t.Errorf("only %d abuses were found; does this test still see them?", len(rows))
	}
	for _, row := range rows {
		if len(row) != 3 || slices.Contains(row, "") {
			t.Errorf("%s: %q is no abuse, what refuses it and a test", threatModel, row)
			continue
		}
		for rest := row[2]; rest != ""; {
			found := shownBy.FindStringSubmatch(rest)
			if found == nil {
				t.Errorf("%s: of %q nobody can tell the test: %q", threatModel, row[0], rest)
				break
			}
			rest = rest[len(found[0]):]
			wantProof(t, found[1], found[2], found[3])
		}
	}
}

// wantProof fails where a script is not there, or a test not in its file.
func wantProof(t *testing.T, tests, file, script string) {
	t.Helper()
	if script != "" {
		if !exists(script) {
			t.Errorf("%s names the script %s, which is not there", threatModel, script)
		}
		return
	}
	if !exists(file) {
		t.Errorf("%s names the file %s, which is not there", threatModel, file)
		return
	}
	var declared []string
	for _, found := range declare.FindAllStringSubmatch(read(t, file), -1) {
		declared = append(declared, found[1])
	}
	for _, name := range strings.Split(tests, ", ") {
		if name = strings.Trim(name, "`"); !slices.Contains(declared, name) {
			t.Errorf("%s says that %s is in %s, which it is not", threatModel, name, file)
		}
	}
}
