package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/touchmark/touchmark/enroll/audit"
	"golang.org/x/mod/sumdb/tlog"
)

// exported returns the lines of an export of n records, and the checkpoint of
// each size.
func exported(n int) (lines []string, checkpoints []audit.Checkpoint) {
	var f audit.Frontier
	checkpoints = []audit.Checkpoint{{Root: f.Root()}}
	for i := range n {
		leaf := leafAt(i)
		f.Add(nil, leaf)
		lines = append(lines, string(audit.Line(leaf, f.Root())))
		checkpoints = append(checkpoints, audit.Checkpoint{Size: f.Size(), Root: f.Root()})
	}
	return lines, checkpoints
}

func file(lines []string) io.Reader {
	var export strings.Builder
	for _, line := range lines {
		export.WriteString(line + "\n")
	}
	return strings.NewReader(export.String())
}

func TestVerifyWhole(t *testing.T) {
	lines, checkpoints := exported(20)
	for _, cp := range checkpoints {
		report, err := audit.Verify(iotest.OneByteReader(file(lines)), cp)
		if want := (audit.Report{Covered: cp.Size, NotCovered: 20 - cp.Size}); err != nil || report != want {
			t.Errorf("checkpoint of %d: %+v, %v, want %+v", cp.Size, report, err, want)
		}
	}
	report, err := audit.Verify(strings.NewReader(strings.Join(lines, "\n")), checkpoints[20])
	if err != nil || report.Covered != 20 {
		t.Errorf("without the last newline: %+v, %v", report, err)
	}
	if report, err := audit.Verify(strings.NewReader(""), checkpoints[0]); err != nil || report != (audit.Report{}) {
		t.Errorf("nothing: %+v, %v", report, err)
	}
}

// rewritten returns the lines of a log in which leaf i says something else and
// every root follows from it.
func rewritten(n, i int) []string {
	var f audit.Frontier
	var lines []string
	for j := range n {
		leaf := leafAt(j)
		if j == i {
			leaf = []byte(strings.Replace(string(leaf), "enrolled", "revoked", 1))
		}
		f.Add(nil, leaf)
		lines = append(lines, string(audit.Line(leaf, f.Root())))
	}
	return lines
}

// TestVerifyNamesTheRecord tampers with every record of a log of 20, of which a
// checkpoint covers 15, in every way there is.
func TestVerifyNamesTheRecord(t *testing.T) {
	const size, covered = 20, 15
	whole, checkpoints := exported(size)
	for _, test := range []struct {
		name   string
		tamper func(lines []string, i int) []string
		until  int // tampering with records below it is found
		says   string
	}{
		{"changed", func(l []string, i int) []string { l[i] = strings.Replace(l[i], "enrolled", "revoked", 1); return l }, size, "changed"},
		{"root changed", func(l []string, i int) []string {
			e, _ := audit.ParseLine([]byte(l[i]))
			l[i] = string(audit.Line(e.Leaf, tlog.Hash{}))
			return l
		}, size, "root"},
		{"index changed", func(l []string, i int) []string {
			l[i] = strings.Replace(l[i], fmt.Sprintf(`"index":%d`, i), fmt.Sprintf(`"index":%d`, i+100), 1)
			return l
		}, size, "swapped"},
		{"emptied", func(l []string, i int) []string { l[i] = ""; return l }, size, "not a record"},
		{"broken off", func(l []string, i int) []string { l[i] = l[i][:len(l[i])/2]; return l }, size, "not a record"},
		{"cut", func(l []string, i int) []string { return slices.Delete(l, i, i+1) }, size - 1, "cut"},
		{"cut with all after it", func(l []string, i int) []string { return l[:i] }, covered, "cut"},
		{"added a copy of the record before", func(l []string, i int) []string { return slices.Insert(l, i, whole[max(i, 1)-1]) }, size, ""},
		{"added another", func(l []string, i int) []string {
			return slices.Insert(l, i, strings.Replace(l[i], "enrolled", "revoked", 1))
		}, size, "added"},
		{"swapped with the next", func(l []string, i int) []string { l[i], l[i+1] = l[i+1], l[i]; return l }, size - 1, "swapped"},
		{"swapped with the last", func(l []string, i int) []string { l[i], l[size-1] = l[size-1], l[i]; return l }, size - 1, "swapped"},
		{"changed twice", func(l []string, i int) []string {
			l[i], l[size-1] = strings.Replace(l[i], "SN", "XX", 1), strings.Replace(l[size-1], "SN", "XX", 1)
			return l
		}, size, "changed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i := range test.until {
				want := i
				if i == 0 && strings.HasPrefix(test.name, "added a copy") {
					want = 1 // two records 0: the second is the one too many
				}
				_, err := audit.Verify(file(test.tamper(slices.Clone(whole), i)), checkpoints[covered])
				var found *audit.Tampered
				if !errors.As(err, &found) {
					t.Fatalf("record %d: got error %v", i, err)
				}
				if found.Index != uint64(want) || !strings.Contains(found.Error(), test.says) {
					t.Errorf("record %d: found %v, want %q of record %d", i, found, test.says, want)
				}
			}
		})
	}
	t.Run("written anew", func(t *testing.T) {
		for i := range size {
			_, err := audit.Verify(file(rewritten(size, i)), checkpoints[covered])
			var found *audit.Tampered
			if got, want := errors.As(err, &found), i < covered; got != want {
				t.Fatalf("record %d: got error %v", i, err)
			}
			if found != nil && (found.Index != 0 || !strings.Contains(found.What, "records 0 to 14")) {
				t.Errorf("record %d: %v", i, found)
			}
		}
	})
	t.Run("a checkpoint of nothing that is not", func(t *testing.T) {
		var found *audit.Tampered
		if _, err := audit.Verify(file(whole), audit.Checkpoint{}); !errors.As(err, &found) {
			t.Errorf("got error %v", err)
		}
	})
}

func TestVerifyLongLines(t *testing.T) {
	var f audit.Frontier
	leaf := audit.Leaf(0, []byte(`{"comment":"`+strings.Repeat("x", 200_000)+`"}`))
	f.Add(nil, leaf)
	export := append(audit.Line(leaf, f.Root()), '\n')
	cp := audit.Checkpoint{Size: 1, Root: f.Root()}
	if _, err := audit.Verify(bytes.NewReader(export), cp); err != nil {
		t.Errorf("a long line: %v", err)
	}
	endless := io.MultiReader(bytes.NewReader(export), neverEnding('x'))
	var found *audit.Tampered
	if _, err := audit.Verify(endless, cp); !errors.As(err, &found) || found.Index != 1 {
		t.Errorf("a line without end: error %v", err)
	}
}

// neverEnding is a line without an end.
type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func TestVerifyReadError(t *testing.T) {
	lines, checkpoints := exported(3)
	broken := errors.New("broken")
	_, err := audit.Verify(io.MultiReader(file(lines), iotest.ErrReader(broken)), checkpoints[3])
	var found *audit.Tampered
	if !errors.Is(err, broken) || errors.As(err, &found) {
		t.Errorf("got error %v, want the reader's own", err)
	}
}
