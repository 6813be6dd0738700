package postgres

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"
)

// Config says where the database is.
type Config struct {
	// URL is a connection URL of PostgreSQL, postgres://user@host/database or with
	// several hosts, postgres://user@a,b/database, of which the one that takes
	// writes is used. What it says of pool_max_conns and pool_min_conns is not
	// heeded; Connections is.
	URL string
	// Log is told what was opened, and what is tried again; nil for nobody.
	Log *slog.Logger
	// Connections bounds the connections to the database, from 5; 0 is 12. Two of
	// them write, one listens, the others serve Views.
	Connections int
	// Patience is how long an Update is tried again while the database cannot be
	// reached, before it fails with enroll.ErrStoreUnavailable; 0 is 15 seconds.
	// It is well below the minute after which other nodes take a silent one for
	// gone.
	Patience time.Duration
	// Rand is where the names of nodes and batches come from; nil is crypto/rand.
	Rand io.Reader
}

// The bounds and defaults of a Config.
const (
	minConnections     = 5
	defaultConnections = 12
	defaultPatience    = 15 * time.Second
	maxPatience        = 30 * time.Second
)

// complete fills in the defaults.
func (c Config) complete() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Connections == 0 {
		c.Connections = defaultConnections
	}
	c.Connections = max(c.Connections, minConnections)
	if c.Patience <= 0 {
		c.Patience = defaultPatience
	}
	c.Patience = min(c.Patience, maxPatience)
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}
