package nodes_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/touchmark/touchmark/certs-test/fleet"
	"github.com/touchmark/touchmark/certs-test/fleet/lab"
	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// nodeCount is how many servers of touchmark there are.
const nodeCount = 3

// site is servers of touchmark, each with cables of its own to two servers of the
// database: a primary, and a standby that has every commit before it is told.
type site struct {
	lab       *lab.Lab
	servers   []*lab.Server
	toxiproxy *toxiproxy
	cables    [nodeCount][2]*cable
	databases [2]*postgrestest.Server
	primary   int // of databases
	fleet     *fleet.Fleet
	// checkpoints are those that were taken meanwhile.
	checkpoints [][]byte
}

// newSite sets all up and waits until it works.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{toxiproxy: startToxiproxy(t)}
	var err error
	s.databases[0], err = postgrestest.Start(postgrestest.Config{Settings: map[string]string{"wal_retrieve_retry_interval": "100ms"}})
	check(t, err)
	t.Cleanup(func() {
		for _, d := range s.databases {
			if d != nil {
				check(t, d.Close())
			}
		}
	})
	url, err := s.databases[0].Database()
	check(t, err)
	s.databases[1], err = s.databases[0].Standby()
	check(t, err)
	for node := range s.cables {
		for i, d := range s.databases {
			s.cables[node][i] = s.toxiproxy.lay(t, fmt.Sprintf("node-%d-%d", node, i), d.Address())
		}
	}
	folder := t.TempDir()
	program, err := lab.Program(t.Context(), folder)
	check(t, err)
	s.lab, err = lab.New(t.Context(), lab.Config{Dir: folder, Program: program, Store: s.url(0, url), Nodes: nodeCount})
	check(t, err)
	for node := 1; node < nodeCount; node++ {
		s.connect(t, node, s.url(0, url), s.url(node, url))
	}
	s.servers = make([]*lab.Server, nodeCount)
	for node := range s.servers {
		s.serve(t, node)
	}
	t.Cleanup(func() {
		for _, server := range s.servers {
			server.Kill()
		}
	})
	s.fleet, err = fleet.New(fleet.Config{Site: s.lab.Site, Clients: clients(), Seed: 1, Name: "nodes", Grace: time.Minute, Clock: time.Now})
	check(t, err)
	t.Cleanup(s.fleet.Close)
	return s
}

// url is how a node reaches a database that url reaches directly: by its own
// cables, of which the one to the primary is used.
func (s *site) url(node int, url string) string {
	both := s.cables[node][0].Listen + "," + s.cables[node][1].Listen
	return s.databases[0].Through(both, url) + "&target_session_attrs=read-write"
}

// connect has a node's configuration name its own cables.
func (s *site) connect(t *testing.T, node int, first, own string) {
	t.Helper()
	path := filepath.Join(s.lab.Dir, fmt.Sprintf("node-%d.yaml", node+1))
	text, err := os.ReadFile(path)
	check(t, err)
	if !bytes.Contains(text, []byte(first)) {
		t.Fatalf("%s does not name %s", path, first)
	}
	check(t, os.WriteFile(path, bytes.Replace(text, []byte(first), []byte(own), 1), 0o600))
}

// clients is how many requests are under way at once: fewer in the short run, where
// everything has to be looked at in little time.
func clients() int {
	if *rounds > 1 {
		return 12
	}
	return 5
}

// serve starts a node and waits until it is ready.
func (s *site) serve(t *testing.T, node int) {
	t.Helper()
	server, err := s.lab.Serve(t.Context(), node)
	check(t, err)
	s.servers[node] = server
}

// ready waits until all nodes are.
func (s *site) ready(t *testing.T) {
	t.Helper()
	for node, server := range s.servers {
		if err := server.Await(t.Context()); err != nil {
			t.Fatalf("node %d: %v", node, err)
		}
	}
}

// leaveAlone waits until a node says that it is not ready, and keeps requests away
// from it for a while, as a balancer does.
func (s *site) leaveAlone(t *testing.T, node int) {
	t.Helper()
	time.Sleep(time.Second) // in which there are requests under way
	s.fleet.Avoid(node)
	eventually(t, 30*time.Second, fmt.Sprintf("node %d says that it is ready", node), func() error {
		said, err := httpClient().Get("http://" + s.lab.Site.Nodes[node].Status + "/readyz")
		if err != nil {
			return err
		}
		defer said.Body.Close()
		if said.StatusCode != 503 {
			return fmt.Errorf("/readyz: %s", said.Status)
		}
		return nil
	})
}

// signal sends a signal to a node's process.
func (s *site) signal(t *testing.T, node int, signal syscall.Signal) {
	t.Helper()
	check(t, syscall.Kill(s.servers[node].Process(), signal))
}

// eventually runs f until it returns nil, for so long at most.
func eventually(t *testing.T, most time.Duration, wrong string, f func() error) {
	t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(5 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", wrong, err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
