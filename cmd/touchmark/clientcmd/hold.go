package clientcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/touchmark/touchmark/enroll"
)

// holdTries is how often hold looks anew for a file whose place another took.
const holdTries = 10

// hold locks the file at path, in one of the ways that lock_unix.go has, unless a
// process has it open as its store; nil where there is none. The lock ends when
// the file is closed.
func hold(path string, lock func(*os.File) error) (*os.File, error) {
	inUse := refuse(enroll.WrongState, "%s is in use, most likely by touchmark serve: stop it first, or name another file; nothing was changed", path)
	for range holdTries {
		file, err := openAny(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("make sure that nobody uses %s: %w", path, err)
		}
		if err := lock(file); err != nil {
			return nil, errors.Join(inUse, file.Close())
		}
		if named(file, path) {
			return file, nil
		}
		if err := file.Close(); err != nil { // a store that was compacted meanwhile, say
			return nil, err
		}
	}
	return nil, inUse
}

// openAny opens a file, even one that only may be read: some systems lock no
// other file than one that was opened to be written.
func openAny(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0) // #nosec G304 -- what a command is to replace
	if errors.Is(err, fs.ErrPermission) {
		return os.Open(path) // #nosec G304 -- likewise
	}
	return file, err
}

// named tells whether the path is still that of a file which was opened by it.
func named(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(opened, there)
}
