package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchmark/touchmark/cmd/touchmark/durable"
)

func TestCreateNeverReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if err := durable.Create(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(path, []byte("second"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	holds(t, dir, path, "first", 0o600)
}

func TestReplaceTakesThePlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chain")
	for _, text := range []string{"first", "second"} {
		if err := durable.Replace(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		holds(t, dir, path, text, 0o644)
	}
	if err := durable.Replace(dir, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced")
	}
	if err := durable.Replace(filepath.Join(dir, "missing", "x"), nil, 0o644); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
}

// holds also makes sure that nothing else was left in the folder.
func holds(t *testing.T, dir, path, want string, mode fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != want {
		t.Errorf("%s holds %q (%v), want %q", path, text, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: %v (%v), want %v", path, info.Mode(), err, mode)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}
