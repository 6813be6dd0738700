package archive_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/archive"
)

func open(tb testing.TB, dir string) *archive.Archive {
	tb.Helper()
	a, err := archive.Open(dir)
	check(tb, err)
	return a
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func keyOf(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }

// items makes n items with even keys, so that there are gaps between them.
func items(n int) []enroll.Item {
	list := make([]enroll.Item, n)
	for i := range list {
		list[i] = enroll.Item{Key: keyOf(2 * i), Value: fmt.Appendf(nil, `{"index":%d,"kind":"device.enrolled"}`, 2*i)}
	}
	return list
}

func put(tb testing.TB, a *archive.Archive, list []enroll.Item) enroll.Segment {
	tb.Helper()
	s, err := a.Put(tb.Context(), enroll.RecordSegments, list)
	check(tb, err)
	return s
}

func equal(a, b enroll.Item) bool {
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

func TestWhatIsPutIsFound(t *testing.T) {
	for _, n := range []int{1, 255, 256, 257, 4096, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir, list := t.TempDir(), items(n)
			s := put(t, open(t, dir), list)
			if s.Kind != enroll.RecordSegments || s.Items != uint64(n) || !bytes.Equal(s.First, list[0].Key) || !bytes.Equal(s.Last, list[n-1].Key) {
				t.Fatalf("segment %+v", s)
			}
			a := open(t, dir) // another process
			check(t, a.Check(t.Context(), s))
			all, err := a.Read(t.Context(), s, nil, n+1)
			check(t, err)
			if !slices.EqualFunc(all, list, equal) {
				t.Fatalf("%d items were read, %d put, or they differ", len(all), n)
			}
			for i := 0; i < n; i += 97 {
				value, err := a.Get(t.Context(), s, keyOf(2*i))
				check(t, err)
				if !bytes.Equal(value, list[i].Value) {
					t.Fatalf("item %d is %s", i, value)
				}
				part, err := a.Read(t.Context(), s, keyOf(2*i+1), 3)
				check(t, err)
				if want := list[i+1 : min(i+4, n)]; !slices.EqualFunc(part, want, equal) {
					t.Fatalf("after item %d: %d items, want %d, or they differ", i, len(part), len(want))
				}
			}
			for _, missing := range [][]byte{keyOf(1), keyOf(2 * n), {0}, {}} {
				if _, err := a.Get(t.Context(), s, missing); !errors.Is(err, enroll.ErrNotFound) {
					t.Errorf("the key %x: error %v", missing, err)
				}
			}
		})
	}
}

// What is read belongs to whoever asked.
func TestCallersOwnWhatTheyGet(t *testing.T) {
	a := open(t, t.TempDir())
	s := put(t, a, items(10))
	for range 2 {
		value, err := a.Get(t.Context(), s, keyOf(4))
		check(t, err)
		if want := `{"index":4,"kind":"device.enrolled"}`; string(value) != want {
			t.Fatalf("got %s, want %s", value, want)
		}
		clear(value)
	}
}

// Whatever reads zstd, from the first octet to the last, gets JSON Lines.
func TestFilesAreZstd(t *testing.T) {
	dir := t.TempDir()
	s := put(t, open(t, dir), items(600))
	file, err := os.Open(filepath.Join(dir, s.Name))
	check(t, err)
	defer file.Close()
	reader, err := zstd.NewReader(file)
	check(t, err)
	defer reader.Close()
	printed, err := io.ReadAll(reader)
	check(t, err)
	lines := strings.Split(string(printed), "\n")
	if len(lines) != 601 || lines[600] != "" || lines[7] != `{"key":"000000000000000e","value":{"index":14,"kind":"device.enrolled"}}` {
		t.Errorf("%d lines, the eighth of them %s", len(lines), lines[7])
	}
}

func TestFilesAreNeverChanged(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	first := put(t, a, items(300))
	path := filepath.Join(dir, first.Name)
	before, err := os.Stat(path)
	check(t, err)
	if before.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", before.Mode())
	}
	if again := put(t, open(t, dir), items(300)); again.Name != first.Name || again.Digest != first.Digest {
		t.Error("the same items make another file")
	}
	after, err := os.Stat(path)
	check(t, err)
	if !os.SameFile(before, after) {
		t.Error("the file was replaced")
	}
	if other := put(t, a, items(301)); other.Name == first.Name {
		t.Error("other items make a file of the same name")
	}
	left, err := os.ReadDir(filepath.Join(dir, "records"))
	check(t, err)
	if len(left) != 2 {
		t.Errorf("%d files are there, want 2: %v", len(left), left)
	}
	// One that was spoilt is found out, not built upon.
	check(t, os.WriteFile(path, []byte("spoilt"), 0o600))
	if _, err := a.Put(t.Context(), enroll.RecordSegments, items(300)); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("error %v, want ErrDamaged", err)
	}
}

func TestPutRefuses(t *testing.T) {
	good := enroll.Item{Key: []byte{1}, Value: []byte(`{}`)}
	for _, test := range []struct {
		name  string
		kind  enroll.SegmentKind
		items []enroll.Item
	}{
		{"nothing", enroll.RecordSegments, nil},
		{"another kind", "../records", []enroll.Item{good}},
		{"no key", enroll.RecordSegments, []enroll.Item{{Value: []byte(`{}`)}}},
		{"a long key", enroll.RecordSegments, []enroll.Item{{Key: make([]byte, 65), Value: []byte(`{}`)}}},
		{"a key twice", enroll.RecordSegments, []enroll.Item{good, good}},
		{"a key out of order", enroll.RecordSegments, []enroll.Item{good, {Key: []byte{0}, Value: []byte(`{}`)}}},
		{"no JSON", enroll.RecordSegments, []enroll.Item{{Key: []byte{1}, Value: []byte(`{`)}}},
		{"no value", enroll.RecordSegments, []enroll.Item{{Key: []byte{1}}}},
		{"two lines", enroll.RecordSegments, []enroll.Item{{Key: []byte{1}, Value: []byte("{\n}")}}},
		{"a long value", enroll.RecordSegments, []enroll.Item{{Key: []byte{1}, Value: []byte(`"` + strings.Repeat("a", 2<<20) + `"`)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if s, err := open(t, dir).Put(t.Context(), test.kind, test.items); err == nil {
				t.Errorf("made %s", s.Name)
			}
			left, err := os.ReadDir(filepath.Join(dir, "records"))
			check(t, err)
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Long values have frames of their own, so that reading one needs little memory.
func TestLongValues(t *testing.T) {
	var list []enroll.Item
	for i, length := range []int{1 << 19, 1 << 19, 2<<20 - 2, 3, 1 << 20} {
		list = append(list, enroll.Item{Key: keyOf(i), Value: []byte(`"` + strings.Repeat("a", length) + `"`)})
	}
	a := open(t, t.TempDir())
	s := put(t, a, list)
	all, err := a.Read(t.Context(), s, nil, 100)
	check(t, err)
	if !slices.EqualFunc(all, list, equal) {
		t.Error("what was read is not what was put")
	}
}

func TestManyReadAtOnce(t *testing.T) {
	a := open(t, t.TempDir())
	s := put(t, a, items(3000))
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < 3000; i += 101 {
				value, err := a.Get(t.Context(), s, keyOf(2*i))
				if err != nil || !bytes.HasPrefix(value, fmt.Appendf(nil, `{"index":%d,`, 2*i)) {
					t.Errorf("item %d: %s, %v", i, value, err)
				}
			}
		})
	}
	group.Wait()
}
