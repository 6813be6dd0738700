package contender

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Process is a server under measurement.
type Process struct {
	command *exec.Cmd
	output  string // the file with what it says
	ended   chan error
}

// start runs a program in dir, with its output in dir/name.log.
func start(dir, name, program string, args ...string) (*Process, error) {
	return startAs(nil, dir, name, program, args...)
}

// startAs is start for another account; nil for one's own.
func startAs(account *syscall.SysProcAttr, dir, name, program string, args ...string) (*Process, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	output := filepath.Join(dir, name+".log")
	file, err := os.Create(output)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	command := exec.Command(program, args...)
	command.Dir, command.Stdout, command.Stderr, command.SysProcAttr = dir, file, file, account
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &Process{command: command, output: output, ended: make(chan error, 1)}
	go func() { p.ended <- command.Wait() }()
	return p, nil
}

// ready waits until addr takes connections, or the process has ended.
func (p *Process) ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return connection.Close()
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			said, _ := os.ReadFile(p.output)
			return fmt.Errorf("%s ended: %w\n%s", p.command.Path, err, said)
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w", p.command.Path, addr, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the process and waits for it.
func (p *Process) Stop() error { return p.stop(syscall.SIGTERM) }

// stop asks with signal, and insists after ten seconds.
func (p *Process) stop(signal syscall.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	return nil
}

// ID is the process's id.
func (p *Process) ID() int { return p.command.Process.Pid }

// freeAddrs returns n addresses of the loopback that nobody listens on.
func freeAddrs(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // all are held until the last is known
		addrs[i] = listener.Addr().String()
	}
	return addrs, nil
}
