package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// atOnce is how many scripts run side by side unless -parallel says otherwise:
// more than there are cores, because scripts wait for the programs that they ask.
const atOnce = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// TestScripts runs every script of testdata/script in a folder of its own.
func TestScripts(t *testing.T) {
	needTools(t)
	program := programUnderTest(t)
	tools, err := filepath.Abs(filepath.Join("testdata", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		RequireUniqueNames: true,
		Cmds:               commands(t, tools),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", strings.Join([]string{tools, filepath.Dir(program), env.Getenv("PATH"), "/usr/local/sbin:/usr/sbin:/sbin"}, ":"))
			env.Setenv("PEERS", filepath.Join(tools, "..", "..", "..", "peers"))
			env.Setenv("HOME", filepath.Join(env.WorkDir, ".home"))
			env.Setenv("LC_ALL", "C")
			env.Values[serverKey{}] = &servers{}
			for _, name := range peerNames() {
				env.Values[peerKey{name}] = &peerSlot{}
			}
			return nil
		},
	})
}

// programUnderTest returns the path of a touchmark program, which is built where
// TOUCHMARK_BIN names none.
func programUnderTest(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("TOUCHMARK_BIN"); named != "" {
		path, err := filepath.Abs(named)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) != "touchmark" {
			t.Fatalf("TOUCHMARK_BIN is %s; the scripts call the program touchmark, so its file must have that name", named)
		}
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("TOUCHMARK_BIN: %v", err)
		}
		return path
	}
	path := filepath.Join(t.TempDir(), "touchmark")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/touchmark/touchmark/cmd/touchmark")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building touchmark: %v\n%s", err, out)
	}
	return path
}
