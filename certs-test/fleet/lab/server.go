package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Server is a touchmark serve that was started.
type Server struct {
	process *exec.Cmd
	said    string // file with its standard error
	ready   string // URL
	ended   chan struct{}
}

const (
	// startTime is how long a server may take to be ready.
	startTime = 30 * time.Second
	// endTime is how long it may take to end; it gives what is in flight 25 s.
	endTime = 40 * time.Second
	// readyEvery is how often it is asked.
	readyEvery = 4 * time.Millisecond
)

// Way is how a server is started, where that is not as usual.
type Way struct {
	// Command stands before the server's command line.
	Command []string
	// Files are the descriptors from 3 on.
	Files []*os.File
	// Flags stand behind touchmark serve's own.
	Flags []string
}

// Start starts the server of a node and does not wait.
func (l *Lab) Start(node int, way Way) (*Server, error) {
	line := append(slices.Clone(way.Command), l.program, "serve", "--config", l.configs[node])
	line = append(line, way.Flags...)
	s := &Server{
		process: exec.Command(line[0], line[1:]...), //nolint:noctx // it is killed by its own methods
		said:    filepath.Join(l.Dir, fmt.Sprintf("server-%d.log", node+1)),
		ready:   "http://" + l.Site.Nodes[node].Status + "/readyz", ended: make(chan struct{}),
	}
	log, err := os.Create(s.said)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.process.Stdout, s.process.Stderr, s.process.ExtraFiles = log, log, way.Files
	// A group of its own, so that Kill reaches whoever stands between; and nobody is
	// left where we end.
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("touchmark serve: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // ProcessState tells
	}()
	return s, nil
}

// Serve starts the server of a node and waits until it is ready.
func (l *Lab) Serve(ctx context.Context, node int) (*Server, error) {
	s, err := l.Start(node, Way{})
	if err != nil {
		return nil, err
	}
	if err := s.Await(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// ErrEnded means that a server has ended that should be ready.
var ErrEnded = errors.New("the server ended")

// Await waits until the server is ready, or has ended.
func (s *Server) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ready, nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%w with %s; it said:\n%s", ErrEnded, s.process.ProcessState, s.LastWords())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready in %s: %w; it said:\n%s", startTime, ctx.Err(), s.LastWords())
		case <-ticker.C:
		}
	}
}

// Ended is closed once the process has.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// ExitCode waits for the end and returns the exit code; -1 for one that was
// killed.
func (s *Server) ExitCode(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	select {
	case <-s.ended:
		return s.process.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("the server does not end: %w; it said:\n%s", ctx.Err(), s.LastWords())
	}
}

// Kill ends the server as kill -9 does, and waits for it. It may have ended.
func (s *Server) Kill() {
	select {
	case <-s.ended: // its group's id may be another's by now
		return
	default:
	}
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// Stop ends the server by SIGTERM. It must end well.
func (s *Server) Stop(ctx context.Context) error {
	_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended
	code, err := s.ExitCode(ctx)
	if err != nil {
		s.Kill()
		return err
	}
	if code != 0 {
		return fmt.Errorf("the server ended with exit code %d; it said:\n%s", code, s.LastWords())
	}
	return nil
}

// Process is the process's id.
func (s *Server) Process() int { return s.process.Process.Pid }

// lastWords bounds what LastWords returns, in bytes.
const lastWords = 4 << 10

// LastWords returns the end of what the server said on standard error.
func (s *Server) LastWords() string {
	text := s.Said()
	return text[max(0, len(text)-lastWords):]
}

// Said returns all that the server said on standard error.
func (s *Server) Said() string {
	text, err := os.ReadFile(s.said)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
