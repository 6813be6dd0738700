package postgres

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Whoever adds to the log tells the other nodes in the same transaction, if they
// are known to hear it.
const (
	// channel is named after the log's table, for a database may have several.
	channel     = `'touchmark_' || 'log'::regclass::oid`
	sqlChannel  = `SELECT ` + channel
	sqlTellThem = `SELECT pg_notify(` + channel + `, $1)`
)

// How long until the next attempt to listen: after an outage, and where the
// database does not know how.
const (
	listenAgain = time.Second
	listenLater = time.Minute
)

// listen hears of what other nodes add to the log until ctx is done. A database
// in which that is not possible is only looked at.
func (s *Store) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.hear(ctx)
		s.heard.Store(false)
		pause := listenAgain
		if troubleOf(err) == fault {
			pause = listenLater
		}
		if ctx.Err() == nil {
			s.config.Log.DebugContext(ctx, "the database sends no notifications; the log is looked at instead", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// hear listens on a connection of its own until it breaks. What it hears first is
// itself: only then is it known that notifications arrive.
func (s *Store) hear(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.listening)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	var name string
	if err := conn.QueryRow(ctx, sqlChannel).Scan(&name); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{name}.Sanitize()); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, sqlTellThem, s.gate.name()); err != nil {
		return err
	}
	for {
		told, err := conn.WaitForNotification(ctx)
		switch {
		case err == nil && told.Payload == s.gate.name():
			s.heard.Store(true)
		case err == nil:
			s.elsewhere.tell()
		case ctx.Err() == nil && pgconn.Timeout(err): // it has been silent; is it still there?
			if err := conn.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// tellThem puts a notification of the other nodes, if there are any, into a round
// trip that adds to the log.
func (s *Store) tellThem(b *pgx.Batch) {
	if s.heard.Load() && !s.gate.single() {
		b.Queue(sqlTellThem, s.gate.name())
	}
}

// name is the node as notifications tell it.
func (g *gate) name() string { return hex.EncodeToString(g.node) }
