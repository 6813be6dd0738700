package bolt

import (
	"errors"
	"os"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// openLocked opens the file and locks it. While it waits for the lock, whoever
// has it may put another file in its place, as Compact does, that is locked too.
func openLocked(path string) (*bbolt.DB, error) {
	var file *os.File
	options := fileOptions()
	options.OpenFile = func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	db, err := bbolt.Open(path, 0o600, options)
	if err != nil {
		return nil, err
	}
	if err := stillNamed(file, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// stillNamed returns bbolt's ErrTimeout where the path names another file by now.
func stillNamed(file *os.File, path string) error {
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, named) {
		return bolterrors.ErrTimeout
	}
	return nil
}

func fileOptions() *bbolt.Options {
	return &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: initialMap(), NoStatistics: true}
}
