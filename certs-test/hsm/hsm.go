// Package hsm gives tests a hardware security module that fails when it is told
// to: SoftHSM behind fault.c, a PKCS#11 library that hands calls on, or does not.
// The script hsm does the same for shells.
package hsm

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// PIN is that of every token.
const PIN = "hsm-pin-7231"

// Token is a token of SoftHSM in a folder of the test's own.
type Token struct {
	// Module is the library to load.
	Module string
	// Label is the token's.
	Label string

	control, trace string
}

// New makes a token, and has this process find it. A process sees the token that
// was made last before it initialised the library.
func New(t testing.TB) *Token {
	t.Helper()
	_, self, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(self), "hsm")
	if !filepath.IsAbs(script) { // built with -trimpath: the path is the module's
		script = filepath.Join(root(t), "certs-test", "hsm", "hsm")
	}
	folder := t.TempDir()
	token := &Token{
		Module: filepath.Join(folder, "fault.so"), Label: "touchmark test",
		control: filepath.Join(folder, "faults"), trace: filepath.Join(folder, "trace"),
	}
	run(t, script, "build", token.Module)
	run(t, script, "token", folder, token.Label, PIN)
	t.Setenv("SOFTHSM2_CONF", filepath.Join(folder, "softhsm2.conf"))
	t.Setenv("FAULT_MODULE", strings.TrimSpace(run(t, script, "module")))
	t.Setenv("FAULT_CONTROL", token.control)
	t.Setenv("FAULT_TRACE", token.trace)
	return token
}

// root finds the repository above the folder that the test runs in.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("the test does not run within the repository")
		}
		folder = filepath.Dir(folder)
	}
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := certstest.Run(t, nil, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// Fail has calls fail from now on, each line as fault.c says: a function, so many
// milliseconds, a return value, and how often. Without lines nothing fails.
func (k *Token) Fail(t testing.TB, lines ...string) {
	t.Helper()
	next := k.control + ".next"
	if err := os.WriteFile(next, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, k.control); err != nil {
		t.Fatal(err)
	}
}

// Calls tells how often a function was called.
func (k *Token) Calls(t testing.TB, function string) int {
	t.Helper()
	text, err := os.ReadFile(k.trace)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count("\n"+string(text), "\n"+function+"\n")
}
