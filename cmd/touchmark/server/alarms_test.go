package server_test

import (
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/server"
)

// shows waits until a scrape has a line, for some looks.
func (r *running) shows(t *testing.T, line string) {
	t.Helper()
	for deadline := time.Now().Add(45 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		shown := r.metrics(t)
		if strings.Contains(shown, line+"\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", line, shown)
		}
	}
}

// TestAlarmsOfARunningServer has the disk fill and empty, and the clock jump by a year
// and back, under a server that has no other fault.
func TestAlarmsOfARunningServer(t *testing.T) {
	t.Parallel()
	var free, jump atomic.Int64
	free.Store(100 << 20)
	began := time.Now()
	r := startWith(t, asItIs, func(c *server.Config) {
		c.Clock = func() time.Time { return time.Now().Round(0).Add(time.Duration(jump.Load())) }
		c.Elapsed = func() time.Duration { return time.Since(began) }
		c.Room = func(string) (uint64, uint64, error) { return uint64(free.Load()), 1 << 40, nil }
	}).ready(t)

	r.shows(t, `touchmark_alarm{alarm="disk_full"} 1`)
	r.shows(t, `touchmark_alarm{alarm="disk_space"} 1`)
	r.shows(t, `touchmark_disk_free_bytes{folder="store"} 1.048576e+08`)
	r.shows(t, `touchmark_alarm{alarm="clock"} 0`)

	free.Store(1 << 40)
	jump.Store(int64(365 * 24 * time.Hour))
	r.shows(t, `touchmark_alarm{alarm="disk_full"} 0`)
	r.shows(t, `touchmark_alarm{alarm="clock"} 1`)
	r.shows(t, `touchmark_clock_fault{fault="jumped"} 1`)
	r.shows(t, `touchmark_alarm{alarm="listener_certificate"} 0`)
	r.certifiedAt(t, 0)
	r.certifiedAt(t, 365*24*time.Hour)
	if text := r.log.String(); !strings.Contains(text, `"msg":"alarm raised","alarm":"clock"`) {
		t.Errorf("the log says nothing of the clock:\n%s", text)
	}

	jump.Store(0)
	r.shows(t, `touchmark_alarm{alarm="clock"} 0`)
	r.shows(t, `touchmark_alarm{alarm="responder_certificate"} 0`)
	r.ready(t)
}

// certifiedAt connects as a client whose clock is ahead, until the listener has a
// certificate that is good for it.
func (r *running) certifiedAt(t *testing.T, ahead time.Duration) {
	t.Helper()
	config := &tls.Config{RootCAs: r.roots(t), Time: func() time.Time { return time.Now().Add(ahead) }}
	for deadline := time.Now().Add(45 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", r.settings.API.Addr, config)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a client %s ahead: %v", ahead, err)
		}
	}
}
