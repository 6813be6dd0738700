package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

const (
	// sqlMakeMonth makes the partitions of certificates for a month and for the one
	// after it, so that the next is there before it is needed.
	sqlMakeMonth = `SELECT certificates_month($1)`
	// sqlSweepMonths drops partitions that have lost their last certificate.
	sqlSweepMonths = `SELECT certificates_sweep()`
)

// sweepEvery is how often it is tried again to drop months that somebody reads.
const sweepEvery = time.Minute

// errMonth is what an attempt ends with that lacks a partition: it is made
// outside the transaction, for it must not wait for what the transaction holds.
var errMonth = errors.New("there is no partition for the month yet")

// months are the months of expiry, counted from the year 0, that partitions are
// known to exist for. Where that is wrong, for another node has dropped one, no
// harm is done: certificates have a partition for what has no other.
type months struct {
	mu    sync.Mutex // guards known
	known map[int]bool
}

func monthOf(serial ca.Serial) int {
	t := serial.NotAfter()
	return t.Year()*12 + int(t.Month())
}

func (m *months) has(serial ca.Serial) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[monthOf(serial)]
}

// learn takes note of a certificate's month and the one after it.
func (m *months) learn(serial ca.Serial) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[int]bool{}
	}
	m.known[monthOf(serial)], m.known[monthOf(serial)+1] = true, true
}

func (m *months) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = nil
}

// monthsAreThere looks whether all certificates that are written have a
// partition.
func (a *attempt) monthsAreThere() error {
	for _, value := range a.writes {
		if c, ok := value.(enroll.Certificate); ok && !a.s.months.has(c.Serial) {
			return errMonth
		}
	}
	return nil
}

// makeMonths makes the partitions that an attempt lacked.
func (s *Store) makeMonths(writes map[key]any) error {
	for _, value := range writes {
		c, ok := value.(enroll.Certificate)
		if !ok || s.months.has(c.Serial) {
			continue
		}
		if _, err := s.write.Exec(context.Background(), sqlMakeMonth, c.Serial.NotAfter().UnixMilli()); err != nil {
			return err
		}
		s.months.learn(c.Serial)
	}
	return nil
}

// emptyMonths has attend look for months that have lost their last certificate.
func (s *Store) emptyMonths() {
	select {
	case s.emptied <- struct{}{}:
	default:
	}
}

// sweepMonths drops them, and reports whether it is to be tried again.
func (s *Store) sweepMonths(ctx context.Context) (again bool) {
	var dropped int
	if err := s.write.QueryRow(ctx, sqlSweepMonths).Scan(&dropped); err != nil {
		s.config.Log.DebugContext(ctx, "could not drop months without certificates; trying again", "error", err)
		return true
	}
	if dropped > 0 {
		s.months.forget()
	}
	return false
}
