package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

// TestMain builds the program once; and the tests' own program is what a server
// with an injection is started by.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == injectedCommand {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(withProgram(m))
}

func withProgram(m *testing.M) int {
	folder, err := os.MkdirTemp("", "touchmark-crash-test")
	if err != nil {
		return complain(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program, err := lab.Program(context.Background(), folder)
	if err != nil {
		return complain(err)
	}
	if err := os.Setenv("TOUCHMARK_BIN", program); err != nil {
		return complain(err)
	}
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "crash:", err)
	return 1
}

// crash runs the command in a folder for its labs, and returns its exit code and
// what it said.
func crash(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	t.Setenv("TMPDIR", shortFolder(t))
	var out strings.Builder
	code = run(t.Context(), args, &out, &out)
	return code, out.String()
}

// shortFolder is a folder that others may look into, as the user of a database
// must.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "crash")
	if err == nil {
		err = os.Chmod(folder, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// roundsHere is how many rounds the tests make.
func roundsHere() string {
	if testing.Short() {
		return "1"
	}
	return "4"
}

func TestNothingIsLostByCrashes(t *testing.T) {
	for _, store := range []string{"bolt", "postgres"} {
		t.Run(store, func(t *testing.T) {
			code, said := crash(t, "rounds", "--rounds", roundsHere(), "--store", store)
			if code != exitSound || !strings.Contains(said, "faults      0") {
				t.Errorf("exit code %d:\n%s", code, said)
			}
			nothingLeft(t)
		})
	}
}

// TestALossIsTold has a server whose store goes back to its beginning at each
// restart.
func TestALossIsTold(t *testing.T) {
	const forgetful = `#!/bin/sh
db=$(dirname "$3")/data/touchmark.db
case $1 in serve) if [ -e "$db.old" ]; then cp "$db.old" "$db"; else cp "$db" "$db.old"; fi ;; esac
exec %s "$@"
`
	program := filepath.Join(t.TempDir(), "touchmark")
	if err := os.WriteFile(program, fmt.Appendf(nil, forgetful, os.Getenv("TOUCHMARK_BIN")), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOUCHMARK_BIN", program)
	code, said := crash(t, "rounds", "--rounds", "2", "--seed", "7")
	for _, want := range []string{"SEED=7", "round 1 of", "killed after", "The lab is left in"} {
		if code != exitFault || !strings.Contains(said, want) {
			t.Errorf("exit code %d, and %q should be said:\n%s", code, want, said)
		}
	}
}

func TestNothingIsLostByFaults(t *testing.T) {
	for _, how := range []string{"--mount", "--mount=false"} {
		t.Run(how, func(t *testing.T) {
			code, said := crash(t, "faults", "--each", "5", "--database=false", how)
			if code != exitSound || !strings.Contains(said, "faults: nothing was lost") {
				t.Errorf("exit code %d:\n%s", code, said)
			}
			nothingLeft(t)
		})
	}
}

// nothingLeft fails the test for labs that are left, and for file systems.
func nothingLeft(t *testing.T) {
	t.Helper()
	folder := os.Getenv("TMPDIR")
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v %v", folder, left, err)
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil || strings.Contains(string(mounts), folder) {
		t.Errorf("a file system is left: %v", err)
	}
}

func TestInjectionNeedsAProgram(t *testing.T) {
	for _, args := range [][]string{{}, {"75"}, {"fdatasync", "true"}} {
		if err := becomeInjected(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestChosenCalls(t *testing.T) {
	for _, test := range []struct {
		name  string
		each  int64
		count int
		last  int64
	}{
		{"a choice", 0, 28, 100},
		{"each of a few", 3, 3, 3},
		{"each of many", 100, 100, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			chosen := chosenCalls(test.each)
			if len(chosen) != test.count || chosen[0] != 1 || chosen[len(chosen)-1] != test.last {
				t.Errorf("%v", chosen)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"none", nil, "usage"},
		{"no such proof", []string{"tests"}, "usage"},
		{"no rounds", []string{"rounds", "--rounds", "0"}, "at least 1"},
		{"no such store", []string{"rounds", "--store", "mysql"}, "STORE is bolt"},
		{"no seed", []string{"rounds", "--seed", "x"}, "is a number"},
		{"too much", []string{"faults", "all"}, "too many"},
		{"below nothing", []string{"faults", "--each", "-1"}, "not below 0"},
		{"no such flag", []string{"faults", "--hard"}, "-hard"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if code, said := crash(t, test.args...); code != exitWrongUse || !strings.Contains(said, test.says) {
				t.Errorf("exit code %d, and %q should be said:\n%s", code, test.says, said)
			}
		})
	}
}
