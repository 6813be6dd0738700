package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demoTime is what the demo may take once the program is built.
const demoTime = 2 * time.Minute

func TestDemo(t *testing.T) {
	t.Parallel()
	needTools(t)
	out, status, lab := runDemo(t, program(t))
	if status != 0 {
		t.Errorf("exit status %d\n%s", status, out)
	}
	nothingLeft(t, lab)
}

// TestDemoSaysWhenSomethingIsWrong runs the demo with a program whose proof of the
// log fails.
func TestDemoSaysWhenSomethingIsWrong(t *testing.T) {
	t.Parallel()
	needTools(t)
	wrong := filepath.Join(t.TempDir(), "touchmark")
	wrapper := fmt.Sprintf("#!/bin/sh\n[ \"$1 $2\" != 'audit verify' ] || { echo 'record 3 was changed'; exit 1; }\nexec %s \"$@\"\n", program(t))
	if err := os.WriteFile(wrong, []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	out, status, lab := runDemo(t, wrong)
	if status == 0 || !strings.Contains(out, "FAILED at step") || !strings.Contains(out, "record 3 was changed") {
		t.Errorf("exit status %d\n%s", status, out)
	}
	nothingLeft(t, lab)
}

// runDemo runs the demo in a folder of its own and returns that.
func runDemo(t *testing.T, program string) (out string, status int, lab string) {
	t.Helper()
	lab = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), demoTime)
	defer cancel()
	demo := script(ctx, "demo", program, lab)
	text, err := demo.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Errorf("it took longer than %s", demoTime)
	}
	return string(text), demo.ProcessState.ExitCode(), lab
}

// script is one of the folder scripts, which ends what it started when it is
// interrupted.
func script(ctx context.Context, name, program, lab string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join("..", "..", "scripts", name))
	command.Env = append(os.Environ(), "TMPDIR="+lab, "TOUCHMARK_BIN="+program)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = grace
	return command
}

// TestUp starts everything, does as it says, and interrupts it.
func TestUp(t *testing.T) {
	t.Parallel()
	needTools(t)
	lab := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), demoTime)
	defer cancel()
	up := script(ctx, "up", program(t), lab)
	var out output
	up.Stdout, up.Stderr = &out, &out
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	err := eventually(demoTime, func() error {
		if !strings.Contains(out.String(), "Ctrl-C stops everything") {
			return errors.New("it is not up")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	} else {
		doAsItSays(t, out.String())
	}
	_ = up.Process.Signal(syscall.SIGTERM) // it may have ended
	if err := up.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	nothingLeft(t, lab)
}

// doAsItSays types what up prints: the settings, the token of a service, and the
// command to try.
func doAsItSays(t *testing.T, said string) {
	t.Helper()
	var lines []string
	for _, line := range []string{`(?m)^  (export .*)$`, `(?m)^  a service +(.*)$`, `(?m)^  (touchmark order create .*)$`} {
		for _, found := range regexp.MustCompile(line).FindAllStringSubmatch(said, -1) {
			lines = append(lines, found[1])
		}
	}
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Join(append(lines, "touchmark whoami"), "\n"))
	shell.Dir = t.TempDir()
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "admin on /") || len(lines) < 5 {
		t.Errorf("%v\n%s\n%s", err, strings.Join(lines, "\n"), out)
	}
}

// nothingLeft fails the test for each process that still has to do with the lab,
// and for what lies in it.
func nothingLeft(t *testing.T, lab string) {
	t.Helper()
	left, err := os.ReadDir(lab)
	if err != nil || len(left) > 0 {
		t.Errorf("the folder is left: %v %v", left, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		// They end meanwhile, or are not ours to look at.
		where, _ := os.Readlink(filepath.Join(process, "cwd"))
		command, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if strings.HasPrefix(where, lab) || bytes.Contains(command, []byte(lab)) {
			t.Errorf("%s still runs: %s", process, bytes.ReplaceAll(command, []byte{0}, []byte{' '}))
		}
	}
}

// output is what a process prints while it runs.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
