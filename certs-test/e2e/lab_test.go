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
func addServer(all map[string]command, store func() (string, error), ports *ports) {
	all["lab"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("usage: lab [FLAG...]")
		}
		if store != nil {
			url, err := store()
			ts.Check(err)
			args = append(args, "--store="+url)
			ts.Setenv("STORE", url)
		}
		ts.Check(ts.Exec("touchmark", append(append([]string{"quickstart", "lab"}, listeners(ts, ports, "")...), args...)...))
		tellLab(ts)
	}
	all["serve"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("usage: serve [FLAG...]")
		}
		serve(ts, ts.Getenv("STATUS_URL"), args)
	}
	all["another"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("usage: another [FLAG...]")
		}
		args = append(listeners(ts, ports, "ANOTHER_"), args...)
		serve(ts, ts.Getenv("ANOTHER_STATUS_URL"), args)
	}
	all["terminate"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		running := theServer(ts)
		running.signal(syscall.SIGTERM)
		if status := running.process.ProcessState; !status.Success() {
			ts.Fatalf("the server ended with %v", status)
		}
	}
	all["reload"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: reload OUTCOME")
		}
		reload(ts, args[0])
	}
	all["crash"] = func(ts *testscript.TestScript, _ bool, _ []string) { theServer(ts).signal(syscall.SIGKILL) }
}

// listeners are the flags for where a node listens, on free ports. The variables
// DEVICE_URL, API_URL, STATUS_URL and METRICS_URL, with before before them, say
// the same.
func listeners(ts *testscript.TestScript, ports *ports, before string) (flags []string) {
	for _, listener := range []struct{ name, scheme string }{
		{"device", "https"}, {"api", "https"}, {"status", "http"}, {"metrics", "http"},
	} {
		port, err := ports.take()
		ts.Check(err)
		flags = append(flags, fmt.Sprintf("--%s-addr=127.0.0.1:%d", listener.name, port))
		ts.Setenv(before+strings.ToUpper(listener.name)+"_URL", fmt.Sprintf("%s://127.0.0.1:%d", listener.scheme, port))
	}
	return flags
}

// tellLab sets CONFIG, ROOT and ISSUING, the lab's files, and what touchmark
// reads.
func tellLab(ts *testscript.TestScript) {
	for name, value := range map[string]string{
		"CONFIG": ts.MkAbs("lab/touchmark.yaml"), "ROOT": ts.MkAbs("lab/pki/corporate-root.crt"), "ISSUING": ts.MkAbs("lab/pki/issuing.crt"),
		"TOUCHMARK_SERVER": ts.Getenv("API_URL"), "TOUCHMARK_CA": ts.MkAbs("lab/pki/corporate-root.crt"),
		"TOUCHMARK_TOKEN_FILE": ts.MkAbs("lab/admin.token"),
	} {
		ts.Setenv(name, value)
	}
}

type serverKey struct{}

// servers is where a script keeps its servers, the last one last.
type servers struct {
	told bool // what the end of their log is
	all  []*server
}

// theServer takes the last server that was started.
func theServer(ts *testscript.TestScript) *server {
	mine := ts.Value(serverKey{}).(*servers)
	if len(mine.all) == 0 {
		ts.Fatalf("no server was started")
	}
	last := mine.all[len(mine.all)-1]
	mine.all = mine.all[:len(mine.all)-1]
	return last
}

// serve starts a server, with its log at the end of server.log.
func serve(ts *testscript.TestScript, status string, args []string) {
	log, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	path, err := lookPath(ts, "touchmark")
	ts.Check(err)
	running := &server{process: exec.Command(path, append([]string{"serve", "--config", ts.Getenv("CONFIG")}, args...)...), ended: make(chan struct{})}
	running.process.Dir, running.process.Env = ts.MkAbs("."), []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}
	for _, name := range tokenVariables() {
		if value := ts.Getenv(name); value != "" {
			running.process.Env = append(running.process.Env, name+"="+value)
		}
	}
	running.process.Stdout, running.process.Stderr = log, log
	ts.Check(running.process.Start())
	go func() {
		defer close(running.ended)
		_ = running.process.Wait() // ProcessState tells
	}()
	mine := ts.Value(serverKey{}).(*servers)
	if !mine.told {
		mine.told = true
		ts.Defer(func() {
			for _, left := range mine.all {
				left.signal(syscall.SIGKILL)
			}
			ts.Logf("[the end of server.log]\n%s", lastLines(ts.ReadFile(ts.Getenv("WORK")+"/server.log"), 10))
		})
	}
	mine.all = append(mine.all, running)
	if err := running.await(status + "/readyz"); err != nil {
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
