package overload_test

import (
	"crypto/tls"
	"net"
	"testing"
)

// mostForConnection is what a connection that is there and does nothing may cost, in
// octets of memory: docs/operations/overload.md has people reckon with it.
const mostForConnection = 96 << 10

// TestConnectionsTakeLittle opens connections that have sent nothing since their
// handshake, to each listener with TLS, and to the public one.
func TestConnectionsTakeLittle(t *testing.T) {
	s := newSite(t, 10)
	node := s.clients.Site.Nodes[0]
	const n = 1000
	for _, at := range []struct {
		name, addr string
		secure     bool
	}{{"device", node.Device, true}, {"status", node.Status, false}} {
		before, err := s.clients.SampleOf(t.Context(), s.server.Process())
		check(t, err)
		for range n {
			var c net.Conn
			if at.secure {
				c, err = tls.Dial("tcp", at.addr, &tls.Config{RootCAs: s.clients.Site.Roots})
			} else {
				c, err = net.Dial("tcp", at.addr)
			}
			check(t, err)
			t.Cleanup(func() { _ = c.Close() })
		}
		after, err := s.clients.SampleOf(t.Context(), s.server.Process())
		check(t, err)
		each := (after.Resident - before.Resident) / n
		t.Logf("%s: %.1f KiB of memory for each connection, with what waits to be collected", at.name, each/1024)
		if each > mostForConnection {
			t.Errorf("%s: more than %d KiB", at.name, mostForConnection>>10)
		}
		if opened := after.Descriptors - before.Descriptors; opened < n {
			t.Errorf("%s: %.0f of %d connections are open", at.name, opened, n)
		}
	}
}
