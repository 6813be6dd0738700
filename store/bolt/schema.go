package bolt

import (
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/touchmark/touchmark/enroll"
)

// schema is the number of the schema that this program reads and writes.
const schema = 3

// migrations bring a file from one schema to the next: the first from 1 to 2.
// Their number is schema-1.
func migrations() []func(*bbolt.Tx) error {
	return []func(*bbolt.Tx) error{
		func(tx *bbolt.Tx) error { return makeTrees(tx, 2) }, // nothing was ever archived before
		func(tx *bbolt.Tx) error { return makeTrees(tx, 3) }, // and there were no documents
	}
}

// migrate makes the trees of a new file, brings those of an older program up to
// date, and refuses what a newer program wrote.
func migrate(tx *bbolt.Tx) error {
	found, err := readSchema(tx)
	switch {
	case errors.Is(err, errEmpty):
		return create(tx)
	case err != nil:
		return err
	case found == schema:
		return nil
	}
	for _, step := range migrations()[found-1:] {
		if err := step(tx); err != nil {
			return fmt.Errorf("bringing the store up to date from schema %d: %w", found, err)
		}
		found++
	}
	return writeSchema(tx)
}

// errEmpty is returned by readSchema for a file without any tree.
var errEmpty = errors.New("an empty file")

// readSchema returns the file's schema, 1 to schema.
func readSchema(tx *bbolt.Tx) (int, error) {
	b := tx.Bucket(meta.name())
	if b == nil {
		if first, _ := tx.Cursor().First(); first == nil {
			return 0, errEmpty
		}
		return 0, errors.New("not a store of Touchmark: it belongs to another program; check the path")
	}
	found, err := strconv.Atoi(string(b.Get([]byte("schema"))))
	switch {
	case err != nil || found < 1:
		return 0, errors.New("not a store of Touchmark, or damaged: it says no schema; restore it from a backup")
	case found > schema:
		return 0, fmt.Errorf("%w (schema %d, this program knows %d): run that version, or restore a backup from before the upgrade", enroll.ErrStoreNewer, found, schema)
	}
	return found, nil
}

func create(tx *bbolt.Tx) error {
	for number := range schema {
		if err := makeTrees(tx, number+1); err != nil {
			return err
		}
	}
	return writeSchema(tx)
}

// makeTrees makes the trees that came with a schema.
func makeTrees(tx *bbolt.Tx, schema int) error {
	for t := range treeCount {
		if t.since() != schema {
			continue
		}
		if _, err := tx.CreateBucket(t.name()); err != nil {
			return fmt.Errorf("making the tree %s: %w", t.name(), err)
		}
	}
	return nil
}

func writeSchema(tx *bbolt.Tx) error {
	return tx.Bucket(meta.name()).Put([]byte("schema"), strconv.AppendInt(nil, schema, 10))
}
