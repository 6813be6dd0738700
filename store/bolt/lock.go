package bolt

import (
	"errors"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// openLocked opens the file and locks it. While it waits for the lock, whoever
// has it may put another file in its place, as Compact does, that is locked too.
func openLocked(path string) (*bbolt.DB, os.FileInfo, error) {
	var file *os.File
	options := fileOptions()
	options.OpenFile = func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	db, err := bbolt.Open(path, 0o600, options)
	if err != nil {
		return nil, nil, err
	}
	opened, err := file.Stat()
	if err == nil {
		err = stillNamed(opened, path)
	}
	switch {
	case errors.Is(err, errReplaced):
		return nil, nil, errors.Join(bolterrors.ErrTimeout, db.Close()) // somebody else has the one that is there now
	case err != nil:
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, opened, nil
}

// errReplaced is found by a store whose path does not name its file any more: what
// is written to that file is lost when it is closed.
var errReplaced = errors.New("the file was removed, or another was put in its place, while it was in use")

// stillNamed returns errReplaced where the path does not name a file any more that
// is open: as long as it is, no other file can be taken for it.
func stillNamed(opened os.FileInfo, path string) error {
	named, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errReplaced
	case err != nil:
		return err
	case !os.SameFile(opened, named):
		return errReplaced
	}
	return nil
}

func fileOptions() *bbolt.Options {
	return &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: initialMap(), NoStatistics: true}
}
