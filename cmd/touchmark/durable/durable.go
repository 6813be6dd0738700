// Package durable writes files that are there as a whole or not at all, and that
// a power cut does not take back.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create writes a new file with permissions mode. It fails, with fs.ErrExist,
// where one is there already.
func Create(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, os.Link)
}

// Replace writes a file with permissions mode in the place of the one that may be
// there. Whoever reads it meanwhile sees the one or the other.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, os.Rename)
}

// write writes and syncs under another name in the same folder, and has place
// give the file its own.
func write(path string, data []byte, mode fs.FileMode, place func(from, to string) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close())
	if err == nil {
		err = place(temporary.Name(), path)
	}
	if removed := os.Remove(temporary.Name()); err == nil && !errors.Is(removed, fs.ErrNotExist) {
		err = removed
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the folder of a file that was just written
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
