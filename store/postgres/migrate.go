package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/touchmark/touchmark/enroll"
)

// migrations bring the schema up, one file for each version, and only ever
// forward. Nodes of the version before go on working while one is made and
// afterwards: it adds tables, columns that have a default or may be NULL, and
// indexes. One that cannot be like that holds all gates and raises nodes.schema,
// on which older nodes end.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schema is the version that this program reads and writes: the last migration's.
const schema = 4

// schemaTable is where the versions are recorded that were applied.
const schemaTable = "schema_versions"

// checkFloor refuses a schema that takes a newer program.
func checkFloor(floor int64) error {
	if floor > schema {
		return newerSchema(floor)
	}
	return nil
}

func newerSchema(found int64) error {
	return fmt.Errorf("the database was %w (schema %d, this program knows %d): run that version, or restore a backup from before the upgrade", enroll.ErrStoreNewer, found, schema)
}

// prepare waits for the database, migrates it and joins the other nodes.
func (s *Store) prepare(ctx context.Context) error {
	until := time.Now().Add(s.config.Patience)
	for count := 0; ; count++ {
		version, err := s.migrate(ctx)
		if err == nil {
			if err = s.join(); err == nil {
				s.config.Log.InfoContext(ctx, "opened the store", "schema", version, "slot", s.gate.slot, "neighbours", s.gate.neighbours.Load())
				return nil
			}
		}
		switch {
		case errors.Is(err, enroll.ErrStoreUnavailable), troubleOf(err) == fault, errors.Is(err, errSchema):
			return err
		case turnsAway(err):
			return fmt.Errorf("the server turns us away; check user, password, database and settings in the URL: %w", err)
		case time.Now().After(until):
			return unavailable(err)
		}
		s.write.Reset()
		t := &tries{count: count}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(t.pause()):
		}
	}
}

// errSchema is wrapped by what is wrong with the schema, whoever asks.
var errSchema = errors.New("the schema")

// migrate applies what migrations are missing and returns the schema's version.
// Where several nodes do it at once, one of them succeeds and the others see that
// it did.
func (s *Store) migrate(ctx context.Context) (version int64, err error) {
	db := stdlib.OpenDBFromPool(s.write)
	defer func() { err = errors.Join(err, db.Close()) }() // which leaves the pool open
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, err
	}
	if version, err = provider.GetDBVersion(ctx); err != nil || version == schema {
		return version, err
	}
	if version > schema {
		return version, fmt.Errorf("%w: %w", errSchema, newerSchema(version))
	}
	s.config.Log.InfoContext(ctx, "bringing the schema up to date", "from", version, "to", schema)
	_, err = provider.Up(ctx)
	return schema, err
}
