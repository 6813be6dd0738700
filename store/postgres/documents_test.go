package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/postgres"
)

// lookFor reads a document that must be as it is wanted; nil for none.
func lookFor(t *testing.T, r enroll.Reader, key string, want []byte) {
	t.Helper()
	data, err := r.Document(enroll.PolicyDocument, key)
	isDocument(t, key, data, err, want)
}

func isDocument(t *testing.T, key string, data []byte, err error, want []byte) {
	t.Helper()
	if want == nil && !errors.Is(err, enroll.ErrNotFound) || want != nil && (err != nil || !bytes.Equal(data, want)) {
		t.Errorf("%s: got %.20q of %d bytes, error %v, want %.20q", key, data, len(data), err, want)
	}
}

// TestDocumentsAreRemembered counts how often a node asks for documents that it
// has asked for before, there or not, and for one that is too large to remember.
func TestDocumentsAreRemembered(t *testing.T) {
	t.Parallel()
	for _, neighbours := range []int{0, 1} {
		t.Run(fmt.Sprintf("beside %d others", neighbours), func(t *testing.T) {
			url := database(t)
			p := newProxy(t, server.Address())
			large := bytes.Repeat([]byte("large"), 10_000)
			update(t, open(t, postgres.Config{URL: url}), func(tx enroll.Tx) error {
				return errors.Join(tx.PutDocument(enroll.PolicyDocument, "policy-there", []byte("{}")), tx.PutDocument(enroll.PolicyDocument, "policy-large", large),
					tx.PutDevice(device(1)))
			})
			s := open(t, postgres.Config{URL: server.Through(p.address(), url)})
			if neighbours > 0 {
				open(t, postgres.Config{URL: url})
			}
			read := func(key string, want []byte) {
				for range 3 {
					view(t, s, func(r enroll.Reader) error {
						_, err := r.Device(deviceID(1))
						lookFor(t, r, key, want)
						lookFor(t, r, key, want)
						return err
					})
					update(t, s, func(tx enroll.Tx) error {
						d, err := tx.Device(deviceID(1))
						lookFor(t, tx, key, want)
						return errors.Join(err, tx.PutDevice(d))
					})
				}
			}
			for _, test := range []struct {
				key  string
				want []byte
				most int
			}{
				{"policy-there", []byte("{}"), 0},
				{"policy-missing", nil, 0},
				{"policy-large", large, 6},
			} {
				read(test.key, test.want) // the node is warm
				p.watch(test.key)
				read(test.key, test.want)
				if asked := p.asked(); asked > test.most || test.most > 0 && asked == 0 {
					t.Errorf("%s was asked for %d times, want at most %d", test.key, asked, test.most)
				}
			}
			p.watch("policy-missing")
			update(t, s, func(tx enroll.Tx) error { return tx.PutDocument(enroll.PolicyDocument, "policy-missing", []byte("{}")) })
			read("policy-missing", []byte("{}"))
			update(t, s, func(tx enroll.Tx) error { return tx.DeleteDocument(enroll.PolicyDocument, "policy-missing") })
			read("policy-missing", nil)
			update(t, s, func(tx enroll.Tx) error { return tx.PutDocument(enroll.PolicyDocument, "policy-there", large) })
			read("policy-there", large) // what it was before is not remembered
			if asked := p.asked(); asked != 2 {
				t.Errorf("a document that was written and deleted was sent %d times, want 2", asked)
			}
		})
	}
}

// TestAViewThatHasBegunKnowsDocuments takes the database away in the middle of a
// View.
func TestAViewThatHasBegunKnowsDocuments(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := newProxy(t, server.Address())
	s := open(t, postgres.Config{URL: server.Through(p.address(), url)})
	update(t, s, func(tx enroll.Tx) error { return tx.PutDocument(enroll.PolicyDocument, "there", []byte("{}")) })
	look := func(r enroll.Reader) {
		lookFor(t, r, "there", []byte("{}"))
		lookFor(t, r, "missing", nil)
	}
	view(t, s, func(r enroll.Reader) error { look(r); return nil })
	err := s.View(t.Context(), func(r enroll.Reader) error {
		if _, err := r.Device(deviceID(1)); !errors.Is(err, enroll.ErrNotFound) {
			t.Errorf("a device: error %v", err)
		}
		p.refuse(true)
		p.cut()
		look(r)
		_, err := r.Document(enroll.PolicyDocument, "never asked for")
		return err
	})
	if !errors.Is(err, enroll.ErrStoreUnavailable) {
		t.Errorf("what nobody has asked for, without a database: error %v", err)
	}
	p.refuse(false)
}

// TestDocumentsOfOtherNodes reads on one node what another has just written.
func TestDocumentsOfOtherNodes(t *testing.T) {
	t.Parallel()
	on := nodes(t, 2, database(t))
	for i := range 20 {
		key := fmt.Sprintf("policy-%d", i%3)
		writer, reader := on[i%2], on[(i+1)%2]
		view(t, reader, func(r enroll.Reader) error { _, _ = r.Document(enroll.PolicyDocument, key); return nil })
		data := []byte(strings.Repeat("x", i*1000)) // some are remembered, some are too large
		want := append([]byte{}, data...)
		if i%4 == 3 {
			want = nil
			update(t, writer, func(tx enroll.Tx) error { return tx.DeleteDocument(enroll.PolicyDocument, key) })
		} else {
			update(t, writer, func(tx enroll.Tx) error { return tx.PutDocument(enroll.PolicyDocument, key, data) })
		}
		var found []byte
		var err error // of the last run: the first may see what was there once
		update(t, reader, func(tx enroll.Tx) error {
			found, err = tx.Document(enroll.PolicyDocument, key)
			return tx.PutDevice(device(i))
		})
		isDocument(t, key, found, err, want)
		view(t, reader, func(r enroll.Reader) error { lookFor(t, r, key, want); return nil })
	}
}

// TestSchemaBeforeDocuments brings a database up to date that another node works
// with, and tells that node.
func TestSchemaBeforeDocuments(t *testing.T) {
	t.Parallel()
	url := database(t)
	before := open(t, postgres.Config{URL: url})
	update(t, before, func(tx enroll.Tx) error { return tx.PutDevice(device(1)) })
	conn := connect(t, url)
	for _, sql := range []string{
		"DROP TABLE documents", "ALTER TABLE devices DROP COLUMN owner_group, DROP COLUMN key_protection, DROP COLUMN ticket_drawn_by",
		"ALTER TABLE orders DROP COLUMN owner, DROP COLUMN owner_group", "DELETE FROM schema_versions WHERE version_id >= 2", "UPDATE nodes SET schema = 1",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	on := nodes(t, 2, url)
	var floor, rows int
	if err := conn.QueryRow(t.Context(), "SELECT min(schema), count(*) FROM nodes").Scan(&floor, &rows); err != nil || floor < 2 || rows != 4 {
		t.Errorf("the lowest schema at %d gates is %d, error %v, want 2 at 4", rows, floor, err)
	}
	update(t, on[0], func(tx enroll.Tx) error { return tx.PutDocument(enroll.PolicyDocument, "a", []byte("{}")) })
	view(t, on[1], func(r enroll.Reader) error {
		lookFor(t, r, "a", []byte("{}"))
		_, err := r.Device(deviceID(1))
		return err
	})
}
