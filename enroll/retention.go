package enroll

import (
	"context"
	"errors"
	"time"
)

// Retention says what leaves the store, and when. Without an Archive nothing does.
type Retention struct {
	Archive Archive // nil for none
	// Certificates is how long a certificate stays after it expired; 7 days by
	// default. It must be longer than the clocks of nodes are apart. Records is how
	// long a record of the log stays; 30 days by default.
	Certificates, Records time.Duration
}

// archiveEvery is how often a node looks for what is due to leave.
const archiveEvery = time.Minute

// archive moves what is old out of the store until ctx is done.
func (s *Service) archive(ctx context.Context) error {
	if err := s.reachArchive(ctx); err != nil && ctx.Err() == nil {
		s.observer.Count(CountArchiveFailures, 1)
		s.log.Error("the archive does not hold what left the store; is archive.dir the folder that all nodes share? Until it is, what is there cannot be shown or answered for", "error", err)
	}
	ticker := time.NewTicker(archiveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.ArchiveDue(ctx); err != nil && ctx.Err() == nil {
			s.observer.Count(CountArchiveFailures, 1)
			s.log.Error("what is old could not be moved to the archive; nothing is lost, and the next attempt follows", "error", err)
		}
	}
}

// reachArchive reads one item of the newest file of each kind.
func (s *Service) reachArchive(ctx context.Context) error {
	if s.live().retention.Archive == nil {
		return nil
	}
	var faults []error
	for _, kind := range []SegmentKind{CertificateSegments, RecordSegments} {
		var newest Segment
		err := s.store.View(ctx, func(r Reader) (err error) {
			newest, err = r.Segment(kind, nil)
			return err
		})
		if err == nil {
			_, err = s.live().retention.Archive.Get(ctx, newest, newest.Last)
		} else if errors.Is(err, ErrNotFound) {
			err = nil // nothing of the kind has left yet
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// ArchiveDue moves what is due by now out of the store, where this node is the
// one that does so and its clock is believed. Run calls it every minute. Wherever it is interrupted, the
// next call goes on: nothing leaves the store before it was read back from the
// archive.
func (s *Service) ArchiveDue(ctx context.Context) error { return s.archiveDue(ctx, recordsMost) }

// archiveDue is ArchiveDue with a number of records to a file.
func (s *Service) archiveDue(ctx context.Context, records uint64) error {
	if s.live().retention.Archive == nil || s.clock.look().Fault != "" {
		return nil // what looks old by a wrong clock may not be
	}
	token, err := s.store.Lead(ctx, TaskArchive)
	if err != nil || token == 0 {
		return err
	}
	m := &mover{s: s, token: token, recordsMost: records}
	err = errors.Join(m.certificates(ctx), m.records(ctx))
	if err != nil && errors.Is(m.lead(ctx), ErrNotLeading) {
		err = nil // another node took over, and goes on
	}
	if m.moved != (tally{}) {
		s.observer.Count(CountArchivedCertificates, m.moved.certificates)
		s.observer.Count(CountArchivedRecords, m.moved.records)
		s.log.InfoContext(ctx, "moved to the archive", "certificates", m.moved.certificates, "records", m.moved.records, "files", m.moved.files)
	}
	return err
}

// mover moves what is due, for as long as its node leads.
type mover struct {
	s     *Service
	token uint64
	// recordsMost is how many records make a file, a multiple of recordBlock.
	recordsMost uint64
	moved       tally
}

// tally is what a mover did.
type tally struct{ certificates, records, files int }

// lead keeps the lead. Once it was lost, even if it came back, another node may
// have done what this one was about to do: ErrNotLeading.
func (m *mover) lead(ctx context.Context) error {
	token, err := m.s.store.Lead(ctx, TaskArchive)
	if err == nil && token != m.token {
		err = ErrNotLeading
	}
	return err
}

// update runs fn in a transaction that only the leading node commits.
func (m *mover) update(ctx context.Context, fn func(Tx) error) error {
	if err := m.lead(ctx); err != nil {
		return err
	}
	return m.s.store.Update(ctx, func(tx Tx) error {
		if err := tx.Leading(TaskArchive, m.token); err != nil {
			return err
		}
		return fn(tx)
	})
}

// put makes a file of items, durable and named in the store, behind last, which
// was the last of its kind when the items were read; nil for none.
func (m *mover) put(ctx context.Context, kind SegmentKind, last *Segment, items []Item) error {
	segment, err := m.s.live().retention.Archive.Put(ctx, kind, items)
	if err != nil {
		return err
	}
	err = m.update(ctx, func(tx Tx) error {
		now, err := tx.Segment(kind, nil)
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case err == nil && now.Name == segment.Name:
			return nil // an outcome that was unknown
		case (err == nil) != (last != nil) || last != nil && now.Name != last.Name:
			return ErrNotLeading // the file is of no account
		}
		return tx.PutSegment(segment)
	})
	if err == nil {
		m.moved.files++
	}
	return err
}

// lastSegment returns the newest file of a kind; nil for none.
func (s *Service) lastSegment(ctx context.Context, kind SegmentKind) (*Segment, error) {
	var last *Segment
	err := s.store.View(ctx, func(r Reader) error {
		segment, err := r.Segment(kind, nil)
		if err == nil {
			last = &segment
		}
		return ifAny(err)
	})
	return last, err
}

// ifAny passes on an error other than that something is not there.
func ifAny(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
