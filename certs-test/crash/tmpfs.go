package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// tmpfs is a small file system of its own, mounted for a proof.
type tmpfs struct{ folder string }

// errMount is wrapped where a file system may not be mounted, as for everybody
// but root.
var errMount = errors.New("no file system can be mounted here")

// mount mounts a file system of so many bytes on a folder that is there.
func mount(folder string, size int64) (*tmpfs, error) {
	err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=755", size))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMount, err)
	}
	return &tmpfs{folder: folder}, nil
}

// grow makes room.
func (t *tmpfs) grow(size int64) error {
	return syscall.Mount("tmpfs", t.folder, "tmpfs", syscall.MS_REMOUNT|syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d", size))
}

// unmount takes it away, even while files of it are open.
func (t *tmpfs) unmount() error { return syscall.Unmount(t.folder, syscall.MNT_DETACH) }

// filler is the file that fill writes.
func (t *tmpfs) filler() string { return filepath.Join(t.folder, "filler") }

// fill leaves no room.
func (t *tmpfs) fill() error {
	file, err := os.Create(t.filler())
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 1 << 20; size >= 1; size /= 2 { // to the last byte
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("filling the file system: %w", err)
		}
	}
	return nil
}

// empty takes the filler away.
func (t *tmpfs) empty() error { return os.Remove(t.filler()) }
