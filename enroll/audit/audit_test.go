package audit_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// stored is a tree as tlog stores it: the reference that frontiers are held to.
type stored []tlog.Hash

func (s *stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, i := range indexes {
		if i >= int64(len(*s)) {
			return nil, fmt.Errorf("no hash %d", i)
		}
		hashes = append(hashes, (*s)[i])
	}
	return hashes, nil
}

func (s *stored) add(t *testing.T, n int, leaf []byte) []tlog.Hash {
	t.Helper()
	hashes, err := tlog.StoredHashes(int64(n), leaf, s)
	if err != nil {
		t.Fatal(err)
	}
	*s = append(*s, hashes...)
	return hashes
}

func leafAt(i int) []byte {
	return audit.Leaf(uint64(i), fmt.Appendf(nil, `{"kind":"device.enrolled","device":"TH20-SN%d"}`, i))
}

func TestFrontierIsTlogs(t *testing.T) {
	var tree stored
	var f audit.Frontier
	for n := range 300 {
		at, err := audit.FrontierAt(uint64(n), &tree)
		if err != nil {
			t.Fatal(err)
		}
		if at != f {
			t.Fatalf("the frontier read at %d is not the one that grew", n)
		}
		leaf := leafAt(n)
		done := f.Add(nil, leaf)
		if want := tree.add(t, n, leaf); fmt.Sprint(done) != fmt.Sprint(want) {
			t.Fatalf("leaf %d completed %v, want %v", n, done, want)
		}
		want, err := tlog.TreeHash(int64(n+1), &tree)
		if err != nil {
			t.Fatal(err)
		}
		if f.Root() != want || f.Size() != uint64(n+1) {
			t.Fatalf("after %d leaves: root %v, size %d, want %v", n+1, f.Root(), f.Size(), want)
		}
	}
	if _, err := audit.FrontierAt(301, &tree); err == nil {
		t.Error("a frontier beyond the tree was read")
	}
	if _, err := audit.FrontierAt(1<<63, &tree); err == nil {
		t.Error("a frontier of more than any log was read")
	}
}

func TestEmptyRoot(t *testing.T) {
	var f audit.Frontier
	// RFC 6962, section 2.1: the hash of an empty list is SHA-256().
	root := f.Root()
	if got := fmt.Sprintf("%x", root[:]); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("got %s", got)
	}
}

func TestLeaf(t *testing.T) {
	for event, want := range map[string]string{
		`{}`:                 `{"index":7}`,
		`{"kind":"a","b":1}`: `{"index":7,"kind":"a","b":1}`,
	} {
		if got := string(audit.Leaf(7, []byte(event))); got != want {
			t.Errorf("Leaf of %s: got %s, want %s", event, got, want)
		}
	}
}

func TestParseLine(t *testing.T) {
	root := strings.Repeat("A", 43) + "="
	for _, test := range []struct{ name, line, want string }{
		{"a record", `{"index":7,"kind":"a","root":"` + root + `"}`, ""},
		{"the smallest record", `{"index":0,"root":"` + root + `"}`, ""},
		{"nothing", ``, "root"},
		{"no root", `{"index":7,"kind":"a"}`, "root"},
		{"root not last", `{"index":7,"root":"` + root + `","kind":"a"}`, "root"},
		{"root with a space", `{"index":7, "root":"` + root + `"}`, "root"},
		{"root too short", `{"index":7,"root":"AAAA"}`, "root"},
		{"root not canonical", `{"index":7,"root":"` + strings.Repeat("A", 42) + `B="}`, "root"},
		{"root not base64", `{"index":7,"root":"` + strings.Repeat("!", 44) + `"}`, "root"},
		{"root with a line break", `{"index":7,"root":"` + strings.Repeat("A", 42) + "\n" + `="}`, "root"},
		{"root with room", `{"index":7,"root":"` + strings.Repeat("A", 44) + `"}`, "root"},
		{"no index", `{"kind":"a","root":"` + root + `"}`, "index"},
		{"index not first", `{"kind":"a","index":7,"root":"` + root + `"}`, "index"},
		{"index with a zero", `{"index":07,"root":"` + root + `"}`, "index"},
		{"index below zero", `{"index":-7,"root":"` + root + `"}`, "index"},
		{"index too large", `{"index":9223372036854775808,"root":"` + root + `"}`, "index"},
		{"not JSON", `{"index":7,"kind":a,"root":"` + root + `"}`, "JSON"},
		{"two objects", `{"index":7}{"a":1,"root":"` + root + `"}`, "JSON"},
		{"too long", `{"index":7,"kind":"` + strings.Repeat("a", audit.MaxLine) + `","root":"` + root + `"}`, "longer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := audit.ParseLine([]byte(test.line))
			if test.want != "" {
				if !errors.Is(err, audit.ErrLine) || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got error %v, want one of %s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(audit.Line(e.Leaf, e.Root)); got != test.line {
				t.Errorf("put together again: %s", got)
			}
		})
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add(audit.Line(leafAt(7), tlog.Hash{1}))
	f.Add(audit.Line([]byte(`{"index":0}`), tlog.Hash{}))
	f.Add([]byte(`{"index":7}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := audit.ParseLine(line)
		if err != nil {
			return
		}
		if again := audit.Line(e.Leaf, e.Root); !bytes.Equal(again, line) {
			t.Fatalf("%q became %q", line, again)
		}
		if !bytes.HasPrefix(e.Leaf, fmt.Appendf(nil, `{"index":%d`, e.Index)) {
			t.Fatalf("the index of %q was read as %d", e.Leaf, e.Index)
		}
	})
}

// keys returns a signer and a verifier of a log's name.
func keys(t testing.TB, origin string) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := audit.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// Lines of an export are told from plain records.
func TestHasRoot(t *testing.T) {
	leaf := audit.Leaf(3, []byte(`{"kind":"x"}`))
	line := audit.Line(leaf, tlog.Hash{1})
	for text, want := range map[string]bool{string(line): true, string(leaf): false, "": false, "{}": false, string(line) + " ": false, string(line[1:]): true} {
		if audit.HasRoot([]byte(text)) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}
