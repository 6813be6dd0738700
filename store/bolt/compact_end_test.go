package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
)

// TestCompactLeavesViewsAlone compacts within a View, which ends on what it began
// with; those that begin afterwards see what was written since.
func TestCompactLeavesViewsAlone(t *testing.T) {
	s := open(t, bolt.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	size := func(r enroll.Reader) uint64 {
		n, err := r.TreeSize()
		if err != nil {
			t.Error(err)
		}
		return n
	}
	if err := s.Update(t.Context(), putEvent(0)); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), func(old enroll.Reader) error {
		for want := uint64(2); want < 5; want++ {
			if err := errors.Join(s.Compact(t.Context(), nil), s.Update(t.Context(), putEvent(0))); err != nil {
				return err
			}
			if got := size(old); got != 1 {
				t.Errorf("the view sees %d records, want 1", got)
			}
			err := s.View(t.Context(), func(r enroll.Reader) error {
				if got := size(r); got != want {
					t.Errorf("a later view sees %d records, want %d", got, want)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCompactEndsEarly ends a compaction at each of its steps, in several ways:
// the store goes on with all that it had, or ends as it must.
func TestCompactEndsEarly(t *testing.T) {
	for _, at := range []string{"begun", "copied", "caught", "synced"} {
		t.Run("given up when "+at, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s := open(t, bolt.Config{Path: path})
			fillAndEmpty(t, s, 250)
			before := content(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			bolt.AtStep(s, func(step string) {
				if step == at {
					cancel()
				}
			})
			// When commits wait already it is done: the end comes too late.
			if err := s.Compact(ctx, nil); !errors.Is(err, context.Canceled) != (at == "synced") {
				t.Errorf("got error %v", err)
			}
			noCopy(t, path)
			sameContent(t, content(t, s), before)
			bolt.AtStep(s, func(string) {})
			if err := errors.Join(s.Update(t.Context(), putEvent(1)), s.Compact(t.Context(), nil), s.Update(t.Context(), putEvent(2))); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store.db")
		s := open(t, bolt.Config{Path: path})
		closed := make(chan error, 1)
		bolt.AtStep(s, func(step string) {
			if step == "begun" {
				go func() { closed <- s.Close() }()
				for !errors.Is(s.Update(t.Context(), putEvent(0)), enroll.ErrStoreUnavailable) { // until it has begun
					continue
				}
			}
		})
		if err := s.Compact(t.Context(), nil); err != nil && !errors.Is(err, enroll.ErrStoreUnavailable) {
			t.Errorf("got error %v", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		noCopy(t, path)
	})
	t.Run("the store failed", func(t *testing.T) {
		f := &faults{}
		path := filepath.Join(t.TempDir(), "store.db")
		s := open(t, bolt.Config{Path: path, AroundCommit: f.around})
		bolt.AtStep(s, func(step string) {
			if step == "copied" {
				f.fail(1)
				if err := s.Update(t.Context(), putEvent(0)); !errors.Is(err, enroll.ErrStoreUnavailable) {
					t.Errorf("Update: error %v", err)
				}
			}
		})
		if err := s.Compact(t.Context(), nil); !errors.Is(err, enroll.ErrStoreUnavailable) {
			t.Errorf("Compact: error %v", err)
		}
		noCopy(t, path)
	})
	t.Run("outrun", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store.db")
		s := open(t, bolt.Config{Path: path})
		bolt.SmallCopies(s, 1<<20, 1000)
		bolt.AtStep(s, func(step string) {
			if step == "begun" {
				fillAndEmpty(t, s, 250)
			}
		})
		if err := s.Compact(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "when less is going on") {
			t.Errorf("got error %v", err)
		}
		noCopy(t, path)
		bolt.AtStep(s, func(string) {})
		if err := s.Compact(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestOneCompactAtATime(t *testing.T) {
	s := open(t, bolt.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	second := errors.New("did not run")
	bolt.AtStep(s, func(step string) {
		if step == "begun" {
			second = s.Compact(t.Context(), nil)
		}
	})
	if err := s.Compact(t.Context(), nil); err != nil || !errors.Is(second, bolt.ErrCompacting) {
		t.Errorf("the first: %v; the second: %v", err, second)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Compact(t.Context(), nil); err == nil {
		t.Error("a closed store was compacted")
	}
}

// TestCompactFollowsLinks has the store's path be a symbolic link, which stays
// one.
func TestCompactFollowsLinks(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "real", "store.db"), filepath.Join(folder, "link.db")
	if err := errors.Join(open(t, bolt.Config{Path: file}).Close(), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	s := open(t, bolt.Config{Path: link})
	if err := errors.Join(s.Update(t.Context(), putEvent(0)), s.Compact(t.Context(), nil), s.Update(t.Context(), putEvent(1)), s.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v, error %v", info.Mode(), err)
	}
	noCopy(t, file)
	if err := open(t, bolt.Config{Path: file}).View(t.Context(), func(r enroll.Reader) error {
		size, err := r.TreeSize()
		if size != 2 {
			t.Errorf("%d records, want 2", size)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestCompactKeepsOthersOut has another wait for the file while it is replaced:
// it must not get hold of the one that was.
func TestCompactKeepsOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, bolt.Config{Path: path})
	var over atomic.Bool
	others := make(chan error, 4)
	for range cap(others) {
		go func() {
			for !over.Load() {
				other, err := bolt.Open(context.Background(), bolt.Config{Path: path})
				if err == nil {
					others <- errors.Join(errors.New("it was opened"), other.Close())
					return
				}
				if !strings.Contains(err.Error(), "in use") {
					others <- err
					return
				}
			}
			others <- nil
		}()
	}
	for i := range 50 {
		if err := errors.Join(s.Compact(t.Context(), nil), s.Update(t.Context(), putEvent(i))); err != nil {
			t.Error(err)
		}
	}
	over.Store(true)
	for range cap(others) {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
}

// TestCompactKilled kills a process that writes and compacts, at each step of the
// compaction, and looks for everything that it said was durable.
func TestCompactKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	told := map[identity.DeviceID]bool{}
	for round, step := range append(bolt.CopySteps(), bolt.CopySteps()...) {
		t.Setenv(killVariable, fmt.Sprintf("%s:%d", step, 1+round/len(bolt.CopySteps())))
		for _, id := range kill(t, path, 0) {
			told[id] = true
		}
		if err := bolt.VerifyForm(path); err != nil {
			t.Fatalf("killed when %s: %v", step, err)
		}
		s := open(t, bolt.Config{Path: path})
		noCopy(t, path)
		err := s.View(t.Context(), func(r enroll.Reader) error {
			for id := range told {
				story, err := r.Records(enroll.RecordFilter{Device: id})
				_, lookup := r.Device(id)
				if err != nil || lookup != nil || len(story.Items) != 1 {
					return fmt.Errorf("%s: a story of %d: %w", id, len(story.Items), errors.Join(err, lookup))
				}
			}
			return nil
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatalf("killed when %s: %v", step, err)
		}
	}
	if len(told) == 0 {
		t.Error("nothing was written")
	}
}
