package clientcmd_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/cmd/touchmark/clientcmd"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
)

// storeWith makes a store with an installation of a key, none for an empty one,
// and returns it open.
func storeWith(t *testing.T, path string, key []byte) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(t.Context(), bolt.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if key == nil {
		return s
	}
	err = s.Update(t.Context(), func(tx enroll.Tx) error {
		return tx.PutInstallation(enroll.Installation{PseudonymKey: key})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serving answers with the backup of a store.
func serving(t *testing.T, s *bolt.Store) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := s.Backup(t.Context(), w); err != nil {
			t.Error(err)
		}
	}
}

// TestBackupOverItsStore names the store that is running as where its backup goes,
// itself and by a link.
func TestBackupOverItsStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	s := storeWith(t, path, make([]byte, 32))
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	d := opened(t, serving(t, s))
	for _, file := range []string{path, link} {
		_, _, err = d.typed(t, "backup", file)
		if enroll.AsRefusal(err).Code != enroll.WrongState || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: error %v", file, err)
		}
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the store was replaced (%v)", err)
	}
	err = s.Update(t.Context(), func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "p"}) })
	if err != nil {
		t.Error(err)
	}
}

// TestBackupThroughALink replaces what a link leads to, and not the link.
func TestBackupThroughALink(t *testing.T) {
	s := storeWith(t, filepath.Join(t.TempDir(), "store.db"), make([]byte, 32))
	d := opened(t, serving(t, s))
	file, link := filepath.Join(t.TempDir(), "real.db"), d.path("link.db")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.typed(t, "backup", link); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != file {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := bolt.Verify(file); err != nil {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.typed(t, "backup", link); err == nil || !strings.Contains(err.Error(), "leads nowhere") {
		t.Errorf("a link that leads nowhere: error %v", err)
	}
}

// TestRestoreThroughALink puts the backup where the store's link leads to, and keeps
// what was there beside that.
func TestRestoreThroughALink(t *testing.T) {
	folder, disk := t.TempDir(), t.TempDir()
	from, file, link := filepath.Join(folder, "backup.db"), filepath.Join(disk, "real.db"), filepath.Join(folder, "store.db")
	backup := storeWith(t, from, make([]byte, 32))
	if err := errors.Join(backup.Close(), os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	kept, err := clientcmd.PutBack(testNow, from, link)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(kept) != disk {
		t.Errorf("the old store is kept as %s", kept)
	}
	if old, err := os.ReadFile(kept); err != nil || string(old) != "old" {
		t.Errorf("kept is %q, %v", old, err)
	}
	if to, err := os.Readlink(link); err != nil || to != file {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := bolt.CheckInstalled(file); err != nil {
		t.Error(err)
	}
}

// TestRestoreOfNoInstallation refuses what no server could start on.
func TestRestoreOfNoInstallation(t *testing.T) {
	for name, c := range map[string]struct {
		key  []byte
		says string
	}{
		"an empty store":     {nil, "no installation"},
		"an unfinished copy": {make([]byte, 51), "unfinished copy"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			from, path := filepath.Join(folder, "backup.db"), filepath.Join(folder, "store.db")
			if err := errors.Join(storeWith(t, from, c.key).Close(), os.WriteFile(path, []byte("old"), 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := clientcmd.PutBack(testNow, from, path); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "nothing was changed") {
				t.Errorf("got error %v, want %q", err, c.says)
			}
			if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
				t.Errorf("the store is %q, %v", old, err)
			}
		})
	}
}
