package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// ErrCompacting is returned by Compact while another one runs.
var ErrCompacting = errors.New("the store is being compacted already")

// errOutrun means that commits came faster than the copy could take them over.
var errOutrun = errors.New("more was written meanwhile than could be copied: compact when less is going on")

// step is a point that Compact has reached.
type step string

// The steps of a compaction, in their order; copied comes once for each part.
const (
	stepBegun   step = "begun"   // an empty copy is there
	stepCopied  step = "copied"  // a part of the copy is written
	stepCaught  step = "caught"  // all is in the copy but what was committed last
	stepSynced  step = "synced"  // commits wait, and the copy has everything
	stepRenamed step = "renamed" // the copy has the name of the file
	stepDone    step = "done"    // commits go to the copy
)

// Compact makes a copy of the file without the room that deleted rows left, and
// puts it in the file's place, while Views and Updates go on; Updates wait for
// the last of it, some milliseconds and an fsync. Views that run meanwhile end on
// the file that they began on. It needs room on the disk for the copy beside the
// file. When it fails, or the process is killed, the store is as it was; only an
// error that wraps enroll.ErrStoreUnavailable means that the store has ended.
//
// progress, unless it is nil, is told how many octets of about how many were
// copied. One Compact runs at a time; others return ErrCompacting.
func (s *Store) Compact(ctx context.Context, progress func(done, total int64)) error {
	if !s.compacting.TryLock() {
		if err := s.queue.ended(); err != nil { // Close keeps it
			return err
		}
		return ErrCompacting
	}
	defer s.compacting.Unlock()
	if progress == nil {
		progress = func(int64, int64) {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ending, func() { cancel(errClosed) })()
	if err := s.compact(ctx, progress); err != nil {
		return fmt.Errorf("compacting %s: %w", s.path, err)
	}
	return nil
}

func (s *Store) compact(ctx context.Context, progress func(done, total int64)) (err error) {
	if runtime.GOOS == "windows" {
		return fmt.Errorf("%w: a file in use cannot be replaced here; stop the server, back the store up, and restore it", errors.ErrUnsupported)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c, err := s.beginCopy(progress)
	if err != nil {
		return err
	}
	defer func() {
		if c.took { // the file's place: it is the store's now
			return
		}
		err = errors.Join(err, c.discard())
	}()
	s.reached(stepBegun)
	for c.more() {
		if err := c.round(ctx); err != nil {
			return err
		}
		s.reached(stepCopied)
	}
	if err := c.db.Sync(); err != nil { // so that little is left for the last
		return err
	}
	s.reached(stepCaught)
	return c.finish(ctx)
}

// beginCopy makes an empty copy and begins to journal commits.
func (s *Store) beginCopy(progress func(done, total int64)) (*fileCopy, error) {
	target, err := filepath.EvalSymlinks(s.path)
	if err != nil {
		return nil, err
	}
	size, free, err := s.Space()
	if err != nil {
		return nil, err
	}
	if err := checkRoom(filepath.Dir(target), size-free); err != nil {
		return nil, err
	}
	c := &fileCopy{store: s, journal: &journal{most: s.bounds.longest}, target: target, progress: progress, total: size - free}
	if err := c.create(); err != nil {
		return nil, errors.Join(err, removeCopy(s.path))
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.journal = c.journal
	return c, nil
}

// copySuffix ends the hidden name of a copy.
const copySuffix = ".compacting"

// copyPath is where the copy of a file grows. Open refuses such a name, so that
// no store has it.
func copyPath(target string) string {
	return filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+copySuffix)
}

// isCopyPath tells whether a path is that of the copy of some file, or a link to it.
func isCopyPath(path string) bool {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, copySuffix)
}

// removeCopy removes what a compaction left that was killed. The caller has the
// store's lock, so that nobody writes it.
func removeCopy(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		err = os.Remove(copyPath(target))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing what a compaction left: %w", err)
	}
	return nil
}
