package bolt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Config says where the file is.
type Config struct {
	// Path is the file. It is made (0600), and so is its folder (0700), where
	// there is none.
	Path string
	// Log is told once what was opened, and why the store failed where it did; nil
	// for nobody.
	Log *slog.Logger
	// AroundCommit, where it is set, is called with each commit instead of making
	// it. Tests lose commits with it; it returns the error that the commit is to
	// end with.
	AroundCommit func(commit func() error) error
}

// lockWait is how long another process may take to let the file go.
const lockWait = time.Second

// mapSize is how much address space the file has before it must be mapped anew,
// for which the writer would wait for every View. It costs no memory.
const mapSize = 64 << 30 & math.MaxInt

// Open opens the file or makes it, and brings an older schema up to date.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if isCopyPath(c.Path) {
		return nil, fmt.Errorf("%s is no name for a store: what has such a name is taken for what a compaction left, and removed", c.Path)
	}
	if err := makeFolder(c.Path); err != nil {
		return nil, err
	}
	if err := checkLength(c.Path); err != nil {
		return nil, err
	}
	db, file, err := openLocked(c.Path)
	if err != nil {
		return nil, openError(c.Path, err)
	}
	s := &Store{
		db: db, file: file, path: c.Path, log: c.Log, queue: newQueue(), commit: c.AroundCommit,
		failed: make(chan struct{}), committed: make(chan struct{}), bounds: usualBounds(), reached: func(step) {},
	}
	s.ending, s.end = context.WithCancel(context.WithoutCancel(ctx))
	if s.commit == nil {
		s.commit = func(commit func() error) error { return commit() }
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if c.Log != nil {
		c.Log.InfoContext(ctx, "opened the store", "file", c.Path, "schema", schema, "records", s.frontier.Size())
	}
	go s.commitBatches()
	return s, nil
}

// prepare removes what a compaction left that was killed, checks or makes the
// schema, and reads the right edge of the log.
func (s *Store) prepare() error {
	if err := removeCopy(s.path); err != nil {
		return err
	}
	if err := s.db.Update(migrate); err != nil {
		var disk syscall.Errno
		if errors.As(err, &disk) { // it is as it was: begin anew when the disk is well
			return fmt.Errorf("%w: %s cannot be written; restart when it can, nothing needs repair: %w", enroll.ErrStoreUnavailable, s.path, err)
		}
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		frontier, err := readFrontier(tx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		s.frontier = frontier
		return nil
	})
}

func readFrontier(tx *bbolt.Tx) (audit.Frontier, error) {
	r := &reader{snapshot: &snapshot{tx: tx}}
	size, err := r.TreeSize()
	if err != nil {
		return audit.Frontier{}, err
	}
	return audit.FrontierAt(size, r.Hashes())
}

// makeFolder makes the file's folder and, where the file is new, makes sure that
// the folder remembers it after a crash.
func makeFolder(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the store's folder: %w", err)
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call and no such need
	}
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("making the folder of the store durable: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("making the folder of the store durable: %w", err)
	}
	return nil
}

// checkLength finds out a file that ends before its last page, which bbolt would
// not. What has no beginning bbolt refuses or begins.
func checkLength(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	defer file.Close()
	if err := checkBeginning(file); err != nil && !errors.Is(err, errNoMeta) {
		return fmt.Errorf("%s is damaged; restore it from a backup: %w", path, err)
	}
	return nil
}

// openError says what an operator can do about err.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s is %w, most likely another touchmark serve: stop it, or talk to it instead (touchmark backup works on a running server)", path, enroll.ErrStoreInUse)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("%s is not a store of Touchmark, or is damaged: check the path, or restore it from a backup: %w", path, err)
	default:
		return fmt.Errorf("opening the store: %w", err)
	}
}

// initialMap is mapSize where address space is plenty. Windows would make the
// file itself as large.
func initialMap() int {
	if strconv.IntSize < 64 || runtime.GOOS == "windows" {
		return 0
	}
	return mapSize
}
