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

// stage begins a file in the folder of target. Where that is a symbolic link, it
// is what the link leads to that is replaced, in its own folder.
func stage(target string) (*staged, error) {
	target, err := followed(target)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", target, err)
	}
	if info, err := os.Stat(target); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: it is not a file", target)
	}
	file, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".new-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", target, err)
	}
	return &staged{File: file, target: target}, nil
}

// followed returns what a path leads to; the path itself where nothing is there.
func followed(path string) (string, error) {
	if there, err := exists(path); err != nil || !there {
		return path, err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path, fmt.Errorf("a symbolic link that leads nowhere: %w", err)
	}
	return target, nil
}

// replace puts the file in its target's place, durably. It refuses where a process
// has that open as its store: it would go on writing what nobody finds any more.
func (s *staged) replace() error {
	held, err := hold(s.target, lockShared)
	if err != nil {
		return err
	}
	if held != nil {
		defer held.Close()
	}
	return s.place(os.Rename)
}

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

// verifyInstalled makes sure that a file which was verified is an installation's.
func (s *staged) verifyInstalled() error {
	if err := bolt.CheckInstalled(s.Name()); err != nil {
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
