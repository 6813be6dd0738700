package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
	"go.etcd.io/bbolt"
)

// exit ends the goroutine that calls it.
func exit() { runtime.Goexit() }

func TestOpenMakesWhatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "store.db")
	var log bytes.Buffer
	open(t, bolt.Config{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %o, want %o", name, got, want)
		}
	}
	if !strings.Contains(log.String(), path) {
		t.Errorf("the log does not name the file: %s", &log)
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	used := filepath.Join(folder, "used.db")
	open(t, bolt.Config{Path: used})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name, path string
		ctx        context.Context
		says       string
	}{
		{"a file that another has open", used, t.Context(), "in use by another process"},
		{"a file of something else", write("text", bytes.Repeat([]byte("text"), 10_000)), t.Context(), "not a store of Touchmark"},
		{"another program's bolt file", boltFile(t, folder, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err }), t.Context(), "another program"},
		{"a newer schema", boltFile(t, folder, schema("4")), t.Context(), "newer Touchmark (schema 4, this program knows 3)"},
		{"no schema", boltFile(t, folder, schema("x")), t.Context(), "says no schema"},
		{"a folder", folder, t.Context(), "directory"},
		{"a file where its folder should be", filepath.Join(write("file", nil), "store.db"), t.Context(), "folder"},
		{"a context that has ended", filepath.Join(folder, "new.db"), ended, "canceled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := bolt.Open(test.ctx, bolt.Config{Path: test.path})
			if err == nil {
				t.Fatal(errors.Join(errors.New("it was opened"), s.Close()))
			}
			if !strings.Contains(err.Error(), test.says) || test.ctx.Err() == nil && !strings.Contains(err.Error(), test.path) && !strings.Contains(err.Error(), filepath.Dir(test.path)) {
				t.Errorf("got %q, want it to say %q and the path", err, test.says)
			}
		})
	}
}

// boltFile makes a file with bbolt itself.
func boltFile(t *testing.T, folder string, fn func(*bbolt.Tx) error) string {
	t.Helper()
	f, err := os.CreateTemp(folder, "*.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(f.Name(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// schema makes the tree that says the schema.
func schema(number string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("meta"))
		if err != nil {
			return err
		}
		return b.Put([]byte("schema"), []byte(number))
	}
}

func TestClosed(t *testing.T) {
	s := open(t, bolt.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	nothing := func(enroll.Tx) error { return nil }
	if err := s.Update(t.Context(), nothing); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("Update: error %v", err)
	}
	if err := s.View(t.Context(), func(enroll.Reader) error { return nil }); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("View: error %v", err)
	}
	if _, err := s.Backup(t.Context(), io.Discard); !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("Backup: error %v", err)
	}
	select {
	case <-s.Failed():
		t.Error("a closed store counts as failed")
	default:
	}
}

func TestBackup(t *testing.T) {
	folder := t.TempDir()
	s := open(t, bolt.Config{Path: filepath.Join(folder, "store.db")})
	for i := range 300 {
		if err := s.Update(t.Context(), putEvent(i)); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(folder, "copy.db")
	f, err := os.OpenFile(copied, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	// While the first octets are written, the store goes on.
	n, err := s.Backup(t.Context(), &slowly{w: f, during: func() error { return s.Update(t.Context(), putEvent(300)) }})
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Size() != n {
		t.Errorf("the copy: %v, %v, want %d bytes", info, err, n)
	}
	if err := bolt.Verify(copied); err != nil {
		t.Errorf("the copy: %v", err)
	}
	for store, want := range map[*bolt.Store]uint64{open(t, bolt.Config{Path: copied}): 300, s: 301} {
		err := store.View(t.Context(), func(r enroll.Reader) error {
			size, err := r.TreeSize()
			if size != want {
				t.Errorf("%d records, want %d", size, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	_, err = s.Backup(ended, &slowly{w: io.Discard, during: func() error { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a backup whose context ended: error %v", err)
	}
}

// slowly does something before its first write.
type slowly struct {
	w      io.Writer
	during func() error
}

func (s *slowly) Write(p []byte) (int, error) {
	if s.during != nil {
		if err := s.during(); err != nil {
			return 0, err
		}
		s.during = nil
	}
	return s.w.Write(p)
}

func putEvent(n int) func(enroll.Tx) error {
	return func(tx enroll.Tx) error {
		return tx.Append(enroll.Event{Kind: enroll.DeviceEnrolled, Device: deviceID(n), Count: n})
	}
}

// TestListsLookAtBoundedParts has a filter that fits one device of many.
func TestListsLookAtBoundedParts(t *testing.T) {
	const many = 12_000
	s := open(t, bolt.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	err := s.Update(t.Context(), func(tx enroll.Tx) error {
		for i := range many {
			d := enroll.Device{}
			d.ID, d.Fleet, d.State = deviceID(i), "fleet-1", "expected"
			if i == many-1 {
				d.State = "active"
			}
			if err := tx.PutDevice(d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx enroll.Tx) error { // stories of devices without a row
		for i := range many {
			if err := tx.Append(enroll.Event{Device: identity.DeviceID(fmt.Sprintf("NONE-%d", i))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		filter enroll.DeviceFilter
		parts  string // items of each part
	}{
		{enroll.DeviceFilter{State: "active"}, "[0 0 1]"},
		{enroll.DeviceFilter{Model: "NONE"}, "[0 0]"},
		{enroll.DeviceFilter{State: "active", Fleets: []identity.FleetID{"fleet-1"}}, "[0 1]"},
		{enroll.DeviceFilter{Query: string(deviceID(many - 1))}, "[1]"},
		{enroll.DeviceFilter{Query: string(deviceID(many - 1).SerialNumber())}, "[1]"},
		{enroll.DeviceFilter{State: "held"}, "[0]"},
		{enroll.DeviceFilter{Model: "TH2"}, "[0]"},
		{enroll.DeviceFilter{Fleets: []identity.FleetID{"fleet-2"}}, "[0]"},
		{enroll.DeviceFilter{Fleets: []identity.FleetID{}}, "[0]"},
	} {
		var parts []int
		for f := test.filter; ; {
			var list enroll.List[enroll.Device]
			err := s.View(t.Context(), func(r enroll.Reader) (err error) { list, err = r.Devices(f); return err })
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, len(list.Items))
			if f.After = list.Next; f.After == "" {
				break
			}
		}
		if got := fmt.Sprint(parts); got != test.parts {
			t.Errorf("%+v: parts of %s items, want %s", test.filter, got, test.parts)
		}
	}
}

// TestOpenLeavesOtherFilesAlone keeps what has a name like that of the store, and
// no store under the name of what a compaction left.
func TestOpenLeavesOtherFilesAlone(t *testing.T) {
	folder := t.TempDir()
	path, left := filepath.Join(folder, "store.db"), filepath.Join(folder, ".store.db.compacting")
	kept := []string{path + ".compact", path + ".compacting", filepath.Join(folder, ".store.db"), filepath.Join(folder, ".other.db.compacting")}
	for _, name := range append(kept, left) {
		if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, bolt.Config{Path: path})
	for _, name := range kept {
		if content, err := os.ReadFile(name); err != nil || string(content) != "mine" {
			t.Errorf("%s: %q, %v", name, content, err)
		}
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a compaction left is still there: %v", err)
	}
	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(kept[3], link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{left, link} {
		if s, err := bolt.Open(t.Context(), bolt.Config{Path: name}); err == nil || !strings.Contains(err.Error(), "no name for a store") {
			t.Errorf("%s: opened %t, error %v", name, s != nil, err)
		}
	}
}
