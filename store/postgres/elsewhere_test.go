package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/postgres"
)

// until repeats something until a store has heard of it, or of nothing for too
// long.
func until(t *testing.T, told <-chan struct{}, again func()) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		again()
		select {
		case <-told:
			return
		case <-tick.C:
		}
	}
	t.Fatal("nothing was heard from elsewhere")
}

// TestElsewhere tells a node of what another one adds to the log, with and
// without notifications.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf %t", deaf), func(t *testing.T) {
			t.Parallel()
			url := database(t)
			p := newProxy(t, server.Address())
			p.deafen(deaf)
			near, far := open(t, postgres.Config{URL: url}), open(t, postgres.Config{URL: server.Through(p.address(), url)})
			for n, pair := range [][2]*postgres.Store{{near, far}, {far, near}} {
				update(t, pair[0], func(tx enroll.Tx) error {
					return errors.Join(tx.PutDevice(device(n)), tx.Append(eventOf(deviceID(n), n)))
				})
				for found := false; !found; {
					select {
					case <-pair[1].Elsewhere():
					case <-time.After(time.Minute):
						t.Fatal("nothing was heard from elsewhere")
					}
					view(t, pair[1], func(r enroll.Reader) error {
						story, err := r.Records(enroll.RecordFilter{Device: deviceID(n)})
						found = len(story.Items) == 1
						return err
					})
				}
			}
		})
	}
}

// TestNotifications looks at what goes over the wire: of nodes that have neighbours
// the one that adds to the log tells the others, and each hears what it is told,
// also on a connection that it had to make anew.
func TestNotifications(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := newProxy(t, server.Address())
	open(t, postgres.Config{URL: url})
	s := open(t, postgres.Config{URL: server.Through(p.address(), url)})
	conn := connect(t, url)
	var channel string
	var names []string
	err := conn.QueryRow(t.Context(), "SELECT 'touchmark_' || 'log'::regclass::oid, ARRAY (SELECT encode(node, 'hex') FROM nodes WHERE slot > 0)").Scan(&channel, &names)
	if err != nil {
		t.Fatal(err)
	}
	ears := connect(t, url)
	if _, err := ears.Exec(t.Context(), "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 1)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for count := 0; ; {
			n, err := ears.WaitForNotification(ctx)
			if err != nil {
				return
			}
			if slices.Contains(names, n.Payload) {
				count++
			}
			if count > 2*len(names) { // each says its name when it begins to listen
				select {
				case told <- struct{}{}:
				default:
				}
			}
		}
	}()
	n := 0
	until(t, told, func() {
		n++
		update(t, s, func(tx enroll.Tx) error { return tx.Append(eventOf(deviceID(n), n)) })
	})
	stop()
	<-ended
	if err := s.Settle(t.Context()); err != nil { // from now on the log is as it is
		t.Fatal(err)
	}
	for _, cut := range []bool{false, true} {
		if cut {
			p.cut()
		}
		until(t, s.Elsewhere(), func() {
			if _, err := conn.Exec(t.Context(), "SELECT pg_notify($1, 'another')", channel); err != nil {
				t.Fatal(err)
			}
		})
	}
}
