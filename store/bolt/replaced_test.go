package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/bolt"
)

// taken lists the ways in which a store's name is taken from its file.
func taken() map[string]func(path string) error {
	return map[string]func(path string) error{
		"removed": os.Remove,
		"moved":   func(path string) error { return os.Rename(path, path+".moved") },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte("another"), 0o600), os.Rename(path+".new", path))
		},
	}
}

// ended fails the test unless the store says that its file is gone, and why.
func ended(t *testing.T, s *bolt.Store, err error) {
	t.Helper()
	if !errors.Is(err, enroll.ErrStoreUnavailable) || !strings.Contains(err.Error(), "another was put in its place") {
		t.Errorf("got error %v", err)
	}
	select {
	case <-s.Failed():
	default:
		t.Error("the store has not failed")
	}
	if err := s.Update(t.Context(), putEvent(9)); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("it goes on: %v", err)
	}
}

// TestFileTakenAway takes the file away from under an open store, of which
// nothing is acknowledged any more, also after it was compacted.
func TestFileTakenAway(t *testing.T) {
	for name, take := range taken() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s := open(t, bolt.Config{Path: path})
			if err := errors.Join(s.Update(t.Context(), putEvent(1)), s.Compact(t.Context(), nil), s.Update(t.Context(), putEvent(2)), take(path)); err != nil {
				t.Fatal(err)
			}
			ended(t, s, s.Update(t.Context(), putEvent(3)))
		})
		t.Run(name+" while it is compacted", func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s := open(t, bolt.Config{Path: path})
			bolt.AtStep(s, func(step string) {
				if step == "caught" {
					if err := take(path); err != nil {
						t.Error(err)
					}
				}
			})
			ended(t, s, s.Compact(t.Context(), nil))
			if content, err := os.ReadFile(path); err == nil && string(content) != "another" {
				t.Error("the compaction replaced what is there now")
			}
		})
	}
}
