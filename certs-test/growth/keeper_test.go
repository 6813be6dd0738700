package growth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// keeper is one store, and how much room it takes.
type keeper interface {
	url() string
	// size is what the store takes on disk, in bytes, once it has tidied up.
	size(ctx context.Context) (int64, error)
	// forget has everything that the machine keeps of it in memory be read from the
	// disk again.
	forget() error
	// touched runs operations one by one and returns how many pages they touch, the
	// keeper's own work with them; one that several touch counts for each.
	touched(ctx context.Context, times int, prepare func(enroll.Store) error, operate func(i int) error) (pages int64, err error)
}

// eachKeeper runs a test on both keepers, or on the one that is asked for.
func eachKeeper(t *testing.T, test func(t *testing.T, k keeper)) {
	for _, each := range []struct {
		name string
		make func(t *testing.T) keeper
	}{{"bolt", newFile}, {"postgres", newDatabase}} {
		if *only != "" && *only != each.name {
			continue
		}
		t.Run(each.name, func(t *testing.T) { test(t, each.make(t)) })
	}
}

func open(tb testing.TB, url string) enroll.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), url, store.Options{})
	check(tb, err)
	return s
}

// file is a keeper on bbolt.
type file struct{ path string }

func newFile(t *testing.T) keeper {
	t.Helper()
	dir, err := os.MkdirTemp(*folder, "touchmark-growth-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	return &file{filepath.Join(dir, "store.db")}
}

func (f *file) url() string { return "bolt://" + f.path }

func (f *file) size(context.Context) (int64, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f *file) forget() error { return dropCache(f.path) }

func (f *file) touched(ctx context.Context, times int, prepare func(enroll.Store) error, operate func(i int) error) (pages int64, err error) {
	s, err := store.Open(ctx, f.url(), store.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := prepare(s); err != nil {
		return 0, err
	}
	for i := range times {
		more, err := referenced(f.path, func() error { return operate(i) })
		if err != nil {
			return 0, err
		}
		pages += more
	}
	return pages, nil
}

// database is a keeper on a server of PostgreSQL of its own.
type database struct {
	server *postgrestest.Server
	at     string
}

func newDatabase(t *testing.T) keeper {
	t.Helper()
	server, err := postgrestest.Start(postgrestest.Config{Durable: *full, Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "8GB",
		"autovacuum": "off", // it would be counted too; size does its work when there is time
	}})
	check(t, err)
	t.Cleanup(func() { check(t, server.Close()) })
	at, err := server.Database()
	check(t, err)
	return &database{server, at}
}

func (d *database) url() string { return d.at }

func (d *database) size(ctx context.Context) (size int64, err error) {
	err = d.ask(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE"); err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&size)
	})
	return size, err
}

func (d *database) forget() error {
	if err := errors.Join(d.server.Stop(false), dropCache(d.server.Folder())); err != nil {
		return err
	}
	return d.server.Resume()
}

// touched counts buffers, which the server tells when a connection ends. Opening
// the store touches some too, so that is taken off.
func (d *database) touched(ctx context.Context, times int, prepare func(enroll.Store) error, operate func(i int) error) (pages int64, err error) {
	idle, err := d.buffers(ctx, prepare)
	if err != nil {
		return 0, err
	}
	all, err := d.buffers(ctx, func(s enroll.Store) error {
		if err := prepare(s); err != nil {
			return err
		}
		for i := range times {
			if err := operate(i); err != nil {
				return err
			}
		}
		return nil
	})
	return max(all-idle, 0), err
}

func (d *database) buffers(ctx context.Context, fn func(enroll.Store) error) (int64, error) {
	read := func(n *int64) error {
		return d.ask(ctx, func(conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()").Scan(n)
		})
	}
	var before, after int64
	if err := read(&before); err != nil {
		return 0, err
	}
	s, err := store.Open(ctx, d.at, store.Options{})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(fn(s), s.Close(), d.quiet(ctx), read(&after)); err != nil {
		return 0, err
	}
	return after - before, nil
}

// quiet waits until the store's connections have ended.
func (d *database) quiet(ctx context.Context) error {
	return d.ask(ctx, func(conn *pgx.Conn) error {
		for {
			var others int
			err := conn.QueryRow(ctx, `
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'touchmark%'`).Scan(&others)
			if err != nil || others == 0 {
				return err
			}
			if _, err := conn.Exec(ctx, "SELECT pg_sleep(0.02)"); err != nil {
				return err
			}
		}
	})
}

func (d *database) ask(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, d.at)
	if err != nil {
		return fmt.Errorf("asking the server: %w", err)
	}
	return errors.Join(fn(conn), conn.Close(ctx))
}
