package e2e_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/touchmark/touchmark/certs-test/kms"
)

// TestHSM runs the scripts of testdata/hsm with the program that is built for
// PKCS#11 and cloud KMSs: on a token that fails when it is told to and a TPM
// (certs-test/hsm), and on a KMS of AWS's kind (certs-test/kms).
func TestHSM(t *testing.T) {
	t.Parallel()
	needTools(t)
	path := filepath.Join(t.TempDir(), "touchmark")
	build := exec.Command("go", "build", "-tags", "pkcs11,cloudkms", "-o", path, "github.com/touchmark/touchmark/cmd/touchmark")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building touchmark for PKCS#11: %v\n%s", err, out)
	}
	// Beside it lies the library that fails, for scripts have no module cache.
	fault := filepath.Join(filepath.Dir(path), "fault.so")
	if out, err := exec.Command(filepath.Join("..", "hsm", "hsm"), "build", fault).CombinedOutput(); err != nil {
		t.Fatalf("building fault.so: %v\n%s", err, out)
	}
	cloud := httptest.NewServer(&kms.Service{})
	t.Cleanup(cloud.Close)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "kms.url"), []byte(cloud.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	runScripts(t, path, filepath.Join("testdata", "hsm"), storage{"bolt", nil, "0"}, newPorts())
}

// tokenVariables are what the server is told of a token and its faults, where a
// script sets them.
func tokenVariables() []string {
	return []string{
		"SOFTHSM2_CONF", "FAULT_MODULE", "FAULT_CONTROL", "FAULT_TRACE",
		"AWS_ENDPOINT_URL_KMS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE",
	}
}
