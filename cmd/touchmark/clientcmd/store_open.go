package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
	"github.com/touchmark/touchmark/store/archive"
)

// sameStore reports whether two URLs name one store: they are written alike, or
// their files are one, by a link.
func sameStore(a, b string) bool {
	if a == b {
		return true
	}
	infoA, errA := fileOf(a)
	infoB, errB := fileOf(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func fileOf(url string) (os.FileInfo, error) {
	path, err := store.FilePath(url)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// openExisting opens a store that is there. A file that is not would be made, and
// so would be what is missing in an empty one.
func openExisting(ctx context.Context, url string) (enroll.Store, error) {
	if path, err := store.FilePath(url); err == nil {
		if there, err := exists(path); err != nil || !there {
			return nil, errors.Join(err, refuse(enroll.NotFound, "there is no file %s", path))
		}
		if info, err := os.Stat(path); err == nil && info.Size() == 0 {
			return nil, refuse(enroll.WrongState, "%s is empty, and no store; is it the right one?", path)
		}
	}
	return openUnused(ctx, url)
}

// openTarget opens a store that may have to be made for a copy.
func openTarget(ctx context.Context, url string) (enroll.Store, error) {
	path, err := store.FilePath(url)
	if err != nil {
		return openUnused(ctx, url)
	}
	there, err := exists(path)
	if err != nil {
		return nil, err
	}
	folders := missingFolders(path)
	opened, err := openUnused(ctx, url)
	if err != nil || there {
		return opened, err
	}
	return &made{Store: opened, path: path, folders: folders}, nil
}

// made is a store whose file was made for a copy. Where nothing was copied it is
// closed without a trace.
type made struct {
	enroll.Store
	path    string
	folders []string // that were made with it, the deepest first
}

// Close closes the store. A copy begins with the installation's row, so that there
// is nothing in a store without one. Its file is removed while it is locked: no
// other process can have begun to use it.
func (m *made) Close() error {
	err := m.View(context.Background(), func(r enroll.Reader) error {
		_, err := r.Installation()
		return err
	})
	if !errors.Is(err, enroll.ErrNotFound) {
		return m.Store.Close()
	}
	err = os.Remove(m.path)
	for _, folder := range m.folders {
		_ = os.Remove(folder) // it stays where somebody has put something else there
	}
	return errors.Join(err, m.Store.Close())
}

// missingFolders returns the folders above path that are not there, the deepest
// first.
func missingFolders(path string) (missing []string) {
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		if there, err := exists(folder); err != nil || there {
			return missing
		}
		missing = append(missing, folder)
	}
}

// openUnused opens a store unless a running server has it.
func openUnused(ctx context.Context, url string) (enroll.Store, error) {
	if path, err := store.FilePath(url); err == nil {
		if there, err := exists(path); err != nil {
			return nil, err
		} else if there {
			if err := checkUnused(path); err != nil {
				return nil, err
			}
		}
	}
	return store.Open(ctx, url, store.Options{})
}

// checkUnused makes sure that no process has a store's file.
func checkUnused(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := lock(file); err != nil {
		return refuse(enroll.WrongState, "%s is in use, most likely by touchmark serve: stop it first; nothing was changed", path)
	}
	return nil
}

// openArchive opens an archive that is there; what is not would be made.
func openArchive(folder string) (enroll.Archive, error) {
	for _, part := range []string{folder, filepath.Join(folder, string(enroll.RecordSegments))} {
		if there, err := exists(part); err != nil {
			return nil, fmt.Errorf("the archive: %w", err)
		} else if !there {
			return nil, refuse(enroll.NotFound, "there is no folder %s; --archive is the archive.dir of the server's configuration", part)
		}
	}
	return archive.Open(folder)
}
