package main

import (
	"fmt"
	"strings"

	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// keeper is what keeps the store of a lab.
type keeper struct {
	name string
	url  string // empty for a file of bolt in the lab
	// database is a server of ours, which may be killed; nil for none.
	database *postgrestest.Server
}

// openKeeper prepares a store: bolt, postgres (a server is started), or the URL of
// an empty database of PostgreSQL, whose server is left alone.
func openKeeper(store string) (*keeper, error) {
	switch {
	case store == "bolt":
		return &keeper{name: store}, nil
	case store == "postgres":
		database, err := postgrestest.Start(postgrestest.Config{})
		if err != nil {
			return nil, err
		}
		url, err := database.Database()
		if err != nil {
			_ = database.Close() // the first error is the one to tell
			return nil, err
		}
		return &keeper{name: store, url: url, database: database}, nil
	case strings.HasPrefix(store, "postgres://"), strings.HasPrefix(store, "postgresql://"):
		return &keeper{name: "postgres", url: store}, nil
	default:
		return nil, fmt.Errorf("%w: STORE is bolt, postgres, or the postgres:// URL of an empty database, not %q", errWrongUse, store)
	}
}

// close ends what was started.
func (k *keeper) close() error {
	if k.database == nil {
		return nil
	}
	return k.database.Close()
}
