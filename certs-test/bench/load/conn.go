package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience is how long one request may take in all.
const patience = 30 * time.Second

// maxAnswer bounds an answer's body, in bytes.
const maxAnswer = 64 << 10

// conn is a client's connection, opened once or for each request.
type conn struct {
	net.Conn
	reader *bufio.Reader
}

// open connects, with TLS unless config is nil.
func (c *conn) open(ctx context.Context, addr string, config *tls.Config) error {
	dialer := net.Dialer{Timeout: patience}
	raw, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	c.Conn = raw
	if config != nil {
		client := tls.Client(raw, config)
		if err := client.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return err
		}
		c.Conn = client
	}
	if c.reader == nil {
		c.reader = bufio.NewReader(c.Conn)
	} else {
		c.reader.Reset(c.Conn)
	}
	return nil
}

// exchange sends request and returns the body of its answer.
func (c *conn) exchange(request []byte) ([]byte, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close() // all of it was read
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("the server answered %s: %.200s", answer.Status, body)
	}
	return body, nil
}

func (c *conn) close() {
	if c.Conn != nil {
		_ = c.Conn.Close()
	}
}
