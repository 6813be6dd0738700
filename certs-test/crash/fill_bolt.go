package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
)

const (
	// smallRoom is how much a store may grow before there is no room, in bytes.
	smallRoom = 128 << 10
	// roomySize is the size of the file system with room again.
	roomySize = 256 << 20
)

// narrow is a place of a store that fills up.
type narrow struct {
	name string
	way  lab.Way // of the server while there is no room
	why  string  // what a server says that has no room
	room func() error
	end  func() error
}

// fillBolt has a server's file system fill up, starts it again while it is full,
// and once more with room.
func fillBolt(ctx context.Context, out io.Writer, mayMount bool) error {
	return inLab(ctx, "", func(l *lab.Lab) (err error) {
		began := time.Now()
		// The disk is to run full, not to be spared.
		if err := l.Add("disk: {stop: off}\n"); err != nil {
			return err
		}
		place, err := narrowTmpfs(l, mayMount)
		if errors.Is(err, errMount) {
			fmt.Fprintf(out, "faults: %v; RLIMIT_FSIZE takes the full file system's place\n", err)
			place, err = narrowLimit(l)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, place.end()) }()
		t, err := newTrial(l, 0)
		if err != nil {
			return err
		}
		defer t.fleet.Close()
		for _, when := range []string{"filling up", "full"} {
			s, err := l.Start(0, place.way)
			if err != nil {
				return err
			}
			if err := t.untilDeath(ctx, s, place.why); err != nil {
				return fmt.Errorf("%s: %w", when, err)
			}
		}
		if err := place.room(); err != nil {
			return err
		}
		if err := t.afterwards(ctx, fleet.Scope{All: true}); err != nil {
			return err
		}
		counts := t.fleet.Ledger.Counts()
		_, err = fmt.Fprintf(out, "faults: %s under bolt: exit code 6 and why, again at a restart without room, sound with room, %d operations, %d in doubt, nothing lost, %.0f s\n",
			place.name, counts.Operations(), counts.Doubts, time.Since(began).Seconds())
		return err
	})
}

// narrowTmpfs moves the lab's store to a file system of its own.
func narrowTmpfs(l *lab.Lab, mayMount bool) (narrow, error) {
	if !mayMount {
		return narrow{}, fmt.Errorf("%w: not asked for", errMount)
	}
	begun, err := os.ReadFile(l.StoreFile())
	if err != nil {
		return narrow{}, err
	}
	disk, err := mount(filepath.Dir(l.StoreFile()), used(begun)+smallRoom)
	if err != nil {
		return narrow{}, err
	}
	// What is not used yet of the file is a hole in it: no disk has room for that.
	err = errors.Join(os.WriteFile(l.StoreFile(), begun[:used(begun)], 0o600), os.Truncate(l.StoreFile(), int64(len(begun))))
	if err != nil {
		return narrow{}, errors.Join(err, disk.unmount())
	}
	return narrow{
		name: "a full file system", why: syscall.ENOSPC.Error(),
		room: func() error { return disk.grow(roomySize) }, end: disk.unmount,
	}, nil
}

// narrowLimit limits how long the server's files may become, in blocks of 512
// bytes (ulimit of POSIX).
func narrowLimit(l *lab.Lab) (narrow, error) {
	begun, err := os.ReadFile(l.StoreFile())
	if err != nil {
		return narrow{}, err
	}
	limit := fmt.Sprintf(`ulimit -f %d; exec "$@"`, (used(begun)+smallRoom)/512)
	nothing := func() error { return nil }
	return narrow{
		name: "a file that may not grow", way: lab.Way{Command: []string{"sh", "-c", limit, "sh"}}, why: syscall.EFBIG.Error(),
		room: nothing, end: nothing,
	}, nil
}

// used is how long a file is without the zeros at its end.
func used(file []byte) int64 { return int64(len(bytes.TrimRight(file, "\x00"))) }
