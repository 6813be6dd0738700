package touchmark_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"golang.org/x/mod/modfile"
)

var (
	code    = regexp.MustCompile("`([^`]+)`")
	link    = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	goFile  = regexp.MustCompile(`^[\w./-]+\.(go|txt|sh|yml)$`)
	aTest   = regexp.MustCompile(`^(Test|Fuzz|Benchmark)\w+$`)
	metric  = regexp.MustCompile(`"touchmark_[a-z_]+"`)
	declare = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	script  = regexp.MustCompile(`^[\w-]+\.txt$`)
	// A line of an import declaration, or of the only import there is.
	anImport = regexp.MustCompile(`(?m)^(?:\t|import )(?:[\w.]+ )?"([\w.-]+\.[\w.-]+/[^"\s]+)"$`)
)

// scripts is where the end-to-end scripts are that docs/standards.md names.
const scripts = "certs-test/e2e/testdata/script"

func TestEveryKindOfEventIsDocumented(t *testing.T) {
	known := eventMembers()
	var documented []enroll.EventKind
	for _, row := range tableRows(t, "docs/events.md", "kind") {
		kind := enroll.EventKind(strings.Trim(row[0], "`"))
		if slices.Contains(documented, kind) {
			t.Errorf("docs/events.md lists %s twice", kind)
		}
		documented = append(documented, kind)
		for _, member := range code.FindAllStringSubmatch(row[2], -1) {
			if !slices.Contains(known, member[1]) {
				t.Errorf("%s: an event has no member %q", row[0], member[1])
			}
		}
	}
	for _, kind := range enroll.EventKinds() {
		if !slices.Contains(documented, kind) {
			t.Errorf("docs/events.md does not list %s", kind)
		}
	}
	for _, kind := range documented {
		if !slices.Contains(enroll.EventKinds(), kind) {
			t.Errorf("docs/events.md lists %s, and there is no such kind", kind)
		}
	}
}

// eventMembers returns the names of an event's members in JSON.
func eventMembers() (names []string) {
	event := reflect.TypeFor[enroll.Event]()
	for i := range event.NumField() {
		name, _, _ := strings.Cut(event.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func TestEveryCodeIsDocumented(t *testing.T) {
	page := read(t, "docs/design.md")
	for _, known := range enroll.Codes() {
		if !strings.Contains(page, "`"+string(known)+"`") {
			t.Errorf("docs/design.md does not list the code %s", known)
		}
	}
}

func TestEveryMetricIsDocumented(t *testing.T) {
	const page = "docs/operations/watching.md"
	defined := map[string]bool{}
	walk(t, "cmd/touchmark/metrics", func(path string) {
		for _, name := range metric.FindAllString(read(t, path), -1) {
			defined[strings.Trim(name, `"`)] = true
		}
	})
	documented := map[string]bool{}
	for _, row := range tableRows(t, page, "metric") {
		documented[strings.Trim(row[0], "`")] = true
	}
	for name := range defined {
		if !documented[name] {
			t.Errorf("%s does not list %s", page, name)
		}
	}
	for name := range documented {
		if !defined[name] {
			t.Errorf("%s lists %s, and there is no such metric", page, name)
		}
	}
}

func TestEveryDependencyEarnsItsPlace(t *testing.T) {
	parsed, err := modfile.Parse("go.mod", []byte(read(t, "go.mod")), nil)
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]string{}
	for _, r := range parsed.Require {
		required[r.Mod.Path] = r.Mod.Version
	}
	direct := imported(t, required)
	explained := map[string]bool{}
	for _, row := range tableRows(t, "docs/adr/dependencies.md", "module") {
		path, version := strings.Trim(row[0], "`"), row[1]
		explained[path] = true
		if required[path] != version {
			t.Errorf("docs/adr/dependencies.md explains %s %s, and go.mod requires %q", path, version, required[path])
		}
	}
	for path := range required {
		if direct[path] && !explained[path] {
			t.Errorf("docs/adr/dependencies.md does not say what %s saves us", path)
		}
		if !direct[path] && explained[path] {
			t.Errorf("docs/adr/dependencies.md explains %s, which nothing here imports", path)
		}
	}
}

// imported returns those of the modules that a Go file of ours imports.
func imported(t *testing.T, modules map[string]string) map[string]bool {
	t.Helper()
	direct := map[string]bool{}
	walk(t, ".", func(path string) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		for _, found := range anImport.FindAllStringSubmatch(read(t, path), -1) {
			// The longest path is the module's: one may lie within another.
			for at := found[1]; at != "."; at = filepath.Dir(at) {
				if _, ok := modules[at]; ok {
					direct[at] = true
					break
				}
			}
		}
	})
	return direct
}

// What a page names as a link, a file, a script or a test is there.
func TestWhatDocumentsNameIsThere(t *testing.T) {
	tests := declaredTests(t)
	for _, page := range pages(t) {
		text := read(t, page)
		for _, to := range link.FindAllStringSubmatch(text, -1) {
			if path := filepath.Join(filepath.Dir(page), to[1]); !exists(path) {
				t.Errorf("%s links to %s, which is not there", page, to[1])
			}
		}
		for _, word := range code.FindAllStringSubmatch(text, -1) {
			switch name := word[1]; {
			case goFile.MatchString(name) && strings.Contains(name, "/") && !exists(name):
				t.Errorf("%s names the file %s, which is not there", page, name)
			case script.MatchString(name) && page == "docs/standards.md" && !exists(filepath.Join(scripts, name)):
				t.Errorf("%s names the script %s, which is not in %s", page, name, scripts)
			case aTest.MatchString(name) && !tests[name]:
				t.Errorf("%s names %s, and there is no such test", page, name)
			}
		}
	}
}

// Each row of the standards says where it is obeyed and which test shows it.
func TestEveryStandardHasItsTest(t *testing.T) {
	const page = "docs/standards.md"
	for _, row := range tableRows(t, page, "standard") {
		if len(row) != 4 || row[0] == "" || row[1] == "" {
			t.Errorf("%s: %q is not a standard, a section, files and tests", page, row)
			continue
		}
		for at, is := range map[int]func(string) bool{
			2: goFile.MatchString, 3: func(name string) bool { return aTest.MatchString(name) || script.MatchString(name) },
		} {
			names := code.FindAllStringSubmatch(row[at], -1)
			if len(names) == 0 || slices.ContainsFunc(names, func(name []string) bool { return !is(name[1]) }) {
				t.Errorf("%s: %s, %s: %q names no file or no test", page, row[0], row[1], row[at])
			}
		}
	}
}

// pages lists every document of ours.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	walk(t, "docs", func(path string) {
		if strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
	})
	return found
}

// declaredTests returns the names of all tests in the module.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	walk(t, ".", func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, found := range declare.FindAllStringSubmatch(read(t, path), -1) {
				names[found[1]] = true
			}
		}
	})
	return names
}

// tableRows returns the cells of the rows of the table whose first heading is
// heading.
func tableRows(t *testing.T, page, heading string) (rows [][]string) {
	t.Helper()
	inside := false
	for line := range strings.Lines(read(t, page)) {
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case cells[0] == heading:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table whose first heading is %q", page, heading)
	}
	return rows
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// walk calls fn with every file of ours below root.
func walk(t *testing.T, root string, fn func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "bin" || len(name) > 1 && name[0] == '.') {
			return fs.SkipDir
		}
		if !entry.IsDir() {
			fn(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
