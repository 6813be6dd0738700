package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// standbyName is what a standby calls itself to its primary.
const standbyName = "standby"

// Standby starts a standby of the server, which commits from then on only what the
// standby has too. The caller ends it with Close.
func (s *Server) Standby() (*Server, error) {
	standby := &Server{config: Config{Durable: s.config.Durable, Settings: maps.Clone(s.config.Settings)}, programs: s.programs, owner: s.owner}
	var err error
	if standby.port, err = freePort(); err != nil {
		return nil, err
	}
	if standby.folder, err = os.MkdirTemp("", "postgrestest"); err != nil {
		return nil, fmt.Errorf("making the standby's folder: %w", err)
	}
	err = standby.copyOf(s)
	if err == nil {
		err = standby.Resume()
	}
	if err == nil {
		err = s.waitFor()
	}
	if err != nil {
		return nil, errors.Join(err, standby.Close())
	}
	return standby, nil
}

// copyOf fills the standby's folder with what the primary has.
func (s *Server) copyOf(primary *Server) (err error) {
	if s.owner != nil {
		if err := os.Chown(s.folder, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return fmt.Errorf("giving the standby its folder: %w", err)
		}
	}
	if s.log, err = os.Create(filepath.Join(s.folder, "log")); err != nil {
		return err
	}
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=touchmark application_name=%s", primary.port, standbyName)
	out, err := s.command("pg_basebackup", "--pgdata", s.data(), "--dbname", from, "--write-recovery-conf", "--checkpoint", "fast", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return nil
}

// waitFor has the primary wait for its standby with every commit.
func (s *Server) waitFor() error {
	for _, sql := range []string{"ALTER SYSTEM SET synchronous_standby_names = '" + standbyName + "'", "SELECT pg_reload_conf()"} {
		if err := s.exec("postgres", sql); err != nil {
			return fmt.Errorf("having commits wait for the standby: %w", err)
		}
	}
	return s.until("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
}

// Promote makes a standby a primary. The one before must be stopped.
func (s *Server) Promote() error {
	if err := s.exec("postgres", "SELECT pg_promote(false)"); err != nil {
		return fmt.Errorf("promoting the standby: %w", err)
	}
	return s.until("SELECT NOT pg_is_in_recovery()")
}

// until waits until a query answers true.
func (s *Server) until(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for done := false; !done; time.Sleep(20 * time.Millisecond) {
		if err := conn.QueryRow(ctx, sql).Scan(&done); err != nil {
			return fmt.Errorf("waiting for %q: %w", sql, err)
		}
	}
	return nil
}
