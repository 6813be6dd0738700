package main

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// Ports below those that systems give to connections (from 32768 on Linux), so
// that no client of a test is given one before its server has it.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

// portRange gives each port once.
type portRange struct {
	mu   sync.Mutex // guards next
	next int
}

func newPortRange() *portRange { return &portRange{next: firstPort + rand.IntN(lastPort-firstPort)} }

// claim sets each variable named to host:port of a free port.
func (r *portRange) claim(ts *testscript.TestScript, _ bool, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		for tries := 0; ; tries++ {
			addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(r.next))
			if r.next++; r.next > lastPort {
				r.next = firstPort
			}
			l, err := net.Listen("tcp", addr)
			if err == nil {
				ts.Check(l.Close())
				ts.Setenv(name, addr)
				break
			}
			if tries == 100 {
				ts.Fatalf("no free port: %v", err)
			}
		}
	}
}
