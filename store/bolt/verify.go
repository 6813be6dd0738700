package bolt

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// Verify checks all of a file that nobody has open, such as a backup, and changes
// nothing. It is a store of this or an older schema, and
//
//   - its pages are whole: each is used once or free, and keys are in order;
//   - every row can be read, and the indexes name what is there and nothing else;
//   - each record of the log hashes to what the Merkle tree has, up to its root;
//     of records that were dropped the tree has what their tiles hash to;
//   - each certificate can be parsed, has the serial number and the public key
//     that it is kept under, and was signed by its issuer; so were the CRLs. An
//     issuer has the name and the key that it is kept under;
//   - the orders that a device names are there, and the keys that devices have and
//     had, but for those that were forgotten with certificates that were archived.
//
// It reads the file from its beginning to its end and holds little of it at a
// time. The error says what was found first; no file makes the program fail.
func Verify(path string) error { return verifyFile(path, (*verifier).form, (*verifier).content) }

// verifyFile checks a file, and each of its rows in some ways.
func verifyFile(path string, checks ...rowCheck) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("checking a store: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("checking a store: %s is no file", path)
	}
	if err := guarded(func() error { return verifyOpened(path, checks) }); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// guarded makes an error of what bbolt panics with, and of reading what is not
// there any more of a file that it maps into memory.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("damaged: it cannot be read: %v", cause)
		}
	}()
	return fn()
}

func verifyOpened(path string, checks []rowCheck) (err error) {
	file, err := os.Open(path) // #nosec G304 -- the store
	if err != nil {
		return err
	}
	defer file.Close()
	if err := checkBeginning(file); err != nil {
		return err
	}
	// bbolt holds a lock from here on; of the pages it has looked at the first two.
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait, NoStatistics: true})
	if err != nil {
		return openError(path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := checkPages(file); err != nil {
		return fmt.Errorf("damaged: %w", err)
	}
	return db.View(func(tx *bbolt.Tx) error { return verifyRows(tx, checks) })
}

// verifyRows checks what stands in the trees.
func verifyRows(tx *bbolt.Tx, checks []rowCheck) (err error) {
	found, err := readSchema(tx)
	if err != nil {
		return err
	}
	for t := range treeCount {
		if t.since() <= found && tx.Bucket(t.name()) == nil {
			return fmt.Errorf("the tree %s is missing", t.name())
		}
	}
	v, err := newVerifier(tx, found)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.aside.Wait()) }()
	return v.rows(checks)
}

func (v *verifier) rows(checks []rowCheck) error {
	for t := range treeCount {
		if t.since() > v.schema {
			continue
		}
		for key, value := range v.ascend(t, nil, nil) {
			for _, check := range checks {
				if err := check(v, t, key, value); err != nil {
					return rowFault(t, key, err)
				}
			}
		}
	}
	return v.end()
}

// rowFault names the row that err is about.
func rowFault(t tree, key []byte, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the row %.100x of the tree %s is damaged: %w", key, t.name(), err)
}
