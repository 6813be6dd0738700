package enroll

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
)

const (
	// lookEvery is how often the log is looked at without a signal, and retryLook
	// how soon again after a failure.
	lookEvery = time.Second
	retryLook = 100 * time.Millisecond
	// mostGaps is how often in a row a record may be missing before the process
	// ends.
	mostGaps = 50
)

// follower tails the log for what other nodes withdrew. A node's own events come
// by too, and are told once more, which harms nothing.
type follower struct {
	s    *Service
	next uint64 // the index of the first record that is not known
	gaps int    // how often in a row it was missing

	mu     sync.Mutex    // guards what follows
	upTo   time.Time     // what was numbered before it is known
	looked chan struct{} // closed when upTo is next set
}

// newFollower begins at the log's end: what is withdrawn later comes by, and this
// node has said nothing yet.
func newFollower(ctx context.Context, s *Service) (*follower, error) {
	f := &follower{s: s, upTo: s.clock.steady(), looked: make(chan struct{})}
	err := s.store.View(ctx, func(r Reader) (err error) {
		f.next, err = r.TreeSize()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the size of the log: %w", err)
	}
	return f, nil
}

// follow learns what other nodes withdrew until ctx is done.
func (s *Service) follow(ctx context.Context) error {
	elsewhere := s.store.Elsewhere()
	if s.follower == nil {
		<-ctx.Done()
		return nil
	}
	for failing := false; ; {
		wait := lookEvery
		err := s.follower.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case s.follower.gaps > mostGaps:
			return fmt.Errorf("follow the other nodes: %w; this node slept for longer than records stay in the store, and ends so that a fresh one can begin", err)
		case err != nil:
			wait = retryLook
			if !failing {
				s.log.Warn("the other nodes cannot be followed; trying again", "error", err)
			}
		case failing:
			s.log.Info("following the other nodes again")
		}
		failing = err != nil
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-elsewhere:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look reads the log to its end and tells what was withdrawn. It keeps its place
// where it fails.
func (f *follower) look(ctx context.Context) error {
	began := f.s.clock.steady()
	for {
		var part List[Record]
		err := f.s.store.View(ctx, func(r Reader) (err error) {
			part, err = r.Records(RecordFilter{From: f.next, Page: Page{Limit: MaxPage}})
			return err
		})
		if err == nil {
			err = f.take(part.Items)
		}
		if err != nil {
			return err
		}
		if part.Next == "" {
			f.reached(began)
			return nil
		}
	}
}

// take tells what the records say was withdrawn, and takes the place after them.
func (f *follower) take(records []Record) error {
	var withdrawn []ca.Serial
	for i, record := range records {
		if want := f.next + uint64(i); record.Index != want {
			f.gaps++
			return fmt.Errorf("the log gives record %d where %d is due", record.Index, want)
		}
		serial, ok, err := withdrawnBy(record.Data)
		if err != nil {
			return fmt.Errorf("record %d of the log: %w", record.Index, err)
		}
		if ok {
			withdrawn = append(withdrawn, serial)
		}
	}
	f.gaps = 0
	if err := f.s.clockOfOthers(records); err != nil {
		return err
	}
	f.s.spread(withdrawn)
	f.next += uint64(len(records))
	return nil
}

// withdrawnBy returns the certificate that a record says was held, released or
// revoked, if it says so.
func withdrawnBy(record []byte) (serial ca.Serial, ok bool, err error) {
	// Most records tell of something else: those are not worth decoding. What stands
	// before the kind, the index and the time, cannot hold this text.
	_, kind, found := bytes.Cut(record, []byte(`kind":"`))
	if found && (!bytes.HasPrefix(kind, []byte("certificate.")) || bytes.HasPrefix(kind, []byte(CertificateIssued))) {
		return ca.Serial{}, false, nil
	}
	var event struct {
		Kind        EventKind  `json:"kind"`
		Certificate *ca.Serial `json:"certificate"`
	}
	if err := json.Unmarshal(record, &event); err != nil {
		return ca.Serial{}, false, err
	}
	withdraws := event.Kind == CertificateHeld || event.Kind == CertificateReleased || event.Kind == CertificateRevoked
	if !withdraws || event.Certificate == nil {
		return ca.Serial{}, false, nil
	}
	return *event.Certificate, true, nil
}
