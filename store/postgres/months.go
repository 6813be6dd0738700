package postgres

import (
	"context"
	"errors"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// sqlMakeMonth makes the partitions of certificates for a month and for the one
// after it, so that the next is there before it is needed.
const sqlMakeMonth = `SELECT certificates_month($1)`

// errMonth is what an attempt ends with that lacks a partition: it is made
// outside the transaction, for it must not wait for what the transaction holds.
var errMonth = errors.New("there is no partition for the month yet")

// months are the months of expiry, counted from the year 0, that partitions are
// known to exist for. The committer alone uses it.
type months map[int]bool

func monthOf(serial ca.Serial) int {
	t := serial.NotAfter()
	return t.Year()*12 + int(t.Month())
}

// monthsAreThere looks whether all certificates that are written have a
// partition.
func (a *attempt) monthsAreThere() error {
	for k := range a.writes {
		if k.kind == certificates && !a.s.months[monthOf(toSerial([]byte(k.id)))] {
			return errMonth
		}
	}
	return nil
}

// makeMonths makes the partitions that an attempt lacked.
func (s *Store) makeMonths(writes map[key]any) error {
	for k, value := range writes {
		c, ok := value.(enroll.Certificate)
		if !ok || k.kind != certificates || s.months[monthOf(c.Serial)] {
			continue
		}
		if _, err := s.write.Exec(context.Background(), sqlMakeMonth, c.Serial.NotAfter().UnixMilli()); err != nil {
			return err
		}
		s.months[monthOf(c.Serial)], s.months[monthOf(c.Serial)+1] = true, true
	}
	return nil
}
