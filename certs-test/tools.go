package certstest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// OpenSSL runs openssl and returns what it prints on both streams; a failure
// or a missing openssl fails the test.
func OpenSSL(t testing.TB, stdin []byte, args ...string) string {
	t.Helper()
	out, err := Run(t, stdin, "openssl", args...)
	if err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, out)
	}
	return out
}

// CertTool runs GnuTLS's certtool as [OpenSSL] runs openssl.
func CertTool(t testing.TB, stdin []byte, args ...string) string {
	t.Helper()
	out, err := Run(t, stdin, "certtool", args...)
	if err != nil {
		t.Fatalf("certtool %q: %v\n%s", args, err, out)
	}
	return out
}

// Run runs a program and returns what it prints on both streams, and an error
// if it ends with another status than 0. A missing program fails the test.
func Run(t testing.TB, stdin []byte, name string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed for this test: %v", name, err)
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Stdin = bytes.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

// File writes data to a file of the test's own and returns its path.
func File(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
