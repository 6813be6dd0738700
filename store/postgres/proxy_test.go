package postgres_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/touchmark/touchmark/store/storetest"
)

// proxy stands between a node and the server. It knows just enough of the
// protocol to see a COMMIT go by, and can lose it or its answer, hold it up, or
// cut and refuse connections.
type proxy struct {
	listener net.Listener
	target   string
	served   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	pairs   map[*pair]bool
	ended   bool            // no pair outlives the test
	fault   storetest.Fault // of the next COMMIT
	refuses bool
	deaf    bool          // it lets nobody listen
	watched []byte        // in what is asked
	seen    int           // how often it was asked
	hold    chan struct{} // stops everything in the next transaction's middle until it is closed; nil for none
	stopped chan struct{} // closed when everything goes on; nil for nothing was stopped
	held    chan struct{} // closed when one is held up
}

// pair is the two ends of a connection through the proxy.
type pair struct {
	node, server net.Conn
	begins       string // the prepared statements' names
	commits      string
	mute         sync.Once
	muted        chan struct{} // closed when the node hears no more of the server
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, pairs: map[*pair]bool{}}
	p.served.Go(p.accept)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		p.cut()
		p.served.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// fail makes the next COMMIT fail.
func (p *proxy) fail(f storetest.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// holdUp stops everything when the next transaction has sent its first round trip,
// as if the node was paused, until release is called; held tells that it does.
func (p *proxy) holdUp() (held <-chan struct{}, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hold := make(chan struct{})
	p.hold, p.held = hold, make(chan struct{})
	return p.held, sync.OnceFunc(func() { close(hold) })
}

// refuse lets no new connections through, or lets them again.
func (p *proxy) refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = yes
}

// deafen lets no connections through that are to listen, or lets them again.
func (p *proxy) deafen(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = yes
}

// shuts reports whether a startup message is one that is not let through.
func (p *proxy) shuts(message []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deaf && bytes.Contains(message, []byte("touchmark listener"))
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.end()
	}
}

func (c *pair) end() {
	_ = c.node.Close()
	_ = c.server.Close()
}

func (p *proxy) accept() {
	for {
		node, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuses := p.refuses
		p.mu.Unlock()
		server, err := net.Dial("tcp", p.target)
		if err != nil || refuses {
			_ = node.Close()
			if server != nil {
				_ = server.Close()
			}
			continue
		}
		c := &pair{node: node, server: server, muted: make(chan struct{})}
		p.mu.Lock()
		p.pairs[c] = true
		if p.ended {
			c.end()
		}
		p.mu.Unlock()
		p.served.Go(func() { p.forward(c) })
		p.served.Go(func() { p.backward(c) })
	}
}

// forward takes messages from the node to the server.
func (p *proxy) forward(c *pair) {
	defer func() {
		c.end()
		p.mu.Lock()
		delete(p.pairs, c)
		p.mu.Unlock()
	}()
	from, to := bufio.NewReader(c.node), bufio.NewWriter(c.server)
	first := true // the startup message has no type
	began := false
	for {
		kind, message, err := readMessage(from, first)
		if err != nil || first && p.shuts(message) {
			return
		}
		first = false
		p.pass()
		p.look(kind, message)
		c.learn(kind, message)
		switch {
		case isBind(kind, message, c.begins):
			began = true
		case isBind(kind, message, c.commits) && !p.letCommit(c):
			return
		case kind == 'S' && began: // Sync: the first round trip is whole
			began = false
			if send(to, message, true) != nil {
				return
			}
			p.holdMiddle()
			continue
		}
		if send(to, message, from.Buffered() == 0) != nil {
			return
		}
	}
}

// learn remembers how the node calls BEGIN and COMMIT (in Parse).
func (c *pair) learn(kind byte, message []byte) {
	if kind != 'P' {
		return
	}
	name, rest, _ := bytes.Cut(message[5:], []byte{0})
	switch {
	case bytes.HasPrefix(rest, []byte("BEGIN ISOLATION LEVEL READ COMMITTED")):
		c.begins = string(name)
	case bytes.HasPrefix(rest, []byte("COMMIT\x00")):
		c.commits = string(name)
	}
}

// isBind reports whether a message begins to execute a prepared statement: of the
// nameless portal, by its name.
func isBind(kind byte, message []byte, name string) bool {
	return kind == 'B' && name != "" && bytes.HasPrefix(message[5:], []byte("\x00"+name+"\x00"))
}

// holdMiddle stops everything in the middle of a transaction, if that is to be.
func (p *proxy) holdMiddle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold != nil {
		p.hold, p.stopped = nil, p.hold
		close(p.held)
	}
}

// pass waits while everything is stopped.
func (p *proxy) pass() {
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

// letCommit decides what becomes of a COMMIT: whether it is sent on.
func (p *proxy) letCommit(c *pair) bool {
	p.mu.Lock()
	fault := p.fault
	p.fault = 0
	p.mu.Unlock()
	switch fault {
	case storetest.Lost:
		return false
	case storetest.KeptButReportedLost:
		c.mute.Do(func() { close(c.muted) })
	}
	return true
}

// backward takes messages from the server to the node. When it is muted it waits
// for the end of the round trip and ends the connection.
func (p *proxy) backward(c *pair) {
	defer c.end()
	from, to := bufio.NewReader(c.server), bufio.NewWriter(c.node)
	for {
		kind, message, err := readMessage(from, false)
		if err != nil {
			return
		}
		p.pass()
		select {
		case <-c.muted:
			if kind == 'Z' { // ReadyForQuery
				return
			}
			continue
		default:
		}
		if send(to, message, from.Buffered() == 0) != nil {
			return
		}
	}
}

// send writes a message, and what was kept back before it where nothing follows.
func send(to *bufio.Writer, message []byte, flush bool) error {
	if _, err := to.Write(message); err != nil || !flush {
		return err
	}
	return to.Flush()
}

// readMessage reads one message of the protocol, its type and length included.
func readMessage(r io.Reader, startup bool) (kind byte, message []byte, err error) {
	head := make([]byte, 5)
	if startup {
		head = head[1:]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[len(head)-4:])
	if size < 4 || size > 1<<28 {
		return 0, nil, errors.New("not a message of PostgreSQL")
	}
	message = append(head, make([]byte, size-4)...)
	_, err = io.ReadFull(r, message[len(head):])
	return head[0], message, err
}
