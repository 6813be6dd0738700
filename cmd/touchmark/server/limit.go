package server

import (
	"net"
	"sync"
)

// limitConnections has a listener accept no more than most connections at a time.
// Further ones wait in the system's queue. Unlike netutil.LimitListener it leaves
// connections that can close one side as such: net/http ends with that what it refuses
// to read, so that the refusal arrives.
func limitConnections(inner *net.TCPListener, most int) net.Listener {
	return &limited{TCPListener: inner, places: make(chan struct{}, most), closed: make(chan struct{})}
}

type limited struct {
	*net.TCPListener
	places chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	inner, err := l.AcceptTCP()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placedConn{TCPConn: inner, of: l}, nil
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.TCPListener.Close()
}

// placedConn is a connection that gives its place back when it is closed.
type placedConn struct {
	*net.TCPConn
	of   *limited
	once sync.Once
}

// Close implements net.Conn.
func (c *placedConn) Close() error {
	err := c.TCPConn.Close()
	c.once.Do(func() { <-c.of.places })
	return err
}
