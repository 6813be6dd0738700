package keys_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchmark/touchmark/ca/keys"
	certstest "github.com/touchmark/touchmark/certs-test"
)

func ringOf(pass keys.Passphrase) *keys.Keyring {
	return keys.NewKeyring(keys.Config{Passphrase: pass})
}

// A key file under another passphrase is the same key, and the old passphrase opens it
// no more. To do it again changes nothing.
func TestRewrap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "issuing.key")
	before, after := passphrase(t, "before"), passphrase(t, "after")
	made, err := ringOf(before).Create(t.Context(), path, keys.P256)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 2 {
		if done, err := ringOf(before).Rewrap(t.Context(), path, after); err != nil || !done {
			t.Fatalf("done %v, %v", done, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && string(first) != string(text) {
			t.Error("the file was written again")
		}
		first = text
	}
	opened, err := ringOf(after).Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, made.Signer, opened)
	if _, err := ringOf(before).Open(t.Context(), path); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What cannot be opened is left as it is.
func TestRewrapByTheWrongPassphrase(t *testing.T) {
	path := certstest.File(t, "issuing.key", nil)
	certstest.OpenSSL(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes-256-cbc", "-pass", "pass:secret", "-out", path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ringOf(passphrase(t, "wrong")).Rewrap(t.Context(), path, passphrase(t, "next")); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file is another (%v)", err)
	}
	if _, err := ringOf(passphrase(t, "secret")).Rewrap(t.Context(), path, keys.Passphrase{}); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("without a next one: %v", err)
	}
}
