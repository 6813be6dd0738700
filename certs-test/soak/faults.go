package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// The run's parts, as shares of its length.
const (
	// restarts take the first fifth: after that it is one process, which is judged once
	// it has warmed up for a tenth.
	restartShare = 0.2
	warmUpShare  = 0.1
)

// Faults under one process.
const (
	faultEvery  = 2 * time.Minute
	fewestTimes = 1 // each kind
	longestTime = 10 * time.Second
)

type fault struct {
	name string
	// disturb does it for so long at most, and undoes it.
	disturb func(ctx context.Context, length time.Duration)
}

func (s *soak) faults() []fault {
	return []fault{
		{"paused", s.pause},
		{"clients that dribble", s.dribble},
		{"clients that go away", s.abandon},
		{"garbage", s.garbage},
		{"all at once", s.allAtOnce},
	}
}

// disturb restarts the server in the first part of the run, and leaves it alive in the
// second, whatever else happens to it.
func (s *soak) disturb(ctx context.Context) error {
	part := time.Duration(float64(s.length) * restartShare)
	rest := s.length - part
	kinds := s.faults()
	times := max(int(rest/faultEvery), fewestTimes*len(kinds))
	every := rest / time.Duration(times)
	length := min(every/6, longestTime)
	s.record.grace = length
	restarts := 2 * max(1, min(int(part/time.Minute), 10))
	for i := range restarts {
		if !wait(ctx, part/time.Duration(restarts+1)) {
			return nil
		}
		var err error
		name := map[bool]string{true: "ended and started again", false: "killed and started again"}[i%2 == 0]
		s.record.during(name, func() { err = s.restart(ctx, i%2 == 0) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !wait(ctx, part-s.since()) { // to the end of the first part
		return nil
	}
	for i := range times {
		if !wait(ctx, every/2) {
			return nil
		}
		f := kinds[i%len(kinds)]
		s.record.during(f.name, func() { f.disturb(ctx, length) })
		select {
		case <-s.current().Ended():
			return fmt.Errorf("it ended by itself, after %s; it said last:\n%s", f.name, s.current().LastWords())
		default:
		}
		if !wait(ctx, every/2-length) {
			return nil
		}
	}
	return nil
}

// restart ends the server, well or by kill -9, and starts it again.
func (s *soak) restart(ctx context.Context, well bool) error {
	if well {
		if err := s.current().Stop(ctx); err != nil {
			return err
		}
	} else {
		s.current().Kill()
	}
	server, err := s.lab.Serve(ctx, 0)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
	return nil
}

// pause stops the process for a while, as a suspended machine is.
func (s *soak) pause(ctx context.Context, length time.Duration) {
	process := s.current().Process()
	_ = syscall.Kill(process, syscall.SIGSTOP)
	wait(ctx, length)
	_ = syscall.Kill(process, syscall.SIGCONT)
}

// crowd is how many connections a fault makes.
const crowd = 50

// each has a crowd connect to a listener and do something, all at once, for so long.
func (s *soak) each(ctx context.Context, length time.Duration, secure bool, do func(ctx context.Context, c net.Conn)) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var all sync.WaitGroup
	for range crowd {
		all.Go(func() {
			var dialer net.Dialer
			c, err := dialer.DialContext(ctx, "tcp", s.lab.Site.Nodes[0].Device)
			if err != nil {
				return
			}
			defer c.Close()
			if !secure {
				do(ctx, c)
				return
			}
			client := tls.Client(c, &tls.Config{RootCAs: s.lab.Site.Roots, ServerName: "localhost"})
			if client.HandshakeContext(ctx) == nil {
				do(ctx, client)
			}
		})
	}
	all.Wait()
}

// dribble has clients send one octet at a time.
func (s *soak) dribble(ctx context.Context, length time.Duration) {
	const request = "POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs10\r\nContent-Length: 1000\r\n\r\nMIIB"
	s.each(ctx, length, true, func(ctx context.Context, c net.Conn) {
		for _, octet := range []byte(request) {
			if _, err := c.Write([]byte{octet}); err != nil || !wait(ctx, length/time.Duration(len(request))) {
				return
			}
		}
	})
}

// abandon has clients reset their connections in the middle of a request, and devices
// that do not wait for their answer, and ask again.
func (s *soak) abandon(ctx context.Context, length time.Duration) {
	s.each(ctx, length, true, func(_ context.Context, c net.Conn) {
		_, _ = io.WriteString(c, "POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nMIIB")
		if client, ok := c.(*tls.Conn); ok {
			if raw, ok := client.NetConn().(*net.TCPConn); ok {
				_ = raw.SetLinger(0)
			}
		}
	})
	for i := range min(20, len(s.members)) {
		m := s.members[s.chance(len(s.members))]
		if !m.mu.TryLock() {
			continue
		}
		if m.device.Rekey() == nil {
			impatient, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
			if s.clients.Renew(impatient, m.device).OK() {
				s.issued.Add(1)
			} else {
				s.renewAgain(context.WithoutCancel(ctx), m)
			}
			cancel()
		}
		m.mu.Unlock()
	}
}

// garbage is not TLS.
func (s *soak) garbage(ctx context.Context, length time.Duration) {
	s.each(ctx, length, false, func(_ context.Context, c net.Conn) {
		_, _ = c.Write([]byte("\x16\x03\x01\x40\x00garbage"))
		_ = c.SetReadDeadline(time.Now().Add(length))
		_, _ = io.Copy(io.Discard, c)
	})
}

// allAtOnce has as many devices renew at once as there are, again and again: more than
// the signatures that may be in flight, and than there are places.
func (s *soak) allAtOnce(ctx context.Context, length time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var all sync.WaitGroup
	for _, m := range s.members {
		all.Go(func() {
			if m.mu.TryLock() {
				defer m.mu.Unlock()
				s.renew(context.WithoutCancel(ctx), m)
			}
		})
	}
	all.Wait()
}
