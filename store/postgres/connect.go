package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/touchmark/touchmark/enroll"
)

// How long the two ends wait for each other.
const (
	// connectTimeout bounds making a connection, where the URL does not.
	connectTimeout = 5 * time.Second
	// silence is how long the server may take for an answer. It is the only bound
	// on a commit, and cancels nothing: the connection is given up, and the outcome
	// looked up on another.
	silence = 12 * time.Second
	// writerIdle is how long a transaction that writes may stand still before the
	// server ends it: the node was paused or cut off, and others wait.
	writerIdle = "5s"
	// readerIdle is the same for a snapshot, which holds nobody up but the vacuum.
	readerIdle = "5min"
	// lockWait bounds waiting for what another batch holds. It is longer than
	// writerIdle, so that a node which went silent is waited for.
	lockWait = "8s"
)

// How many connections do not serve Views: the committer's and one for what is
// done beside it write, and one listens.
const (
	writers   = 2
	listeners = 1
)

// readers is how many connections serve Views.
func (c Config) readers() int { return c.Connections - writers - listeners }

// CheckURL returns the error that Open would refuse a Config's URL with. It opens
// nothing, and does not repeat the URL, which may hold a password.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

func parseURL(url string) (*pgxpool.Config, error) {
	parsed, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("it cannot be read as a URL of PostgreSQL; write postgres://user@host:port/database")
	}
	if parsed.ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return nil, errors.New("leave out default_query_exec_mode: the store needs prepared statements; a PgBouncer in between must allow them (max_prepared_statements)")
	}
	return parsed, nil
}

// connect opens the two pools, and prepares to listen.
func (s *Store) connect(ctx context.Context) error {
	parsed, err := parseURL(s.config.URL)
	if err != nil {
		return err
	}
	parsed.MinConns, parsed.MinIdleConns = 0, 0
	if parsed.ConnConfig.ConnectTimeout == 0 {
		parsed.ConnConfig.ConnectTimeout = connectTimeout
	}
	if parsed.ConnConfig.ValidateConnect == nil { // no target_session_attrs
		parsed.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	parsed.ConnConfig.DialFunc = dialer(parsed.ConnConfig.DialFunc)
	parsed.ConnConfig.RuntimeParams["application_name"] = "touchmark"
	s.listening = parsed.ConnConfig.Copy()
	s.listening.RuntimeParams["application_name"] += " listener"
	reading := parsed.Copy()
	parsed.MaxConns, reading.MaxConns = writers, int32(s.config.readers())
	parsed.ConnConfig.RuntimeParams["application_name"] += " writer"
	parsed.AfterConnect, reading.AfterConnect = settle(writerIdle), settle(readerIdle)
	if s.write, err = pgxpool.NewWithConfig(ctx, parsed); err != nil {
		return fmt.Errorf("%w: %w", enroll.ErrStoreUnavailable, err)
	}
	if s.read, err = pgxpool.NewWithConfig(ctx, reading); err != nil {
		s.write.Close()
		return fmt.Errorf("%w: %w", enroll.ErrStoreUnavailable, err)
	}
	return nil
}

// sqlSettle changes a session's settings. A server that does not know one is left
// as it is. Commits wait for durability, however they would by default.
const sqlSettle = `
SELECT set_config(name, wanted.value, false) FROM unnest($1::text[], $2::text[]) AS wanted (name, value) JOIN pg_settings USING (name)
UNION ALL SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`

// settle returns what makes a new session ours.
func settle(idle string) func(context.Context, *pgx.Conn) error {
	settings := map[string]string{
		// Each statement is planned once, for whatever keys, by index.
		"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off",
		"enable_hashjoin": "off", "enable_mergejoin": "off",
		"jit": "off", "max_parallel_workers_per_gather": "0",
		// Nobody waits for ever, and the server finds out about nodes that were cut
		// off.
		"lock_timeout": lockWait, "idle_in_transaction_session_timeout": idle,
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "12000",
	}
	names := slices.Sorted(maps.Keys(settings))
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = settings[name]
	}
	return func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sqlSettle, pgx.QueryExecModeExec, names, values)
		return err
	}
}
