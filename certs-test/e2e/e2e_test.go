package e2e_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// atOnce is how many scripts run side by side unless -parallel says otherwise:
// more than there are cores, because scripts wait for the programs that they ask.
const atOnce = "4"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// database is the server that scripts on PostgreSQL have their databases on.
var database *postgrestest.Server

// run builds the program where TOUCHMARK_BIN names none, starts the database, and
// runs the tests.
func run(m *testing.M) int {
	flag.Parse()
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			return complain(err)
		}
	}
	if given("test.list") {
		return m.Run()
	}
	var err error
	if database, err = postgrestest.Start(postgrestest.Config{}); err != nil {
		return complain(err)
	}
	defer func() {
		if err := database.Close(); err != nil {
			complain(err)
		}
	}()
	if os.Getenv("TOUCHMARK_BIN") != "" {
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "touchmark-e2e")
	if err != nil {
		return complain(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "touchmark")
	build := exec.Command("go", "build", "-o", path, "github.com/touchmark/touchmark/cmd/touchmark")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return complain(fmt.Errorf("building touchmark: %w\n%s", err, out))
	}
	if err := os.Setenv("TOUCHMARK_BIN", path); err != nil {
		return complain(err)
	}
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// program returns the path of the program under test.
func program(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(os.Getenv("TOUCHMARK_BIN"))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(path) != "touchmark" {
		t.Fatalf("TOUCHMARK_BIN is %s; the scripts call the program touchmark, so its file must have that name", path)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("TOUCHMARK_BIN: %v", err)
	}
	return path
}

// TestScripts runs every script of testdata/script on both keepers, and those of
// testdata/bolt and testdata/postgres on theirs, each in a folder of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	needTools(t)
	ports := newPorts()
	for _, k := range []storage{{"bolt", nil, "0"}, {"postgres", database.Database, "5"}} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			for _, folder := range []string{"script", k.name} {
				runScripts(t, program(t), filepath.Join("testdata", folder), k, ports)
			}
		})
	}
}

// storage is a kind of store.
type storage struct {
	name  string
	store func() (string, error) // a new store's URL; nil for what quickstart makes
	// backup is the exit code of touchmark backup, which scripts have as MAY_BACKUP.
	backup string
}

// runScripts runs a folder's scripts with the program at path.
func runScripts(t *testing.T, path, folder string, k storage, ports *ports) {
	t.Helper()
	runScriptsWith(t, path, folder, k, ports, nil)
}

// runScriptsWith is runScripts with commands besides.
func runScriptsWith(t *testing.T, path, folder string, k storage, ports *ports, more map[string]command) {
	t.Helper()
	tools, err := filepath.Abs(filepath.Join("testdata", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	all := commands(t, tools, k.store, ports)
	maps.Copy(all, more)
	testscript.Run(t, testscript.Params{
		Dir:                folder,
		RequireUniqueNames: true,
		Cmds:               all,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", strings.Join([]string{tools, filepath.Dir(path), env.Getenv("PATH"), "/usr/local/sbin:/usr/sbin:/sbin"}, ":"))
			env.Setenv("PEERS", filepath.Join(tools, "..", "..", "..", "peers"))
			env.Setenv("HSM", filepath.Join(tools, "..", "..", "..", "hsm", "hsm"))
			env.Setenv("HOME", filepath.Join(env.WorkDir, ".home"))
			env.Setenv("LC_ALL", "C")
			env.Setenv("MAY_BACKUP", k.backup)
			env.Values[serverKey{}] = &servers{}
			for _, name := range peerNames() {
				env.Values[peerKey{name}] = &peerSlot{}
			}
			env.Defer(func() { soundLog(env) })
			return nil
		},
	})
}
