package enroll

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// Dated is a store with a clock of its own, which all nodes have in common.
type Dated interface {
	// Now returns what the store's clock says.
	Now(ctx context.Context) (time.Time, error)
}

const (
	// lastRecords is how many of the log's last records are looked at for the latest
	// time among them: nodes' records do not come in the order of their times.
	lastRecords = 256
	// retryClock is when to ask again where the clock is not believed.
	retryClock = time.Minute
)

// Clock returns what the service makes of the machine's clock.
func (s *Service) Clock() ClockReading { return s.clock.look() }

// Now returns the service's own time, in UTC and to the millisecond (ClockReading).
func (s *Service) Now() time.Time { return s.now() }

// now is the time that decisions go by, to the millisecond.
func (s *Service) now() time.Time { return s.clock.look().Now }

// openClock tells the clock what is known of the time when the service starts.
func (s *Service) openClock(ctx context.Context) error {
	if err := s.readLastRecords(ctx); err != nil {
		return fmt.Errorf("read when the last record was made: %w", err)
	}
	if err := s.compareClock(ctx); err != nil {
		return err
	}
	seen := s.clock.look()
	if seen.Fault == "" {
		return nil
	}
	if !s.clock.limits.Accept {
		s.log.ErrorContext(ctx, "the machine's clock is not believed; nothing is issued until it is right, or until the server is started with --accept-clock because it is; revocation goes on",
			"fault", string(seen.Fault), "detail", s.clockFault(seen), "own_time", seen.Now)
		return nil
	}
	return s.acceptClock(ctx, seen)
}

// readLastRecords tells the clock of the last records.
func (s *Service) readLastRecords(ctx context.Context) error {
	var last List[Record]
	err := s.store.View(ctx, func(r Reader) error {
		size, err := r.TreeSize()
		if err != nil || size == 0 {
			last = List[Record]{}
			return err
		}
		last, err = r.Records(RecordFilter{From: size - min(size, lastRecords), Page: Page{Limit: lastRecords}})
		return err
	})
	if err != nil {
		return err
	}
	for _, record := range last.Items {
		if err := s.clockOf(record); err != nil {
			return err
		}
	}
	return nil
}

// clockOf tells the clock of one record.
func (s *Service) clockOf(record Record) error {
	head, err := headOf(record)
	if err != nil {
		return err
	}
	if head.Kind == ClockAccepted {
		s.clock.accepted(head.Time)
	} else {
		s.clock.recorded(head.Time)
	}
	return nil
}

// acceptance stands in a record that says that an operator took a clock for right.
const acceptance = `kind":"` + string(ClockAccepted) + `"`

// clockOfOthers tells the clock of records that came by, of which only the last is
// worth decoding, and those that say that a clock is right.
func (s *Service) clockOfOthers(records []Record) error {
	accepted := []byte(acceptance)
	for i, record := range records {
		if i+1 < len(records) && !bytes.Contains(record.Data, accepted) {
			continue
		}
		if err := s.clockOf(record); err != nil {
			return err
		}
	}
	return nil
}

// compareClock looks at the database's clock, where there is one.
func (s *Service) compareClock(ctx context.Context) error {
	dated, ok := s.store.(Dated)
	if !ok {
		return nil
	}
	began, since := s.clock.read(), s.clock.steady()
	theirs, err := dated.Now(ctx)
	if err != nil {
		return fmt.Errorf("ask the database for the time: %w", err)
	}
	// It was asked for, and told, at some moment in between.
	took := s.clock.steady().Sub(since)
	apart := theirs.Sub(began.Round(0))
	switch {
	case apart > took:
		apart -= took
	case apart > 0:
		apart = 0
	}
	s.clock.compared(apart)
	return nil
}

// acceptClock records that an operator took the clock for right.
func (s *Service) acceptClock(ctx context.Context, seen ClockReading) error {
	s.clock.believe()
	err := s.store.Update(ctx, func(tx Tx) error {
		event := s.event(ctx, identity.NewSystem(), ClockAccepted)
		event.Before, event.Comment = seen.Now.Format(time.RFC3339), s.clockFault(seen)
		return tx.Append(event)
	})
	if err != nil {
		return fmt.Errorf("record that the clock was taken for right: %w", err)
	}
	s.log.WarnContext(ctx, "the machine's clock is taken for right, as the operator says", "until_now", s.clockFault(seen))
	return nil
}

// clockFault says what is wrong with the machine's clock.
func (s *Service) clockFault(seen ClockReading) string {
	off := seen.Offset.Abs().Round(time.Second)
	wall := seen.Now.Add(seen.Offset).Format(time.RFC3339)
	switch seen.Fault {
	case ClockBehind:
		return fmt.Sprintf("it says %s, which is %s behind the last record", wall, seen.Record.Sub(seen.Earliest).Round(time.Second))
	case ClockJumped:
		return fmt.Sprintf("it says %s, for it jumped %s ahead while the server ran", wall, off)
	case ClockFarAhead:
		return fmt.Sprintf("it says %s, which is %s after the last record", wall, off)
	case ClockApart:
		return fmt.Sprintf("it says %s, and is apart from the database's clock", wall)
	default:
		return ""
	}
}

// trustClock refuses to issue by a clock that is not believed.
func (s *Service) trustClock() error {
	if s.clock.look().Fault == "" {
		return nil
	}
	return &Refusal{
		Code: Unavailable, RetryAfter: retryClock,
		Message: "the service does not believe its clock and issues nothing by it; its operator finds in the log what is wrong",
	}
}
