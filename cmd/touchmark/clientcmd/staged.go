package clientcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/touchmark/touchmark/store/bolt"
)

// staged is a file (0600) that takes its target's place once it is whole:
// whoever reads the target sees what was there before or all of the new one, and
// a command that fails leaves what was there.
type staged struct {
	*os.File
	target string
}

// stage begins a file in the folder of target.
func stage(target string) (*staged, error) {
	if info, err := os.Stat(target); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: it is not a file", target)
	}
	file, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".new-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", target, err)
	}
	return &staged{File: file, target: target}, nil
}

// replace puts the file in its target's place, durably.
func (s *staged) replace() error { return s.place(os.Rename) }

// create puts the file where its target is to be; fs.ErrExist where something is
// there already.
func (s *staged) create() error { return s.place(os.Link) }

func (s *staged) place(place func(from, to string) error) error {
	defer s.discard()
	err := errors.Join(s.Sync(), s.Close())
	if err == nil {
		err = place(s.Name(), s.target)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(s.target))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", s.target, err)
	}
	return nil
}

// verify checks all of a file that is to be a store. The error does not name the
// file, which nobody has heard of.
func (s *staged) verify() error {
	if err := bolt.Verify(s.Name()); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), s.Name()+": "))
	}
	return nil
}

// discard removes the file, if it has not found its place.
func (s *staged) discard() {
	_ = s.Close() // a second time harms nothing
	_ = os.Remove(s.Name())
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the folder of a file that was just written
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// exists reports whether there is something at path.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
