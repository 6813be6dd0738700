package hsm

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	certstest "github.com/touchmark/touchmark/certs-test"
)

// TPM is an emulated TPM 2.0 (swtpm) at a Unix socket.
type TPM struct {
	// Device is the socket.
	Device string

	state   string
	process *exec.Cmd
}

// NewTPM makes a TPM and starts it; it ends with the test.
func NewTPM(t testing.TB) *TPM {
	t.Helper()
	folder, err := os.MkdirTemp("", "tpm") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	state := filepath.Join(folder, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := certstest.Run(t, nil, "swtpm_setup", "--tpm2", "--tpmstate", state, "--overwrite"); err != nil {
		t.Fatalf("swtpm_setup: %v\n%s", err, out)
	}
	chip := &TPM{Device: filepath.Join(folder, "socket"), state: state}
	chip.Start(t)
	t.Cleanup(chip.Stop)
	return chip
}

// Start starts a TPM that was stopped: it knows its seeds, and nothing that was
// loaded.
func (c *TPM) Start(t testing.TB) {
	t.Helper()
	c.process = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+c.state,
		"--server", "type=unixio,path="+c.Device, "--ctrl", "type=unixio,path="+c.Device+".ctrl", "--flags", "not-need-init,startup-clear")
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := os.Stat(c.Device); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // it is another process
	}
	t.Fatal("swtpm does not listen")
}

// Stop takes the TPM away.
func (c *TPM) Stop() {
	if c.process == nil {
		return
	}
	_ = c.process.Process.Kill()
	_ = c.process.Wait()
	_ = os.Remove(c.Device)
	_ = os.Remove(c.Device + ".ctrl")
	c.process = nil
}
