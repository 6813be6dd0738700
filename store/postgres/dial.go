package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// dialer makes connections that do not wait for ever, and none to cancel what
// runs on another.
func dialer(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == (nowhere{}).Network() {
			return nil, errors.New("nothing is cancelled")
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &impatient{Conn: conn}, nil
	}
}

// impatient is a connection that gives up on a server which went silent, as one
// behind a cut cable.
type impatient struct {
	net.Conn

	mu    sync.Mutex // guards what follows
	until time.Time  // the deadline that pgx set, as it does when a context ends; zero for none
}

// SetDeadline implements net.Conn. The deadline stands beside that of silence.
func (c *impatient) SetDeadline(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = until
	return c.Conn.SetDeadline(until)
}

// bound sets the deadline of what is about to be done.
func (c *impatient) bound(set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := time.Now().Add(silence)
	if !c.until.IsZero() && c.until.Before(end) {
		end = c.until
	}
	return set(end)
}

func (c *impatient) Read(p []byte) (int, error) {
	if err := c.bound(c.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *impatient) Write(p []byte) (int, error) {
	if err := c.bound(c.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// RemoteAddr hides the address: pgx asks for it to send a cancel request for what
// runs on a connection that broke, and a commit is never cancelled. (A commit
// that waits for a standby would end without it.)
func (c *impatient) RemoteAddr() net.Addr { return nowhere{} }

// nowhere is an address that nobody can be called at.
type nowhere struct{}

func (nowhere) Network() string { return "nowhere" }
func (nowhere) String() string  { return "nowhere" }
