// Package postgrestest starts servers of PostgreSQL for tests: a new one in a
// folder of its own, on a loopback port that nobody uses. It touches no server
// that is there already. It needs the programs of PostgreSQL 15 or newer (on
// Debian, the package postgresql), and as root the user postgres to run them as.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config says what server to start. The zero value is a quick one.
type Config struct {
	// Durable makes the server wait for the disk, as in real life. Without it a
	// killed server loses nothing, but a machine that loses power does.
	Durable bool
	// Settings are further settings of the server, by name.
	Settings map[string]string
}

// Server is a server that was started.
type Server struct {
	config   Config
	programs string // the folder of initdb and postgres
	folder   string
	port     int
	owner    *syscall.Credential // nil for ourselves
	process  *exec.Cmd           // nil while it is stopped
	log      *os.File
	made     atomic.Int64 // databases and schemas
}

// Start makes a server and waits until it answers. The caller ends it with Close.
func Start(c Config) (*Server, error) {
	s := &Server{config: c}
	var err error
	if s.programs, err = programs(); err != nil {
		return nil, err
	}
	if s.owner, err = owner(); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "postgrestest"); err != nil {
		return nil, fmt.Errorf("making the server's folder: %w", err)
	}
	if err := s.initialise(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	if err := s.Resume(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// programs finds the newest server that is installed.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian puts them
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no PostgreSQL server is installed; on Debian: apt-get install postgresql")
	}
	return filepath.Dir(path), nil
}

// owner is whom the server runs as: it refuses to run as root.
func owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user for it: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // of a TCP listener
}

// command is one of the server's programs, run as its owner.
func (s *Server) command(name string, arguments ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.programs, name), arguments...) //nolint:noctx // a program of the server's; it is stopped by Stop
	c.Dir = s.folder
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	return c
}

// Folder is where the server keeps its files.
func (s *Server) Folder() string { return s.folder }

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) initialise() error {
	if s.owner != nil {
		if err := os.Chown(s.folder, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return fmt.Errorf("giving the server its folder: %w", err)
		}
	}
	out, err := s.command("initdb", "--pgdata", s.data(), "--username", "touchmark", "--auth", "trust", "--encoding", "UTF8",
		"--locale", "C.UTF-8", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.log, err = os.Create(filepath.Join(s.folder, "log"))
	return err
}

// Resume starts the server again after Stop, on the same port.
func (s *Server) Resume() error {
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(s.port), "unix_socket_directories": "",
		"max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "2GB", "log_checkpoints": "off",
	}
	if !s.config.Durable {
		settings["fsync"] = "off"
	}
	for name, value := range s.config.Settings {
		settings[name] = value
	}
	arguments := []string{"-D", s.data()}
	for name, value := range settings {
		arguments = append(arguments, "-c", name+"="+value)
	}
	s.process = s.command("postgres", arguments...)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	if err := s.process.Start(); err != nil {
		s.process = nil
		return fmt.Errorf("starting the server: %w", err)
	}
	return s.await()
}

// await waits until the server answers.
func (s *Server) await() error {
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if err = s.exec("postgres", "SELECT"); err == nil {
			return nil
		}
	}
	said, _ := os.ReadFile(s.log.Name())
	return fmt.Errorf("the server does not answer: %w\n%s", err, said)
}

// exec runs a command in a database.
func (s *Server) exec(database, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func (s *Server) url(database string) string {
	return "postgres://touchmark@" + s.Address() + "/" + database + "?sslmode=disable"
}

// Address is where the server listens, host and port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Process is the id of the server's first process, whose children serve.
func (s *Server) Process() int { return s.process.Process.Pid }

// Database makes an empty database and returns its URL.
func (s *Server) Database() (string, error) {
	name := "test" + strconv.FormatInt(s.made.Add(1), 10)
	if err := s.exec("postgres", "CREATE DATABASE "+name); err != nil { // a name of our own
		return "", fmt.Errorf("making a database: %w", err)
	}
	return s.url(name), nil
}

// Schema makes an empty schema in the server's first database and returns a URL
// whose connections live in it. That is much quicker than a database.
func (s *Server) Schema() (string, error) {
	name := "test" + strconv.FormatInt(s.made.Add(1), 10)
	if err := s.exec("postgres", "CREATE SCHEMA "+name); err != nil { // a name of our own
		return "", fmt.Errorf("making a schema: %w", err)
	}
	return s.url("postgres") + "&search_path=" + name, nil
}

// Through is a database's URL by way of another address, such as a proxy's.
func (s *Server) Through(address, url string) string {
	return strings.Replace(url, s.Address(), address, 1)
}

// Stop ends the server: at once, as a crash does, or having sent everybody away.
func (s *Server) Stop(atOnce bool) error {
	if s.process == nil {
		return nil
	}
	signal := syscall.SIGINT // "fast"
	if atOnce {
		signal = syscall.SIGQUIT // "immediate": it recovers when it starts again
	}
	process := s.process
	s.process = nil
	if err := process.Process.Signal(signal); err != nil {
		return fmt.Errorf("stopping the server: %w", err)
	}
	var exit *exec.ExitError
	if err := process.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("stopping the server: %w", err)
	}
	return nil
}

// Close ends the server and removes its folder.
func (s *Server) Close() error {
	err := s.Stop(true)
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
