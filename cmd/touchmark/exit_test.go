package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/cmd/touchmark/server"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
)

func TestExitCode(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"done":                            {nil, exitDone},
		"a store that another has":        {enroll.ErrStoreInUse, exitRefused},
		"a newer store":                   {enroll.ErrStoreNewer, exitRefused},
		"a newer store, met when joining": {fmt.Errorf("%w: %w", enroll.ErrStoreUnavailable, enroll.ErrStoreNewer), exitRefused},
		"a newer store, met at work":      {fmt.Errorf("%w: %w", server.ErrStoreFailed, enroll.ErrStoreNewer), exitUnavailable},
		"an unfinished copy":              {enroll.ErrUnfinished, exitRefused},
		"a store that does not answer":    {enroll.ErrStoreUnavailable, exitUnavailable},
		"a PIN that was refused":          {fmt.Errorf("pkcs11: %w: the PIN was refused", keys.ErrPassphrase), exitNotAllowed},
		"a refusal":                       {enroll.Refuse(enroll.NotFound, "no such device"), exitNotFound},
		"anything else":                   {os.ErrPermission, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.err
			if err != nil {
				err = fmt.Errorf("serving: %w", err)
			}
			if got := exitCode(err); got != test.want {
				t.Errorf("%v: exit code %d, want %d", err, got, test.want)
			}
		})
	}
}

// made makes a store with what fn puts into it, if any, and returns its URL.
func made(t *testing.T, fn func(enroll.Tx) error) string {
	t.Helper()
	url := "bolt://" + filepath.Join(t.TempDir(), "store.db")
	kept, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if fn != nil {
		if err := kept.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	return url
}

// unfinished makes a store look like the beginning of a copy.
func unfinished(tx enroll.Tx) error {
	return tx.PutInstallation(enroll.Installation{PseudonymKey: []byte("unfinished copy of " + strings.Repeat("x", 32))})
}

// newer makes a store say that a newer Touchmark wrote it.
func newer(t *testing.T, url string) string {
	t.Helper()
	db, err := bbolt.Open(strings.TrimPrefix(url, "bolt://"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte("99")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return url
}

// TestServeRefuses starts servers on stores that they cannot work with.
func TestServeRefuses(t *testing.T) {
	folder := t.TempDir()
	configuration := filepath.Join(folder, "touchmark.yaml")
	typed(t, exitDone, "quickstart", folder)
	text, err := os.ReadFile(configuration)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ url, says string }{
		"an unfinished copy": {made(t, unfinished), "run touchmark store copy again"},
		"a newer store":      {newer(t, made(t, nil)), "newer Touchmark (schema 99"},
	} {
		t.Run(name, func(t *testing.T) {
			moved := regexp.MustCompile(`(?m)^store:.*`).ReplaceAll(text, []byte("store: "+test.url))
			if err := os.WriteFile(configuration, moved, 0o600); err != nil {
				t.Fatal(err)
			}
			if errs := typed(t, exitRefused, "serve", "--config", configuration); !strings.Contains(errs, test.says) {
				t.Errorf("says %s", errs)
			}
		})
	}
}

// TestAWrongPassphraseIsNotTriedAgain starts a server with a wrong passphrase: as a PIN
// it would lock the token, were it tried again and again. The unit of the documentation
// has systemd leave that be.
func TestAWrongPassphraseIsNotTriedAgain(t *testing.T) {
	folder := t.TempDir()
	typed(t, exitDone, "quickstart", folder)
	if err := os.WriteFile(filepath.Join(folder, "pki", "passphrase"), []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	typed(t, exitNotAllowed, "serve", "--config", filepath.Join(folder, "touchmark.yaml"))
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations", "beginning.md"))
	if err != nil {
		t.Fatal(err)
	}
	if unit := fmt.Sprintf("\nRestart=on-failure\nRestartPreventExitStatus=%d\n", exitNotAllowed); !strings.Contains(string(page), unit) {
		t.Errorf("the unit in beginning.md does not have %q", unit)
	}
}

// TestRefusedCopyLeavesNothing copies what cannot be copied to where nothing is,
// and where something is that stays.
func TestRefusedCopyLeavesNothing(t *testing.T) {
	for name, from := range map[string]string{
		"nothing in the source": made(t, nil),
		"an unfinished copy":    made(t, unfinished),
		"a newer store":         newer(t, made(t, nil)),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			typed(t, exitRefused, "store", "copy", "--from", from, "--to", "bolt://"+filepath.Join(folder, "deep", "new", "store.db"))
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v", left, err)
			}
			there := made(t, nil)
			typed(t, exitRefused, "store", "copy", "--from", from, "--to", there)
			if _, err := os.Stat(strings.TrimPrefix(there, "bolt://")); err != nil {
				t.Errorf("an empty store that was there: %v", err)
			}
		})
	}
}

// typed runs the program, compares its exit code and returns what it says on
// standard error.
func typed(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(t.Context(), args, nil, &out, &errs); got != want {
		t.Fatalf("touchmark %s: exit code %d, want %d: %s", strings.Join(args, " "), got, want, &errs)
	}
	return errs.String()
}
