package hostile_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const goldenFile = "testdata/answers.txt"

// answers are whole answers by the names of their rows.
type answers map[string]string

// golden reads the answers that are exact.
func golden(t *testing.T) answers {
	t.Helper()
	text, err := os.ReadFile(goldenFile)
	if *update && os.IsNotExist(err) {
		return nil
	}
	check(t, err)
	all := answers{}
	for part := range strings.SplitSeq(string(text), "\n=== ") {
		name, whole, _ := strings.Cut(strings.TrimPrefix(part, "=== "), "\n")
		all[name] = strings.TrimSpace(whole)
	}
	return all
}

// compare holds what was got against what is exact, or with -update writes it.
func (given answers) compare(t *testing.T, got map[string]answer) {
	t.Helper()
	names := slices.Sorted(maps.Keys(got))
	if *update {
		if given == nil || *only == "" {
			given = answers{}
		}
		for _, name := range names {
			given[name] = strings.TrimSpace(got[name].whole)
		}
		var text bytes.Buffer
		for _, name := range slices.Sorted(maps.Keys(given)) {
			fmt.Fprintf(&text, "=== %s\n%s\n\n", name, given[name])
		}
		check(t, os.MkdirAll("testdata", 0o750))
		check(t, os.WriteFile(goldenFile, bytes.TrimSuffix(text.Bytes(), []byte("\n")), 0o600))
		return
	}
	for _, name := range names {
		whole, found := given[name]
		switch {
		case !found:
			t.Errorf("%s is not in %s; look at the answer, and run the test with -update", name, goldenFile)
		case whole != strings.TrimSpace(got[name].whole):
			t.Errorf("%s: the answer is not as it was; if it is meant to be, run the test with -update\n%s\nwas:\n%s", name, got[name].whole, whole)
		}
	}
	for name := range given {
		if _, found := got[name]; !found && *only == "" {
			t.Errorf("%s has the row %s, which is gone; run the test with -update", goldenFile, name)
		}
	}
}
