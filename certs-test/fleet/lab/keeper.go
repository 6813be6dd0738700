package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/touchmark/touchmark/store/postgres/postgrestest"
)

// ErrKeeper means that nothing keeps stores by that name.
var ErrKeeper = errors.New("no such store")

// Keeper is what keeps the store of a lab.
type Keeper struct {
	Name string
	URL  string // empty for a file of bolt in the lab
	// Database is a server of ours, which may be killed; nil for none.
	Database *postgrestest.Server
}

// OpenKeeper prepares a store: bolt, postgres (a server is started), or the URL of
// an empty database of PostgreSQL, whose server is left alone. Other words are
// ErrKeeper.
func OpenKeeper(store string) (*Keeper, error) {
	switch {
	case store == "bolt":
		return &Keeper{Name: store}, nil
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
		return &Keeper{Name: store, URL: url, Database: database}, nil
	case strings.HasPrefix(store, "postgres://"), strings.HasPrefix(store, "postgresql://"):
		return &Keeper{Name: "postgres", URL: store}, nil
	default:
		return nil, fmt.Errorf("%w: STORE is bolt, postgres, or the postgres:// URL of an empty database, not %q", ErrKeeper, store)
	}
}

// Close ends what was started.
func (k *Keeper) Close() error {
	if k.Database == nil {
		return nil
	}
	return k.Database.Close()
}
