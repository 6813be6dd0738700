package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait for something that must come.
const patience = 30 * time.Second

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what scripts have besides the commands of testscript:
//
//	lab [FLAG...]        writes a lab by touchmark quickstart on free ports and a new
//	                     store, and tells it to the commands that follow, by the
//	                     environment
//	serve [FLAG...]      starts the lab's server and waits until it is ready
//	another [FLAG...]    starts another node of the lab, on free ports, and waits
//	                     until it is ready; the variables are as those of lab, with
//	                     ANOTHER_ before them
//	terminate            ends the server, or the last of them, by SIGTERM; it must end
//	                     well
//	reload OUTCOME       has the server, or the last of them, read its configuration
//	                     again by SIGHUP, and waits until it says that the outcome is
//	                     applied, unchanged or failed
//	crash                ends it by SIGKILL
//	peer NAME [ARG...]   starts a peer of certs-test/peers on a free port, or on the
//	                     one that it had before; NAME_PORT tells which
//	peer -stop NAME      ends it
//	exits CODE COMMAND…  runs a command and compares its exit status
//	until [-for DURATION] COMMAND…
//	                     runs a command again and again until it succeeds, for half
//	                     a minute at most unless it is said otherwise
//	keep NAME            puts the last command's output, without the newline at its
//	                     end, into a variable
//
// Foreign programs, touchmark, and the files of testdata/bin are commands by
// their names; with ! they must fail.
func commands(t *testing.T, tools string, store func() (string, error), ports *ports) map[string]command {
	t.Helper()
	all := map[string]command{"exits": exits, "until": until, "keep": keep}
	addServer(all, store, ports)
	addPeers(all, ports)
	for _, program := range []string{"touchmark", "bash", "curl", "jq", "openssl", "certtool", "ocsptool", "diff"} {
		all[program] = program2command(program)
	}
	files, err := os.ReadDir(tools)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		all[file.Name()] = program2command(file.Name())
	}
	return all
}

func program2command(name string) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := ts.Exec(name, args...)
		switch {
		case neg && err == nil:
			ts.Fatalf("%s succeeded, and should not", name)
		case !neg && err != nil:
			ts.Fatalf("%s failed: %v", name, err)
		}
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	status := 0
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		status = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%s: exit status %d, want %s", args[1], status, args[0])
	}
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	most := patience
	if len(args) > 2 && args[0] == "-for" {
		var err error
		most, err = time.ParseDuration(args[1])
		ts.Check(err)
		args = args[2:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: until [-for DURATION] COMMAND...")
	}
	if err := eventually(most, func() error { return ts.Exec(args[0], args[1:]...) }); err != nil {
		ts.Fatalf("in %s not once: %s: %v", most, strings.Join(args, " "), err)
	}
}

// eventually runs f, more and more seldom, until it returns nil, for so long at
// most; it returns f's last error.
func eventually(most time.Duration, f func() error) error {
	pause := 10 * time.Millisecond
	for end := time.Now().Add(most); ; time.Sleep(pause) {
		if err := f(); err == nil || time.Now().After(end) {
			return err
		}
		pause = min(2*pause, time.Second)
	}
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep NAME")
	}
	ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile("stdout"), "\n"))
}
