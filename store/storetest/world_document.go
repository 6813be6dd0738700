package storetest

import (
	"bytes"
	"errors"

	"github.com/touchmark/touchmark/enroll"
)

func (w *world) documentKind() enroll.DocumentKind {
	return pick(w, enroll.GrantDocument, enroll.GrantOfDocument, enroll.GrantAtDocument, enroll.JobDocument)
}

// documentKey draws keys of which some begin others, or lie around what separates.
func (w *world) documentKey() string {
	return pick(w, "a", "a/", "a/1", "a/1/x", "a/2", "a0", "b", " ", "~", "~~", "a~")
}

func (w *world) documentPrefix() string {
	return pick(w, "", "", "a", "a/", "a/1", "~", "c", "\xff", "a\x00")
}

// document writes or deletes a document, and reads it and another.
func (w *world) document() step {
	kind, key, other := w.documentKind(), w.documentKey(), w.documentKey()
	data := bytes.Repeat([]byte{byte(w.IntN(256))}, pick(w, 0, 1, 100, 10_000, 40_000))
	gone := w.IntN(3) == 0
	return func(tx enroll.Tx) (any, error) {
		saw := map[string]string{}
		look := func(when, key string) error {
			found, err := tx.Document(kind, key)
			if errors.Is(err, enroll.ErrNotFound) {
				saw[when], err = "none", nil
			} else {
				saw[when] = "some: " + string(found)
			}
			return err
		}
		err := errors.Join(look("before", key), look("another", other))
		if gone {
			err = errors.Join(err, tx.DeleteDocument(kind, key))
		} else {
			err = errors.Join(err, tx.PutDocument(kind, key, data))
		}
		return saw, errors.Join(err, look("after", key))
	}
}

// documents lists what was committed before the transaction.
func (w *world) documents() step {
	kind, prefix := w.documentKind(), w.documentPrefix()
	if w.IntN(3) == 0 {
		kind = ""
	}
	return func(tx enroll.Tx) (any, error) {
		list, err := tx.Documents(kind, prefix, enroll.Page{Limit: enroll.MaxPage})
		return list.Items, err
	}
}
