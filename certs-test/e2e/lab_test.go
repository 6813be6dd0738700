package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// server is the server that a script runs.
type server struct {
	process *exec.Cmd
	ended   chan struct{} // closed once the process has
}

// grace is how long a server may take to end.
const grace = 30 * time.Second

// addServer adds the commands about the server.
func addServer(all map[string]command, ports *ports) {
	all["lab"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("usage: lab [FLAG...]")
		}
		lab(ts, ports, args)
	}
	all["serve"] = serve
	all["terminate"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		running := theServer(ts)
		running.signal(syscall.SIGTERM)
		if status := running.process.ProcessState; !status.Success() {
			ts.Fatalf("the server ended with %v", status)
		}
	}
	all["crash"] = func(ts *testscript.TestScript, _ bool, _ []string) { theServer(ts).signal(syscall.SIGKILL) }
}

// lab writes a lab. The variables are: DEVICE_URL, API_URL, STATUS_URL and
// METRICS_URL, where its listeners will be; CONFIG, ROOT and ISSUING, its files;
// and those that touchmark reads.
func lab(ts *testscript.TestScript, ports *ports, flags []string) {
	args := []string{"quickstart", "lab"}
	for _, listener := range []struct{ name, scheme string }{
		{"device", "https"}, {"api", "https"}, {"status", "http"}, {"metrics", "http"},
	} {
		port, err := ports.take()
		ts.Check(err)
		args = append(args, fmt.Sprintf("--%s-addr=127.0.0.1:%d", listener.name, port))
		ts.Setenv(strings.ToUpper(listener.name)+"_URL", fmt.Sprintf("%s://127.0.0.1:%d", listener.scheme, port))
	}
	ts.Check(ts.Exec("touchmark", append(args, flags...)...))
	for name, value := range map[string]string{
		"CONFIG": ts.MkAbs("lab/touchmark.yaml"), "ROOT": ts.MkAbs("lab/pki/corporate-root.crt"), "ISSUING": ts.MkAbs("lab/pki/issuing.crt"),
		"TOUCHMARK_SERVER": ts.Getenv("API_URL"), "TOUCHMARK_CA": ts.MkAbs("lab/pki/corporate-root.crt"),
		"TOUCHMARK_TOKEN_FILE": ts.MkAbs("lab/admin.token"),
	} {
		ts.Setenv(name, value)
	}
}

type serverKey struct{}

// servers is where a script keeps its server. It runs one at a time.
type servers struct{ last *server }

func theServer(ts *testscript.TestScript) *server {
	running := ts.Value(serverKey{}).(*servers).last
	if running == nil {
		ts.Fatalf("no server was started")
	}
	return running
}

// serve starts the server, with its log at the end of server.log.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: serve")
	}
	log, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	path, err := lookPath(ts, "touchmark")
	ts.Check(err)
	running := &server{process: exec.Command(path, "serve", "--config", ts.Getenv("CONFIG")), ended: make(chan struct{})}
	running.process.Dir, running.process.Env = ts.MkAbs("."), []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}
	running.process.Stdout, running.process.Stderr = log, log
	ts.Check(running.process.Start())
	go func() {
		defer close(running.ended)
		_ = running.process.Wait() // ProcessState tells
	}()
	mine := ts.Value(serverKey{}).(*servers)
	if mine.last == nil {
		ts.Defer(func() {
			mine.last.signal(syscall.SIGKILL)
			ts.Logf("[the end of server.log]\n%s", lastLines(ts.ReadFile(ts.Getenv("WORK")+"/server.log"), 10))
		})
	}
	mine.last = running
	if err := running.await(ts.Getenv("STATUS_URL") + "/readyz"); err != nil {
		ts.Fatalf("the server does not come up: %v", err)
	}
}

// await waits until the URL answers 200, or the process has ended.
func (s *server) await(url string) error {
	client := http.Client{Timeout: time.Second}
	err := eventually(patience, func() error {
		if s.hasEnded() {
			return nil
		}
		answer, err := client.Get(url)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", answer.Status)
		}
		return nil
	})
	if s.hasEnded() {
		return fmt.Errorf("it ended: %v", s.process.ProcessState)
	}
	return err
}

func (s *server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// signal sends a signal, and waits for the end; it kills who does not end.
func (s *server) signal(signal syscall.Signal) {
	_ = s.process.Process.Signal(signal) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(grace):
		_ = s.process.Process.Kill()
		<-s.ended
	}
}

// lookPath finds a program in the script's PATH.
func lookPath(ts *testscript.TestScript, program string) (string, error) {
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is in no folder of PATH", program)
}

// soundLog fails the test where the server panicked, or the race detector found
// something in it.
func soundLog(env *testscript.Env) {
	t := env.T().(testing.TB)
	t.Helper()
	text, err := os.ReadFile(filepath.Join(env.WorkDir, "server.log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, wrong := range []string{"DATA RACE", "panic"} {
		if _, after, found := strings.Cut(string(text), wrong); found {
			t.Errorf("the server said: %s%.2000s", wrong, after)
		}
	}
}

func lastLines(text string, most int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-most-1):], "\n")
}
