package contender

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Database is a PostgreSQL server of the benchmark's own, as initdb leaves it:
// every commit is synced.
type Database struct {
	process  *Process
	programs string
	addr     string
}

// StartDatabase makes a cluster in dir, which must not be there, with the programs
// in a folder such as /usr/lib/postgresql/15/bin. Run as root, which PostgreSQL
// refuses, it uses the account postgres.
func StartDatabase(ctx context.Context, programs, dir string) (*Database, error) {
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	account, err := account(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "--pgdata", data, "--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
	initdb.SysProcAttr, initdb.Dir = account, dir
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, said)
	}
	_, port, _ := strings.Cut(addrs[0], ":")
	d := &Database{programs: programs, addr: addrs[0]}
	d.process, err = startAs(account, dir, "postgres", filepath.Join(programs, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir)
	if err != nil {
		return nil, err
	}
	if err := d.process.ready(ctx, d.addr); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// account is whom the database runs as: whoever runs this, or postgres for root,
// who then owns dir and may pass the folder above it.
func account(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(postgres.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(postgres.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.Chown(dir, int(uid), int(gid)), os.Chmod(filepath.Dir(dir), 0o711)) //nolint:gosec // passing is all that it allows
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, err
}

// Server is the URL of the server, without a database.
func (d *Database) Server() string { return "postgresql://bench@" + d.addr + "/?sslmode=disable" }

// Create makes an empty database and returns its URL.
func (d *Database) Create(ctx context.Context, name string) (string, error) {
	createdb := exec.CommandContext(ctx, filepath.Join(d.programs, "createdb"), "--maintenance-db", "postgresql://bench@"+d.addr+"/postgres", name)
	for { // the server takes connections before it takes commands
		said, err := createdb.CombinedOutput()
		if err == nil {
			return "postgres://bench@" + d.addr + "/" + name + "?sslmode=disable", nil
		}
		if !strings.Contains(string(said), "starting up") || ctx.Err() != nil {
			return "", fmt.Errorf("createdb: %w\n%s", err, said)
		}
		time.Sleep(50 * time.Millisecond)
		createdb = exec.CommandContext(ctx, createdb.Path, createdb.Args[1:]...)
	}
}

// CPU is what the server's processes have used, those that ended included: they
// count as waited for by the first of them.
func (d *Database) CPU() (CPU, error) {
	first, err := stat(d.process.ID())
	if err != nil {
		return CPU{}, err
	}
	sum := CPU{first.ticks(14) + first.ticks(16), first.ticks(15) + first.ticks(17)}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return CPU{}, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // not a process
		}
		fields, err := stat(pid)
		if err != nil || fields.number(4) != int64(d.process.ID()) {
			continue // ended since, or somebody else's
		}
		sum = sum.Plus(CPU{fields.ticks(14), fields.ticks(15)})
	}
	return sum, nil
}

// Stop ends the server.
func (d *Database) Stop() error { return d.process.stop(syscall.SIGINT) } // fast shutdown: clients are gone
