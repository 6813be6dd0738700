package growth_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// referenced returns how many pages of a file that this process has mapped fn
// touches. The kernel keeps a mark on each page that was looked at (proc(5),
// clear_refs and smaps); all of the file is mapped in first, so that no page comes
// along with its neighbour. Pages that fn writes are counted when they are read.
func referenced(path string, fn func() error) (int64, error) {
	if _, err := marked(path, true); err != nil {
		return 0, err
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("1"), 0); err != nil {
		return 0, fmt.Errorf("clearing the marks on pages: %w", err)
	}
	if err := fn(); err != nil {
		return 0, err
	}
	return marked(path, false)
}

// marked counts the marked pages of the file's mappings; with populate it has them
// all mapped in before.
func marked(path string, populate bool) (pages int64, err error) {
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	ours, found := false, false
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 5 && strings.Contains(fields[0], "-"): // the head of a mapping
			ours = len(fields) > 5 && fields[5] == path
			found = found || ours
			if ours && populate {
				if err := mapIn(fields[0]); err != nil {
					return 0, err
				}
			}
		case ours && strings.HasPrefix(line, "Referenced:"):
			var kilobytes int64
			if _, err := fmt.Sscanf(line, "Referenced: %d kB", &kilobytes); err != nil {
				return 0, fmt.Errorf("%q: %w", line, err)
			}
			pages += kilobytes << 10 / int64(os.Getpagesize())
		}
	}
	if !found {
		return 0, fmt.Errorf("%s is not mapped", path)
	}
	return pages, lines.Err()
}

// mapIn has every page of a mapping of ours mapped in.
func mapIn(bounds string) error {
	var from, to uintptr
	if _, err := fmt.Sscanf(bounds, "%x-%x", &from, &to); err != nil {
		return fmt.Errorf("%q: %w", bounds, err)
	}
	_, _, failed := syscall.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_POPULATE_READ)
	if failed != 0 && !errors.Is(failed, unix.EFAULT) { // EFAULT: the mapping is longer than the file
		return fmt.Errorf("mapping the file in: %w", failed)
	}
	return nil
}

// dropCache has the machine forget what it keeps of a file, or of the files below
// a folder.
func dropCache(path string) error {
	unix.Sync() // what is not on the disk yet cannot be forgotten
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it only fails for wrong arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// liveMemory is what this process's heap holds after a collection, in bytes.
func liveMemory() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
