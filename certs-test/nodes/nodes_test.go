package nodes_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
)

// rounds is how often everything happens; from the second time on nodes are paused
// for more than the minute after which the others take them for gone.
var rounds = flag.Int("rounds", 1, "how often everything happens")

// Pauses: past a lease, and the time after which a node is not ready; and past the
// minute after which it is taken for gone.
const (
	shortPause = enroll.MaxFollowLag + enroll.LeadTerm
	longPause  = 70 * time.Second
)

// TestNodes is the proof: see the package's documentation.
func TestNodes(t *testing.T) {
	s := newSite(t)
	for round := range *rounds {
		trials := s.trials(round)
		for i, trial := range trials {
			t.Run(fmt.Sprintf("%d %s", round+1, trial.name), func(t *testing.T) {
				s.underLoad(t, func() { trial.disturb(t, (round+i)%nodeCount) })
			})
			if t.Failed() {
				s.tell(t)
				return
			}
		}
	}
	s.judgeAll(t)
	counts := s.fleet.Ledger.Counts()
	t.Logf("%d operations acknowledged (%v), %d in doubt and settled, %d devices checked", counts.Operations(), counts.Acknowledged, counts.Doubts, counts.Checked)
}

// trial is something that happens to a site under load.
type trial struct {
	name string
	// disturb does it to a node, or to all, and undoes it.
	disturb func(t *testing.T, node int)
}

func (s *site) trials(round int) []trial {
	pause := shortPause
	if round > 0 {
		pause = longPause
	}
	return []trial{
		{"all is well", func(t *testing.T, _ int) {
			took := s.spread(t, s.volunteers(t, fmt.Sprintf("well%d", round), 20+80*min(round, 1)))
			t.Logf("under load, %d times, other nodes said revoked after the answer in %s (median), %s (p99), %s (most)",
				len(took), percentile(took, 50), percentile(took, 99), took[len(took)-1])
		}},
		{"a node is killed", func(t *testing.T, node int) {
			s.servers[node].Kill()
			s.fleet.Avoid(node)
			time.Sleep(enroll.LeadTerm)
			s.serve(t, node)
		}},
		{"a node is paused", func(t *testing.T, node int) { s.paused(t, node, pause, round) }},
		{"a node's cable is cut", func(t *testing.T, node int) {
			for _, c := range s.cables[node] {
				c.set(t, "enabled", false)
			}
			s.leaveAlone(t, node)
		}},
		{"a node's cable goes silent", func(t *testing.T, node int) {
			for _, c := range s.cables[node] {
				c.spoil(t, "timeout", map[string]any{"timeout": 0})
			}
			s.leaveAlone(t, node)
		}},
		{"a node's cable is slow", func(t *testing.T, node int) {
			for _, c := range s.cables[node] {
				c.spoil(t, "latency", map[string]any{"latency": 60, "jitter": 40})
			}
			time.Sleep(3 * time.Second)
		}},
		{"a node's connections are reset", func(t *testing.T, node int) {
			for range 6 {
				for _, c := range s.cables[node] {
					c.spoil(t, "reset_peer", map[string]any{"timeout": 20})
				}
				time.Sleep(200 * time.Millisecond)
				s.toxiproxy.mend(t)
				time.Sleep(200 * time.Millisecond)
			}
		}},
		{"the database is restarted", func(t *testing.T, _ int) { s.restartDatabase(t, false) }},
		{"the database is killed", func(t *testing.T, _ int) { s.restartDatabase(t, true) }},
		{"the standby is promoted", func(t *testing.T, _ int) { s.failOver(t) }},
	}
}

// underLoad does something while the fleet works, and then has everybody calm down
// and holds all nodes to what was acknowledged.
func (s *site) underLoad(t *testing.T, disturb func()) {
	t.Helper()
	working, stop := context.WithCancel(t.Context())
	var fleetAtWork sync.WaitGroup
	fleetAtWork.Go(func() { s.fleet.Work(working) })
	finish := sync.OnceFunc(func() {
		stop()
		fleetAtWork.Wait()
	})
	defer finish()
	before := s.fleet.Ledger.Counts().Operations()
	time.Sleep(time.Second)
	disturb()
	s.toxiproxy.mend(t)
	s.fleet.Avoid()
	s.ready(t)
	time.Sleep(time.Second)
	finish()
	check(t, s.fleet.Settle(t.Context()))
	check(t, s.fleet.Verify(t.Context(), fleet.Scope{Sample: 30}))
	for _, fault := range s.fleet.Ledger.Faults() {
		t.Error(fault)
	}
	checkpoint, err := s.operator(t, 0).Checkpoint(t.Context())
	check(t, err)
	s.checkpoints = append(s.checkpoints, checkpoint)
	t.Logf("%d operations were acknowledged", s.fleet.Ledger.Counts().Operations()-before)
}

