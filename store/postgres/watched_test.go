package postgres_test

import (
	"testing"
	"time"

	"github.com/touchmark/touchmark/store/postgres"
)

// TestBacklogIsTold has events wait while no node may number them.
func TestBacklogIsTold(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, postgres.Config{URL: url})
	if waiting, oldest, err := s.Backlog(t.Context()); waiting != 0 || oldest != 0 || err != nil {
		t.Errorf("where nothing waits: %d for %s, error %v", waiting, oldest, err)
	}
	conn := connect(t, url)
	for _, sql := range []string{
		`INSERT INTO leases (task, holder, fence, expires_at) VALUES ('number', 'nobody', 7, now() + interval '1 hour')
ON CONFLICT (task) DO UPDATE SET holder = 'nobody', fence = leases.fence + 1, expires_at = now() + interval '1 hour'`,
		`INSERT INTO pending (id, at, devices, events) VALUES ('\x00000000000000000000000000000001', clock_timestamp() - interval '1 minute', '{}', '{}')`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	waiting, oldest, err := s.Backlog(t.Context())
	if waiting != 1 || oldest < time.Minute || oldest > time.Hour || err != nil {
		t.Errorf("where one batch waits: %d for %s, error %v", waiting, oldest, err)
	}
}

// TestTheDatabasesClock compares what a store says with what the database says.
func TestTheDatabasesClock(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, postgres.Config{URL: url})
	var before, after time.Time
	conn := connect(t, url)
	if err := conn.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&before); err != nil {
		t.Fatal(err)
	}
	now, err := s.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&after); err != nil {
		t.Fatal(err)
	}
	if now.Before(before) || now.After(after) {
		t.Errorf("the store says %s, and the database %s to %s", now, before, after)
	}
}
