package hsm_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/certs-test/hsm"
)

// TestFaults holds fault.so to a client that others wrote, OpenSC's pkcs11-tool: it
// hands calls on, and fails those that it is told to, in the words of PKCS#11.
func TestFaults(t *testing.T) {
	token := hsm.New(t)
	tool := func(args ...string) (string, error) {
		return certstest.Run(t, nil, "pkcs11-tool", append([]string{"--module", token.Module, "--login", "--pin", hsm.PIN}, args...)...)
	}
	if out, err := tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	digest := make([]byte, 32)
	if _, err := rand.Read(digest); err != nil {
		t.Fatal(err)
	}
	in, out, public := certstest.File(t, "digest", digest), filepath.Join(t.TempDir(), "signature"), filepath.Join(t.TempDir(), "public")
	sign := func() (string, error) {
		_ = os.Remove(out)
		return tool("--sign", "--mechanism", "ECDSA", "--signature-format", "openssl", "--id", "01", "-i", in, "-o", out)
	}
	good := func() {
		t.Helper()
		if text, err := sign(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		certstest.OpenSSL(t, nil, "pkeyutl", "-verify", "-pubin", "-inkey", public, "-keyform", "DER", "-in", in, "-sigfile", out)
	}
	if text, err := tool("--read-object", "--type", "pubkey", "--id", "01", "-o", public); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	good()
	for line, word := range map[string]string{
		"C_SignInit 0 0x32 0":     "CKR_DEVICE_REMOVED",
		"C_SignInit 0 0x30 0":     "CKR_DEVICE_ERROR",
		"C_SignInit 0 0xb3 0":     "CKR_SESSION_HANDLE_INVALID",
		"C_SignInit 0 0x101 0":    "CKR_USER_NOT_LOGGED_IN",
		"C_OpenSession 0 0xb1 0":  "CKR_SESSION_COUNT",
		"C_Login 0 0xa0 0":        "CKR_PIN_INCORRECT",
		"C_GetTokenInfo 0 0xe0 0": "CKR_TOKEN_NOT_PRESENT",
	} {
		token.Fail(t, line)
		if text, err := sign(); err == nil || !strings.Contains(text, word) {
			t.Errorf("%s: %v\n%s", line, err, text)
		}
	}
	before := token.Calls(t, "C_Sign")
	token.Fail(t, "C_Sign 50 0 0")
	good()
	if token.Calls(t, "C_Sign") == before {
		t.Error("the call was not noted")
	}
}
