package bolt

import (
	"context"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// finish lets the copy take the place of the file. Commits wait meanwhile.
//
// The copy is whole and on disk before it gets the file's name, and the name is
// on disk before anything is committed to it: whichever of the two a killed
// process or a power cut leaves, it has everything that was ever acknowledged.
func (c *fileCopy) finish(ctx context.Context) error {
	s := c.store
	s.writing.Lock()
	defer s.writing.Unlock()
	switch {
	case s.failure != nil:
		return s.failure
	case c.journal.lost:
		return errOutrun
	}
	err := c.db.Update(func(tx *bbolt.Tx) error { return c.takeOver(roomySnapshot(tx), c.journal.take()) })
	if err == nil {
		err = c.db.Sync()
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	s.reached(stepSynced)
	if err := stillNamed(s.file, s.path); err != nil { // what was put there is not ours to replace
		return s.fail(err)
	}
	err = os.Rename(copyPath(c.target), c.target)
	if err != nil && c.named(c.was) {
		return err
	}
	s.reached(stepRenamed)
	c.take()
	if err == nil {
		err = syncFolder(filepath.Dir(c.target))
	}
	if err != nil { // nobody knows which of the two a power cut would leave
		return s.fail(err)
	}
	s.reached(stepDone)
	c.progress(c.copied, c.copied)
	return nil
}

// named tells whether the target is the name of a file.
func (c *fileCopy) named(file os.FileInfo) bool {
	named, err := os.Stat(c.target)
	return err == nil && os.SameFile(named, file)
}

// take makes the copy the store's file. The caller holds writing.
func (c *fileCopy) take() {
	s := c.store
	c.took = true
	c.db.NoSync, c.db.NoGrowSync = false, false
	s.journal = nil
	s.views.Lock()
	old := s.db
	s.db, s.file = c.db, c.file
	s.views.Unlock()
	s.replaced.Go(func() { _ = old.Close() }) // waits for its readers; nothing in it is needed
}
