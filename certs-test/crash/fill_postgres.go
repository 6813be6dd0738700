package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// databaseSize is that of the file system of a database's server, in bytes: a new
// one takes some 60 MB.
const databaseSize = 160 << 20

const (
	// answerTime is how long clients wait: a server gives a database that cannot
	// write a quarter of a minute before it answers 503.
	answerTime = 50 * time.Second
	// noticeTime is how long it may take until a full disk is noticed, and until room
	// is.
	noticeTime = time.Minute
	// noticed is how many answers 503 show that it is.
	noticed = 10
)

// fullDisk is a database that has no room.
type fullDisk struct {
	disk     *tmpfs
	database *postgrestest.Server
	died     bool
}

// fillPostgres has the disk of a database fill up while a server works on it.
func fillPostgres(ctx context.Context, out io.Writer, mayMount bool) (err error) {
	began := time.Now()
	folder, err := os.MkdirTemp("", "touchmark-disk")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(folder)) }()
	if !mayMount {
		_, err := fmt.Fprintln(out, "faults: a full disk under PostgreSQL: left out, for no file system was to be mounted")
		return err
	}
	full := &fullDisk{}
	if full.disk, err = mount(folder, databaseSize); err != nil {
		if errors.Is(err, errMount) {
			_, err = fmt.Fprintf(out, "faults: a full disk under PostgreSQL: left out: %v\n", err)
		}
		return err
	}
	defer func() { err = errors.Join(err, full.disk.unmount()) }()
	url, err := full.start(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, full.database.Close()) }()
	return inLab(ctx, url, func(l *lab.Lab) error {
		counts, err := full.prove(ctx, l)
		if err != nil {
			return err
		}
		database := "refused to write"
		if full.died {
			database = "ended"
		}
		_, err = fmt.Fprintf(out, "faults: a full disk under PostgreSQL, which %s: %d answers 503, recovered with room, %d operations, %d in doubt, nothing lost, %.0f s\n",
			database, counts.Unavailable, counts.Operations(), counts.Doubts, time.Since(began).Seconds())
		return err
	})
}

// start starts the database's server in the folder.
func (f *fullDisk) start(folder string) (url string, err error) {
	if err := os.Chmod(folder, 0o755); err != nil { // it does not run as root
		return "", err
	}
	before, set := os.LookupEnv("TMPDIR") // says where postgrestest has its folders
	if err := os.Setenv("TMPDIR", folder); err != nil {
		return "", err
	}
	f.database, err = postgrestest.Start(postgrestest.Config{Settings: map[string]string{"max_wal_size": "32MB"}})
	if set {
		err = errors.Join(err, os.Setenv("TMPDIR", before))
	} else {
		err = errors.Join(err, os.Unsetenv("TMPDIR"))
	}
	if err != nil {
		return "", err
	}
	return f.database.Database()
}

// prove works until nothing can be written, makes room, works on, and judges.
func (f *fullDisk) prove(ctx context.Context, l *lab.Lab) (counts fleet.Counts, err error) {
	clients, err := newTrial(l, answerTime)
	if err != nil {
		return counts, err
	}
	defer clients.fleet.Close()
	s, err := l.Serve(ctx, 0)
	if err != nil {
		return counts, err
	}
	defer s.Kill()
	working, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { clients.fleet.Work(working) })
	err = f.fillAndEmpty(ctx, clients.fleet.Ledger)
	stop()
	work.Wait()
	if err == nil {
		err = errors.Join(judge(ctx, clients.fleet, fleet.Scope{All: true}), ended(s))
	}
	if err != nil {
		return counts, fmt.Errorf("%w\nThe server said last:\n%s", err, s.LastWords())
	}
	return clients.fleet.Ledger.Counts(), nil
}

// fillAndEmpty fills the disk under clients that work, and makes room again.
func (f *fullDisk) fillAndEmpty(ctx context.Context, ledger *fleet.Ledger) error {
	if err := becomes(ctx, "the clients work", func() bool { return ledger.Counts().Operations() > 100 }); err != nil {
		return err
	}
	if err := f.disk.fill(); err != nil {
		return err
	}
	if err := becomes(ctx, "the full disk is noticed", func() bool { return ledger.Counts().Unavailable >= noticed }); err != nil {
		return err
	}
	if err := f.disk.empty(); err != nil {
		return err
	}
	if f.died = hasDied(f.database.Process()); f.died {
		if err := errors.Join(f.database.Stop(true), f.database.Resume()); err != nil {
			return err
		}
	}
	enough := ledger.Counts().Operations() + 100
	return becomes(ctx, "the clients work again", func() bool { return ledger.Counts().Operations() > enough })
}

// becomes waits until something is so.
func becomes(ctx context.Context, what string, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTime)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not in %s: %s: %w", noticeTime, what, ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

// hasDied says whether a child has ended that nobody waited for: its state is Z
// (proc_pid_stat(5)).
func hasDied(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(text, []byte(") Z "))
}