// paused stops a node for longer than its leases last. When it wakes it says of
// what was revoked meanwhile that it is, from the first answer on.
func (s *site) paused(t *testing.T, node int, length time.Duration, round int) {
	t.Helper()
	v := s.volunteers(t, fmt.Sprintf("pause%d", round), 1)[0]
	s.keep(t, v)
	s.signal(t, node, syscall.SIGSTOP)
	s.fleet.Avoid(node)
	s.revoke(t, (node+1)%nodeCount, v)
	s.awaitRevoked(t, (node+2)%nodeCount, v)
	time.Sleep(length)
	s.fleet.Avoid() // what was sent to it meanwhile, and is sent now, it finds when it wakes
	s.signal(t, node, syscall.SIGCONT)
	for range 20 {
		if status, err := s.ask(t, node, v.leaf); err == nil && status != ocsp.Revoked {
			t.Fatalf("the node that was paused says %d of what was revoked meanwhile", status)
		}
	}
	s.awaitRevoked(t, node, v)
}

// restartDatabase stops the primary, at once or having sent everybody away, and
// starts it again.
func (s *site) restartDatabase(t *testing.T, atOnce bool) {
	t.Helper()
	primary := s.databases[s.primary]
	check(t, primary.Stop(atOnce))
	time.Sleep(time.Second)
	check(t, primary.Resume())
	time.Sleep(2 * time.Second)
}

// failOver kills the primary for good, promotes its standby, and gives that a
// standby in turn.
func (s *site) failOver(t *testing.T) {
	t.Helper()
	old := s.primary
	check(t, s.databases[old].Stop(true))
	time.Sleep(500 * time.Millisecond)
	s.primary = 1 - old
	check(t, s.databases[s.primary].Promote())
	time.Sleep(2 * time.Second)
	check(t, s.databases[old].Close())
	s.databases[old] = nil
	next, err := s.databases[s.primary].Standby()
	check(t, err)
	s.databases[old] = next
	for node := range s.cables {
		s.cables[node][old].set(t, "upstream", next.Address())
	}
	time.Sleep(time.Second)
}

// judgeAll holds all nodes to the ledger once more, and exports the log from each: it
// is one sequence, and proves every checkpoint that was taken.
func (s *site) judgeAll(t *testing.T) {
	t.Helper()
	// What a trial touched was looked at after it; the short run leaves it at a sample.
	check(t, s.fleet.Verify(t.Context(), fleet.Scope{All: *rounds > 1, Sample: 300}))
	for _, fault := range s.fleet.Ledger.Faults() {
		t.Error(fault)
	}
	var first []byte
	for node := range s.servers {
		var export bytes.Buffer
		for line, err := range s.operator(t, node).Audit(t.Context()) {
			check(t, err)
			export.Write(line)
			export.WriteByte('\n')
		}
		if first == nil {
			first = export.Bytes()
		}
		// Reading is an event too, so that later exports are longer. What is proved of
		// the first is proved of those that begin with it, byte for byte.
		if !bytes.HasPrefix(export.Bytes(), first) {
			t.Errorf("the log of node %d does not begin with that of node 0", node)
		}
	}
	for i, text := range append(s.checkpoints, s.fleet.Ledger.Checkpoint) {
		checkpoint, err := audit.OpenCheckpoint(text, s.lab.Site.LogKey)
		check(t, err)
		if _, err := audit.Verify(bytes.NewReader(first), checkpoint); err != nil {
			t.Errorf("the log, checkpoint %d of %d records: %v", i, checkpoint.Size, err)
		}
	}
	t.Logf("the log has %d records, and proves %d checkpoints on every node", bytes.Count(first, []byte("\n")), len(s.checkpoints)+1)
}

// tell logs the ends of what the nodes said.
func (s *site) tell(t *testing.T) {
	t.Helper()
	for node, server := range s.servers {
		t.Logf("node %d said at the end:\n%s", node, server.LastWords())
	}
}
