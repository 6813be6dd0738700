package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// Store is enroll.Store in a database that other nodes use too. It is made by
// Open.
type Store struct {
	config      Config
	write, read *pgxpool.Pool
	listening   *pgx.ConnConfig
	queue       *queue
	memory      *memory
	viewing     *viewing
	gate        *gate
	leads       leads
	elsewhere   *elsewhere
	heard       atomic.Bool // notifications arrive
	months      months
	wake        chan struct{} // holds a token while there may be something to number
	emptied     chan struct{} // holds a token while a month may have lost its last certificate

	failed    chan struct{}      // closed by fail
	committed chan struct{}      // closed when the committer has ended
	beside    sync.WaitGroup     // attend and listen
	stop      context.CancelFunc // of those
	closing   sync.Once          // guards closeErr
	closeErr  error

	// The committer alone touches what follows.
	failure  error
	frontier audit.Frontier // of the log as this node last saw it
}

var _ enroll.Store = (*Store)(nil)

// Open connects to the database, makes its schema or brings an older one up to
// date, and joins the other nodes. Where the database does not answer it is tried
// again for as long as the Config's Patience, and ctx, allow.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{
		config: c.complete(), queue: newQueue(), memory: newMemory(), elsewhere: newElsewhere(),
		wake: make(chan struct{}, 1), emptied: make(chan struct{}, 1),
		failed: make(chan struct{}), committed: make(chan struct{}),
	}
	s.leads.known = map[enroll.Task]lead{}
	var err error
	if s.gate, err = newGate(s.config.Rand); err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := s.prepare(ctx); err != nil {
		s.read.Close()
		s.write.Close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s.viewing = newViewing(s)
	var beside context.Context
	beside, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go s.commitBatches()
	s.beside.Go(func() { s.attend(beside) })
	s.beside.Go(func() { s.listen(beside) })
	return s, nil
}

// fail ends the store: nothing more is written, and everybody is told why.
func (s *Store) fail(cause error) error {
	if s.failure == nil {
		s.failure = fmt.Errorf("%w: %w", enroll.ErrStoreUnavailable, cause)
		s.queue.close(s.failure)
		close(s.failed)
	}
	return s.failure
}

// Failed implements enroll.Store. A database that is gone may come back, so that
// the store only fails where a newer program has changed the schema in a way that
// this one cannot work with.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Close implements enroll.Store. Updates that wait are still done.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.beside.Wait()
		s.queue.close(errClosed)
		<-s.committed
		s.leads.close()
		s.viewing.close()
		s.closeErr = s.goodbye()
		s.read.Close()
		s.write.Close()
	})
	return s.closeErr
}

// goodbye gives up what other nodes would otherwise wait for. Where the database
// does not answer they will do without.
func (s *Store) goodbye() error {
	_, err := s.write.Exec(context.Background(), sqlEndLeases, s.gate.node)
	if err = errors.Join(err, s.leave()); err != nil && troubleOf(err) == fault {
		return fmt.Errorf("taking leave of the other nodes: %w", err)
	}
	return nil
}
