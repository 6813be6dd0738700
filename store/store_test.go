package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
)

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "store.db")
	if err := store.Check("bolt://" + path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Check made something")
	}
	for range 2 { // made, then found
		s, err := store.Open(t.Context(), "bolt://"+path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.(store.Backuper); !ok {
			t.Error("it cannot be backed up")
		}
		err = s.Update(t.Context(), func(tx enroll.Tx) error { return tx.PutPerson(enroll.Person{Pseudonym: "p"}) })
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := store.FilePath("bolt://" + path); err != nil || got != path {
		t.Errorf("FilePath: %q, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, says := range map[string]string{
		"":                                      "known are bolt",
		"store.db":                              "known are bolt",
		"/var/lib/store.db":                     "known are bolt",
		"sqlite:///store.db":                    "known are bolt",
		"postgres://u:secret@host/db?sslmode=x": "cannot be read",
		"postgresql://host/db?default_query_exec_mode=simple_protocol": "default_query_exec_mode",
		"bolt://store.db":                   "three slashes",
		"bolt:store.db":                     "three slashes",
		"bolt://host/store.db":              "three slashes",
		"bolt:///store.db?mode=0644":        "three slashes",
		"bolt:///store.db?":                 "three slashes",
		"bolt:///store.db#x":                "three slashes",
		"bolt://u@/store.db":                "three slashes",
		"bolt:///a/../store.db":             "no empty",
		"bolt:///a//store.db":               "no empty",
		"bolt:///a/":                        "no empty",
		"bolt://":                           "three slashes",
		"bolt:///%zz":                       "cannot be read",
		"postgres://u:secret@host:notaport": "cannot be read",
	} {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err == nil {
			t.Errorf("%q was opened", url)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, store.ErrURL) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %q, want it to say %q", url, err, says)
		}
		if checked := store.Check(url); checked == nil || checked.Error() != err.Error() {
			t.Errorf("%q: Check says %v, Open %v", url, checked, err)
		}
		if _, err := store.FilePath(url); !errors.Is(err, store.ErrURL) {
			t.Errorf("FilePath of %q: error %v", url, err)
		}
	}
}
