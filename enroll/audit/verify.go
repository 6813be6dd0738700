package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Report is what Verify found where nothing was tampered with.
type Report struct {
	// Covered is how many records the checkpoint vouches for: all of its own.
	Covered uint64
	// NotCovered is how many records follow the checkpoint. They are consistent
	// with what stands before them, but nothing kept elsewhere vouches for them.
	NotCovered uint64
}

// Tampered is the finding that an export is not what was logged.
type Tampered struct {
	// Index is that of the first record that was changed, cut, added or swapped.
	// Where it cannot be told which, it is the first of the range that What names.
	Index uint64
	What  string // what is wrong with it, as a clause
}

// Error names the record and says what is wrong.
func (t *Tampered) Error() string { return fmt.Sprintf("record %d: %s", t.Index, t.What) }

// Verify re-proves an export against a checkpoint that was kept elsewhere,
// reading one line at a time. Tampering is an error *Tampered; any other error
// is one of reading r.
func Verify(r io.Reader, cp Checkpoint) (Report, error) { return verify(r, cp, func([]byte) {}) }

// verify is Verify that shows each record which stands in its place.
func verify(r io.Reader, cp Checkpoint, show func(record []byte)) (Report, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	v := verifier{checkpoint: cp, show: show}
	for {
		if err := v.compare(); err != nil {
			return Report{}, err
		}
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return v.end()
		}
		if errors.Is(err, ErrLine) {
			return Report{}, v.tampered("%v", err)
		}
		if err != nil {
			return Report{}, fmt.Errorf("reading record %d of the export: %w", v.tree.Size(), err)
		}
		if err := v.add(line); err != nil {
			return Report{}, err
		}
	}
}

// verifier rebuilds the tree line by line.
type verifier struct {
	checkpoint Checkpoint
	tree       Frontier
	show       func(record []byte)
}

// add takes the next line, which must be the next record and lead to the root
// that it names.
func (v *verifier) add(line []byte) error {
	e, err := ParseLine(line)
	if err != nil {
		return v.tampered("%v", err)
	}
	switch next := v.tree.Size(); {
	case e.Index > next:
		return v.tampered("cut, changed or swapped: record %d stands in its place", e.Index)
	case e.Index < next:
		return v.tampered("added, changed or swapped: a record %d stands here, and one was there before", e.Index)
	}
	if v.tree.Add(nil, e.Leaf); v.tree.Root() != e.Root {
		return &Tampered{Index: e.Index, What: "changed, added or swapped: the tree's root does not follow from it and the records before it"}
	}
	v.show(e.Leaf)
	return nil
}

// compare holds the tree against the checkpoint when it has reached its size.
func (v *verifier) compare() error {
	cp := v.checkpoint
	if v.tree.Size() != cp.Size || v.tree.Root() == cp.Root {
		return nil
	}
	if cp.Size == 0 {
		return &Tampered{What: "the checkpoint is of no record, and its root is not that of the empty log"}
	}
	return &Tampered{What: fmt.Sprintf(
		"records 0 to %d were written anew, or are of another log: each follows from the one before, but not to the root of the checkpoint; which were changed cannot be told",
		cp.Size-1)}
}

func (v *verifier) end() (Report, error) {
	size := v.tree.Size()
	if size < v.checkpoint.Size {
		return Report{}, v.tampered("cut: the export ends before it, and the checkpoint has %d records", v.checkpoint.Size)
	}
	return Report{Covered: v.checkpoint.Size, NotCovered: size - v.checkpoint.Size}, nil
}

// tampered is a finding about the record that should come next.
func (v *verifier) tampered(format string, args ...any) *Tampered {
	return &Tampered{Index: v.tree.Size(), What: fmt.Sprintf(format, args...)}
}

// readLine returns the next line without its newline, which the last one may
// lack. It is good until the next call.
func readLine(r *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(long)+len(part) > MaxLine+1 {
			return nil, fmt.Errorf("%w: longer than %d bytes", ErrLine, MaxLine)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
		case err == nil || errors.Is(err, io.EOF) && len(long)+len(part) > 0:
			if long != nil {
				part = append(long, part...)
			}
			return bytes.TrimSuffix(part, []byte("\n")), nil
		default:
			return nil, err
		}
	}
}
