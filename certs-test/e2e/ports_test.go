package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// ports gives out ports on 127.0.0.1 that nobody listens on, each once. They are
// below the ephemeral range, so that no client takes one before its server does.
type ports struct {
	mu    sync.Mutex // guards given
	given map[int]bool
}

// Those above are for peer_ports of certs-test/peers, which the demo asks.
const firstPort, lastPort = 10_000, 20_000

func newPorts() *ports { return &ports{given: map[int]bool{}} }

// take returns one more port.
func (p *ports) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range lastPort - firstPort {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if p.given[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		p.given[port] = true
		return port, listener.Close()
	}
	return 0, fmt.Errorf("no port on 127.0.0.1 between %d and %d is free", firstPort, lastPort)
}
