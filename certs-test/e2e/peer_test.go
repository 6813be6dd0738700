package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// A peer is started by NAME_start DIR PORT ARG... of certs-test/peers, and lives
// as long as the shell that started it, which waits for the end of its input: so
// no peer outlives the test, however that ends.
const keeper = `
set -euo pipefail
. "$PEERS/peers.sh"
name=$1
shift
"${name}_start" "$@"
echo ready
read -r _ || true
peer_stop "$1"
`

// running is a peer that runs.
type running struct {
	shell *exec.Cmd
	input io.Closer
}

func (r *running) stop() {
	_ = r.input.Close() // it may have ended
	_ = r.shell.Wait()
}

type peerKey struct{ name string }

// peerSlot is where a script keeps a peer of one name.
type peerSlot struct{ running *running }

func addPeers(all map[string]command, ports *ports) {
	all["peer"] = func(ts *testscript.TestScript, neg bool, args []string) {
		switch {
		case neg || len(args) == 0:
			ts.Fatalf("usage: peer NAME [ARG...] or peer -stop NAME")
		case args[0] == "-stop" && len(args) == 2:
			stopPeer(ts, args[1])
		default:
			startPeer(ts, ports, args[0], args[1:])
		}
	}
}

func slotOf(ts *testscript.TestScript, name string) *peerSlot {
	slot, ok := ts.Value(peerKey{name}).(*peerSlot)
	if !ok {
		ts.Fatalf("there is no peer %s; there are %v", name, peerNames())
	}
	return slot
}

func peerNames() []string {
	return []string{"nginx", "nginxocsp", "mosquitto", "haproxy", "nats", "freeradius", "radiusocsp", "provider"}
}

func stopPeer(ts *testscript.TestScript, name string) {
	slot := slotOf(ts, name)
	if slot.running != nil {
		slot.running.stop()
	}
	slot.running = nil
}

func startPeer(ts *testscript.TestScript, ports *ports, name string, args []string) {
	slot := slotOf(ts, name)
	variable := strings.ToUpper(name) + "_PORT"
	if ts.Getenv(variable) == "" {
		port, err := ports.take()
		ts.Check(err)
		ts.Setenv(variable, strconv.Itoa(port))
	}
	arguments := append([]string{"-c", keeper, "keeper", name, ts.MkAbs(name), ts.Getenv(variable)}, args...)
	started, err := hold(ts, exec.Command("bash", arguments...))
	if err != nil {
		ts.Fatalf("peer %s: %v", name, err)
	}
	slot.running = started
	ts.Defer(func() { stopPeer(ts, name) })
}

// hold starts the keeper of a peer and waits until the peer is ready.
func hold(ts *testscript.TestScript, shell *exec.Cmd) (*running, error) {
	shell.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "PEERS", "HOME", "TOKEN_LIFETIME", "AUDIENCE"} {
		if value := ts.Getenv(name); value != "" {
			shell.Env = append(shell.Env, name+"="+value)
		}
	}
	input, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := shell.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var complaints strings.Builder
	shell.Stderr = &complaints
	if err := shell.Start(); err != nil {
		return nil, err
	}
	started := &running{shell: shell, input: input}
	said, err := bufio.NewReader(output).ReadString('\n')
	if said != "ready\n" {
		started.stop()
		return nil, errors.Join(err, fmt.Errorf("%s%s", said, complaints.String()))
	}
	return started, nil
}
