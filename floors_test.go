// Package touchmark_test holds the repository to its own rules: who may import
// whom, and that the documents name what is there.
package touchmark_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/touchmark/touchmark"

// floors says on which floor each room stands (docs/design.md). A room is a
// folder with everything below it.
func floors() map[string]int {
	return map[string]int{
		"identity": 0, "ca": 0,
		"enroll": 1,
		"store":  2, "oidc": 2,
		"api": 3,
		"cmd": 4,
	}
}

// doors are the rooms within api; what else lies there they share.
func doors() []string {
	return []string{"api/acme", "api/console", "api/est", "api/rest", "api/scep", "api/status"}
}

// testSupport are packages that only tests import, and that may import anything.
func testSupport() []string {
	return []string{"certs-test", "store/storetest", "store/postgres/postgrestest", "api/rest/resttest"}
}

// owners says which folders alone import a dependency, by the beginning of its
// import paths.
func owners() map[string][]string {
	smallstep := []string{"ca", "api/acme", "api/scep"}
	return map[string][]string{
		"github.com/smallstep":                  smallstep,
		"go.step.sm":                            smallstep,
		"go.etcd.io/bbolt":                      {"store/bolt"},
		"github.com/jackc":                      {"store/postgres"},
		"github.com/klauspost/compress":         {"store/archive"},
		"github.com/pressly/goose":              {"store/postgres"},
		"github.com/coreos/go-oidc":             {"oidc"},
		"github.com/go-chi/chi":                 {"api"},
		"github.com/danielgtaylor/huma":         {"api"},
		"github.com/spf13/cobra":                {"cmd"},
		"github.com/goccy/go-yaml":              {"cmd"},
		"github.com/prometheus":                 {"cmd"},
		module + "/certs-test":                  testSupport(),
		module + "/store/storetest":             testSupport(),
		module + "/store/postgres/postgrestest": testSupport(),
		"github.com/zmap":                       testSupport(),
		"github.com/rogpeppe/go-internal":       testSupport(),
		"github.com/google/go-cmp":              testSupport(),
	}
}

// secondEngine are packages of smallstep that bring another policy engine, and
// the rooms that must not depend on them, directly or not.
func secondEngine() (packages, rooms []string) {
	for _, name := range []string{"authority", "acme", "db", "pki", "server"} {
		packages = append(packages, "github.com/smallstep/certificates/"+name)
	}
	return packages, []string{"identity", "ca", "enroll", "store", "oidc", "cmd/touchmark-agent"}
}

// listed is a package as `go list -json` tells it, without its tests.
type listed struct {
	ImportPath string
	Imports    []string // direct
	Deps       []string // direct or not
}

func TestImportsGoDownOnly(t *testing.T) {
	watchTree(t)
	for _, p := range listPackages(t) {
		for _, fault := range faults(p) {
			t.Errorf("%s: %s", p.ImportPath, fault)
		}
	}
}

func TestImportsThatGoUpAreNoticed(t *testing.T) {
	for _, test := range []struct {
		name string
		p    listed
		want string
	}{
		{"up", listed{ImportPath: module + "/enroll", Imports: []string{module + "/store"}}, "imports go down only"},
		{"sideways", listed{ImportPath: module + "/ca/keys", Imports: []string{module + "/identity"}}, "imports go down only"},
		{"door to door", listed{ImportPath: module + "/api/rest", Imports: []string{module + "/api/est"}}, "doors do not import each other"},
		{"no floor", listed{ImportPath: module + "/util"}, "stands on no floor"},
		{"HTTP below", listed{ImportPath: module + "/enroll/audit", Imports: []string{"net/http"}}, "knows nothing of HTTP"},
		{"owned", listed{ImportPath: module + "/store", Imports: []string{"go.etcd.io/bbolt"}}, "only store/bolt"},
		{"owned by tests", listed{ImportPath: module + "/ca", Imports: []string{module + "/certs-test"}}, "only certs-test"},
		{"second engine", listed{ImportPath: module + "/store/bolt", Deps: []string{"github.com/smallstep/certificates/db"}}, "second policy engine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(faults(test.p), "\n"); !strings.Contains(got, test.want) {
				t.Errorf("faults: %q; want one with %q", got, test.want)
			}
		})
	}
}

// faults judges one package.
func faults(p listed) (found []string) {
	from := strings.TrimPrefix(p.ImportPath, module+"/")
	if p.ImportPath == module || isOneOf(from, testSupport()) {
		return nil
	}
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	floor, known := floors()[room(from)]
	if !known {
		fault("%s stands on no floor: give it one here and in docs/design.md", room(from))
	}
	for _, path := range p.Imports {
		to, ours := strings.CutPrefix(path, module+"/")
		switch {
		case ours && isOneOf(to, testSupport()): // their owners say who imports them
		case ours && room(to) != room(from) && floors()[room(to)] >= floor:
			fault("imports %s, and imports go down only", to)
		case ours && door(to) != "" && door(from) != "" && door(to) != door(from):
			fault("imports %s, and doors do not import each other", to)
		case floor < 2 && isOneOf(path, []string{"net/http"}):
			fault("imports %s, and %s knows nothing of HTTP", path, room(from))
		}
		for owned, by := range owners() {
			if isOneOf(path, []string{owned}) && !isOneOf(from, by) {
				fault("imports %s, and only %s may", path, strings.Join(by, " and "))
			}
		}
	}
	engine, rooms := secondEngine()
	for _, path := range p.Deps {
		if isOneOf(path, engine) && isOneOf(from, rooms) {
			fault("depends on %s, a second policy engine", path)
		}
	}
	return found
}

// room returns the top folder of a package's path below the module.
func room(path string) string {
	top, _, _ := strings.Cut(path, "/")
	return top
}

// door returns the door that a package belongs to, or "".
func door(path string) string {
	i := slices.IndexFunc(doors(), func(door string) bool { return isOneOf(path, []string{door}) })
	if i < 0 {
		return ""
	}
	return doors()[i]
}

// isOneOf reports whether path is one of the folders or lies below one.
func isOneOf(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return path == folder || strings.HasPrefix(path, folder+"/")
	})
}

// listPackages lists the module's packages.
func listPackages(t *testing.T) (packages []listed) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
	if len(packages) < len(floors()) {
		t.Fatalf("go list found %d packages; run the test where all of the module is", len(packages))
	}
	return packages
}

// watchTree looks at every Go file, so that go test does not answer from its
// cache after one changed: what the go command reads, it does not see.
func watchTree(t *testing.T) {
	t.Helper()
	walk(t, ".", func(path string) {
		if strings.HasSuffix(path, ".go") && !exists(path) {
			t.Errorf("%s went away", path)
		}
	})
}
