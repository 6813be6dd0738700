package admit

import (
	"crypto/tls"
	"net"
	"sync/atomic"
)

// TLS has the handshakes of a listener take places of class: it returns the listener
// to serve, and a copy of c to serve it with. shed is told of each handshake for which
// there was none, and which ends with an alert.
//
// A handshake takes its place when the ClientHello is there and gives it back with the
// first flight of the answer, which is nearly all of what it costs; so a client that
// stalls holds a connection, and no place.
func (l *Limiter) TLS(inner net.Listener, c *tls.Config, class Class, shed func(Class)) (net.Listener, *tls.Config) {
	c = c.Clone()
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		shaking, ok := hello.Conn.(*handshake)
		if !ok {
			return nil, nil // not accepted by the listener below
		}
		if err := l.Acquire(hello.Context(), class); err != nil {
			shed(class)
			return nil, err
		}
		shaking.placed.Store(true)
		return nil, nil
	}
	return &handshakes{Listener: inner, limiter: l, class: class}, c
}

type handshakes struct {
	net.Listener
	limiter *Limiter
	class   Class
}

// Accept implements net.Listener.
func (h *handshakes) Accept() (net.Conn, error) {
	inner, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &handshake{Conn: inner, of: h}, nil
}

// handshake is a connection, whose first bytes from the server end its handshake's
// work.
type handshake struct {
	net.Conn
	of     *handshakes
	placed atomic.Bool
}

// Write implements net.Conn.
func (h *handshake) Write(p []byte) (int, error) {
	h.end()
	return h.Conn.Write(p)
}

// Close implements net.Conn.
func (h *handshake) Close() error {
	h.end()
	return h.Conn.Close()
}

func (h *handshake) end() {
	if h.placed.Load() && h.placed.Swap(false) {
		h.of.limiter.Release(h.of.class)
	}
}
