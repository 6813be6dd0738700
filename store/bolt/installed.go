package bolt

import (
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/enroll"
	"go.etcd.io/bbolt"
)

// pseudonymKeySize is what an installation's key has, in octets; that of a copy
// of a store that was not finished has another length, and no server starts on it.
const pseudonymKeySize = 32

// CheckInstalled makes sure that a file which Verify has passed is the store of
// an installation, on which a server was set up, and not an empty one or an
// unfinished copy of another. It changes nothing.
func CheckInstalled(path string) error {
	if err := guarded(func() error { return checkInstalled(path) }); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func checkInstalled(path string) (err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait, NoStatistics: true})
	if err != nil {
		return openError(path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.View(func(tx *bbolt.Tx) error {
		if _, err := readSchema(tx); err != nil {
			return err
		}
		found, err := (&reader{snapshot: &snapshot{tx: tx}}).Installation()
		switch {
		case errors.Is(err, enroll.ErrNotFound):
			return errors.New("no server was ever set up on it: it holds no installation")
		case err != nil:
			return err
		case len(found.PseudonymKey) != pseudonymKeySize:
			return errors.New("it is an unfinished copy of another store: finish the copy first")
		}
		return nil
	})
}
