package archive_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/archive"
)

// Every octet of a file counts: whichever is changed or cut off, reading either
// finds out or still tells the truth, and Check always finds out.
func TestDamageIsFoundOut(t *testing.T) {
	dir := t.TempDir()
	list := items(300)
	s := put(t, open(t, dir), list)
	path := filepath.Join(dir, s.Name)
	whole, err := os.ReadFile(path)
	check(t, err)
	a := open(t, dir)
	try := func(what string, content []byte) {
		t.Helper()
		check(t, os.WriteFile(path, content, 0o600))
		a.Forget()
		for _, err := range []error{truth(t, a, s, list), a.Check(t.Context(), s)} {
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Fatalf("%s: the error does not name the file: %v", what, err)
			}
		}
		if err := a.Check(t.Context(), s); !errors.Is(err, archive.ErrDamaged) {
			t.Fatalf("%s: Check says %v", what, err)
		}
	}
	for i := range whole {
		changed := slices.Clone(whole)
		changed[i] ^= 0x10
		try(fmt.Sprintf("octet %d changed", i), changed)
	}
	for n := 0; n < len(whole); n += 13 {
		try(fmt.Sprintf("cut to %d octets", n), whole[:n])
		try(fmt.Sprintf("%d octets missing at the start", n+1), whole[n+1:])
	}
	check(t, os.Remove(path))
	if err := truth(t, open(t, dir), s, list); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("without the file: error %v", err)
	}
	check(t, os.Mkdir(path, 0o700))
	if err := truth(t, open(t, dir), s, list); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("a folder in its place: error %v", err)
	}
}

// truth fails the test if a tells anything but what was put. It returns the first
// error, which must not be that something was never there.
func truth(t *testing.T, a *archive.Archive, s enroll.Segment, list []enroll.Item) (first error) {
	t.Helper()
	for _, i := range []int{0, len(list) / 2, len(list) - 1} {
		value, err := a.Get(t.Context(), s, list[i].Key)
		if errors.Is(err, enroll.ErrNotFound) || err == nil && !bytes.Equal(value, list[i].Value) {
			t.Fatalf("item %d is %q, error %v", i, value, err)
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// A file that says it is another, and a segment that names a file elsewhere.
func TestSegmentsOfOtherFiles(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	s, other := put(t, a, items(10)), put(t, a, items(20))
	check(t, os.Rename(filepath.Join(dir, other.Name), filepath.Join(dir, s.Name)))
	if _, err := a.Get(t.Context(), s, keyOf(2)); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("another's file: error %v", err)
	}
	for name, change := range map[string]func(*enroll.Segment){
		"elsewhere":     func(s *enroll.Segment) { s.Name = "../" + s.Name },
		"absolute":      func(s *enroll.Segment) { s.Name = "/etc/passwd" },
		"other digest":  func(s *enroll.Segment) { s.Digest[0] ^= 1 },
		"other first":   func(s *enroll.Segment) { s.First = []byte{1} },
		"unknown kind":  func(s *enroll.Segment) { s.Kind = "orders" },
		"without First": func(s *enroll.Segment) { s.First = nil },
	} {
		t.Run(name, func(t *testing.T) {
			changed := s
			change(&changed)
			if _, err := a.Get(t.Context(), changed, keyOf(2)); err == nil || errors.Is(err, enroll.ErrNotFound) {
				t.Errorf("Get: error %v", err)
			}
			if err := a.Check(t.Context(), changed); err == nil {
				t.Error("Check: no error")
			}
		})
	}
}

// FuzzFile reads whatever stands where a file of the archive should.
func FuzzFile(f *testing.F) {
	dir := f.TempDir()
	a := open(f, dir)
	s := put(f, a, items(3))
	whole, err := os.ReadFile(filepath.Join(dir, s.Name))
	check(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte("\x5e\x2a\x4d\x18\x09\x00\x00\x00\x00\x00\x00\x00\x00\xb1\xea\x92\x8f"))
	list := items(3)
	f.Fuzz(func(t *testing.T, content []byte) {
		check(t, os.WriteFile(filepath.Join(dir, s.Name), content, 0o600))
		a.Forget()
		found, err := a.Read(t.Context(), s, nil, 1000)
		if err == nil && !slices.EqualFunc(found, list, equal) && sha256.Sum256(content) == s.Digest {
			t.Fatalf("read %d items of the file that was written", len(found))
		}
	})
}

// FuzzItems has what was put read back.
func FuzzItems(f *testing.F) {
	f.Add([]byte{1}, []byte(`{"a":1}`), []byte{2}, []byte(`[]`))
	f.Add([]byte{0}, []byte("\"\u2028\""), []byte{0, 0}, []byte(`"}\","`))
	dir := f.TempDir()
	a := open(f, dir)
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 []byte) {
		list := []enroll.Item{{Key: key1, Value: value1}, {Key: key2, Value: value2}}
		s, err := a.Put(t.Context(), enroll.CertificateSegments, list)
		if err != nil {
			return
		}
		found, err := a.Read(t.Context(), s, nil, 3)
		check(t, err)
		if !slices.EqualFunc(found, list, equal) {
			t.Fatalf("%q became %q", list, found)
		}
		check(t, os.Remove(filepath.Join(dir, s.Name)))
	})
}
