package postgres

import (
	"context"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

const (
	sqlNow = `SELECT clock_timestamp()`
	// sqlBacklog tells of the oldest how many microseconds it has waited.
	sqlBacklog = `SELECT count(*), coalesce((extract(epoch FROM clock_timestamp() - min(at)) * 1000000)::bigint, 0) FROM pending`
)

var (
	_ enroll.Dated      = (*Store)(nil)
	_ enroll.Backlogged = (*Store)(nil)
)

// Now implements enroll.Dated: the clock that leases go by.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	if err := s.read.QueryRow(ctx, sqlNow).Scan(&now); err != nil {
		return time.Time{}, unavailable(err)
	}
	return now.UTC(), nil
}

// Backlog implements enroll.Backlogged.
func (s *Store) Backlog(ctx context.Context) (waiting int, oldest time.Duration, err error) {
	var microseconds int64
	if err := s.read.QueryRow(ctx, sqlBacklog).Scan(&waiting, &microseconds); err != nil {
		return 0, 0, unavailable(err)
	}
	return waiting, max(time.Duration(microseconds)*time.Microsecond, 0), nil
}
