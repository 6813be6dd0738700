package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Store is enroll.Store in one file. It is made by Open.
type Store struct {
	path  string
	log   *slog.Logger // nil for none
	queue *queue
	// commit commits a transaction of bbolt; tests put faults around it.
	commit func(commit func() error) error

	failed    chan struct{} // closed at the first failure
	committed chan struct{} // closed when the committer has ended
	closing   sync.Once     // guards closeErr
	closeErr  error

	views   sync.RWMutex // held to begin a transaction that reads, and to put another file in place of db
	writing sync.Mutex   // held for each commit; guards what follows, of which views guards db too
	db      *bbolt.DB
	file    os.FileInfo // of db, as it was opened; what path must name
	failure error       // for which nothing is written any more; nil while all is well
	// frontier is the right edge of the log's tree.
	frontier audit.Frontier
	// journal is told what is committed while the file is being compacted; nil
	// otherwise.
	journal *journal

	compacting sync.Mutex // held by the one Compact
	ending     context.Context
	end        context.CancelFunc // ends Compact
	replaced   sync.WaitGroup     // closes files that Compact replaced, when nobody reads them any more
	bounds     copyBounds
	reached    func(step) // is told how far Compact has come; tests kill the process there
}

var _ enroll.Store = (*Store)(nil)

// errClosed is what a closed store answers.
var errClosed = fmt.Errorf("%w: it was closed", enroll.ErrStoreUnavailable)

// View implements enroll.Store.
func (s *Store) View(ctx context.Context, fn func(enroll.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := s.begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return fn(&reader{snapshot: &snapshot{tx: tx}})
}

// begin begins a transaction that only reads.
func (s *Store) begin() (*bbolt.Tx, error) {
	s.views.RLock()
	defer s.views.RUnlock()
	tx, err := s.db.Begin(false)
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return nil, errClosed
	case err != nil:
		return nil, fmt.Errorf("%w: %s cannot be read: %w", enroll.ErrStoreUnavailable, s.path, err)
	}
	return tx, nil
}

// Failed implements enroll.Store.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Close implements enroll.Store. Updates that wait are still done.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.queue.close(errClosed)
		<-s.committed
		s.end()
		s.compacting.Lock() // for good
		if err := s.db.Close(); err != nil {
			s.closeErr = fmt.Errorf("closing %s: %w", s.path, err)
		}
		s.replaced.Wait()
	})
	return s.closeErr
}

// Backup writes a consistent copy of the file to w, while the store goes on, and
// returns its size in bytes. What is committed meanwhile is not in the copy.
func (s *Store) Backup(ctx context.Context, w io.Writer) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	tx, err := s.begin()
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	n, err := tx.WriteTo(&cancelable{ctx: ctx, w: w})
	if ended := ctx.Err(); err != nil && ended != nil {
		err = ended // which bbolt does not wrap
	}
	if err != nil {
		return n, fmt.Errorf("copying %s: %w", s.path, err)
	}
	return n, nil
}

// cancelable is a writer that ends with its context.
type cancelable struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelable) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
