package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

func documentsOf(r enroll.Reader, kind enroll.DocumentKind, prefix string) func(enroll.Page) (enroll.List[enroll.Document], error) {
	return func(p enroll.Page) (enroll.List[enroll.Document], error) { return r.Documents(kind, prefix, p) }
}

func doc(kind enroll.DocumentKind, key string, data []byte) enroll.Document {
	return enroll.Document{Kind: kind, Key: key, Data: data}
}

// document reads what there must be, as text; "none" where there is nothing.
func document(t *testing.T, r enroll.Reader, kind enroll.DocumentKind, key string) string {
	t.Helper()
	data, err := r.Document(kind, key)
	switch {
	case errors.Is(err, enroll.ErrNotFound):
		return "none"
	case err != nil:
		t.Fatalf("document %s %s: %v", kind, key, err)
	case len(data) == 0 && data != nil:
		t.Fatalf("document %s %s: empty data, want nil", kind, key)
	}
	return string(data)
}

func testDocuments(t *testing.T, h Harness) {
	const kind, other = enroll.RoleDocument, enroll.GrantDocument
	data := []byte("first")
	look := func(r enroll.Reader, want string) {
		t.Helper()
		got := strings.Join([]string{document(t, r, kind, "a"), document(t, r, kind, "b"), document(t, r, other, "a")}, " ")
		equal(t, "documents", got, want)
	}
	view(t, h.Store, func(r enroll.Reader) error { look(r, "none none none"); return nil })
	update(t, h.Store, func(tx enroll.Tx) error {
		look(tx, "none none none")
		err := errors.Join(tx.DeleteDocument(kind, "a"), tx.PutDocument(kind, "a", data), tx.PutDocument(other, "a", nil))
		look(tx, "first none ")
		err = errors.Join(err, tx.PutDocument(kind, "a", []byte("second")), tx.PutDocument(kind, "b", data), tx.DeleteDocument(kind, "b"))
		look(tx, "second none ")
		list, err2 := tx.Documents("", "", enroll.Page{})
		equal(t, "documents before the commit", len(list.Items), 0)
		return errors.Join(err, err2)
	})
	update(t, h.Store, func(tx enroll.Tx) error { return tx.PutDocument(kind, "b", data) })
	copy(data, "spoil")
	for range 2 { // what the caller spoils the first time is whole the second
		view(t, h.Store, func(r enroll.Reader) error {
			look(r, "second first ")
			list := all(t, 2, documentsOf(r, "", ""))
			equal(t, "documents", list, []enroll.Document{doc(other, "a", nil), doc(kind, "a", []byte("second")), doc(kind, "b", []byte("first"))})
			found, err := r.Document(kind, "a")
			found[0], list[1].Data[0] = 'x', 'x'
			return err
		})
	}
	broken := errors.New("broken")
	isError(t, "Update", h.Store.Update(context.Background(), func(tx enroll.Tx) error {
		return errors.Join(tx.DeleteDocument(kind, "a"), tx.PutDocument(kind, "b", nil), broken)
	}), broken)
	view(t, h.Store, func(r enroll.Reader) error { look(r, "second first "); return nil })
	update(t, h.Store, func(tx enroll.Tx) error {
		err := errors.Join(tx.DeleteDocument(kind, "a"), tx.DeleteDocument(kind, "a"), tx.DeleteDocument(kind, "no such"))
		look(tx, "none first ")
		return err
	})
	view(t, h.Store, func(r enroll.Reader) error { look(r, "none first "); return nil })
	update(t, h.Store, func(tx enroll.Tx) error { return tx.PutDocument(kind, "a", []byte("again")) })
	view(t, h.Store, func(r enroll.Reader) error { look(r, "again first "); return nil })
}

func testDocumentBounds(t *testing.T, h Harness) {
	longest, widest := strings.Repeat("k", enroll.MaxDocumentKey), enroll.DocumentKind(strings.Repeat("k", enroll.MaxDocumentKind))
	largest := bytes.Repeat([]byte{0, 0xff}, enroll.MaxDocument/2)
	update(t, h.Store, func(tx enroll.Tx) error {
		return errors.Join(tx.PutDocument(widest, longest, largest), tx.PutDocument(enroll.RoleDocument, " ~", nil))
	})
	refused := map[string]enroll.Document{
		"no key":                doc(enroll.RoleDocument, "", nil),
		"a long key":            doc(enroll.RoleDocument, longest+"k", nil),
		"a zero octet":          doc(enroll.RoleDocument, "a\x00", nil),
		"a line's end":          doc(enroll.RoleDocument, "a\n", nil),
		"a deletion":            doc(enroll.RoleDocument, "a\x7f", nil),
		"a letter not of ASCII": doc(enroll.RoleDocument, "ä", nil),
		"no UTF-8":              doc(enroll.RoleDocument, "\xff", nil),
		"no kind":               doc("", "a", nil),
		"a long kind":           doc(widest+"k", "a", nil),
		"a kind of two":         doc("role\x00a", "a", nil),
		"too much data":         doc(enroll.RoleDocument, "a", append(largest, 0)),
	}
	for name, d := range refused {
		err := h.Store.Update(context.Background(), func(tx enroll.Tx) error { return tx.PutDocument(d.Kind, d.Key, d.Data) })
		if err == nil || errors.Is(err, enroll.ErrStoreUnavailable) {
			t.Errorf("%s: got error %v, want a refusal", name, err)
		}
	}
	view(t, h.Store, func(r enroll.Reader) error {
		for name, d := range refused {
			if found := document(t, r, d.Kind, d.Key); found != "none" {
				t.Errorf("%s: found %.20q", name, found)
			}
			if name == "no kind" || name == "too much data" {
				continue // which lists all there are, and those that begin with a
			}
			if list := all(t, 1, documentsOf(r, d.Kind, d.Key)); d.Key != "" && len(list) > 0 {
				t.Errorf("%s: listed %d", name, len(list))
			}
		}
		equal(t, "documents", all(t, 1, documentsOf(r, "", "")), []enroll.Document{doc(widest, longest, largest), doc(enroll.RoleDocument, " ~", nil)})
		equal(t, "by the longest prefix", len(all(t, 1, documentsOf(r, widest, longest))), 1)
		return nil
	})
	update(t, h.Store, func(tx enroll.Tx) error { // they are not there, so they are deleted already
		var errs []error
		for _, d := range refused {
			errs = append(errs, tx.DeleteDocument(d.Kind, d.Key))
		}
		return errors.Join(errs...)
	})
}

// testDocumentLists has kinds of which one begins the other.
func testDocumentLists(t *testing.T, h Harness) {
	keys := []string{" ", "a", "a ", "a/", "a/1", "a/10", "a/2", "a0", "b", "~", "~~"}
	update(t, h.Store, func(tx enroll.Tx) error {
		var errs []error
		for _, key := range keys {
			for _, kind := range []enroll.DocumentKind{enroll.GrantDocument, enroll.GrantOfDocument, enroll.JobOpenDocument} {
				errs = append(errs, tx.PutDocument(kind, key, []byte(string(kind)+key)))
			}
		}
		return errors.Join(errs...)
	})
	view(t, h.Store, func(r enroll.Reader) error {
		for prefix, want := range map[string]int{"": 11, "a": 7, "a/": 4, "a/1": 2, "a/1000": 0, "a0": 1, "~": 2, "~~": 1, "~~~": 0, "\x00": 0, "\xff": 0} {
			for _, kind := range []enroll.DocumentKind{enroll.GrantDocument, enroll.GrantOfDocument, enroll.JobOpenDocument} {
				for _, limit := range []int{1, 2, 3, 100} {
					list := all(t, limit, documentsOf(r, kind, prefix))
					equal(t, fmt.Sprintf("number of %s that begin with %q", kind, prefix), len(list), want)
					last := ""
					for _, d := range list {
						if d.Kind != kind || !strings.HasPrefix(d.Key, prefix) || d.Key <= last || string(d.Data) != string(kind)+d.Key {
							t.Fatalf("%s that begin with %q: %+v after %q", kind, prefix, d, last)
						}
						last = d.Key
					}
				}
			}
		}
		equal(t, "of a kind that has none", len(all(t, 1, documentsOf(r, enroll.JobDocument, ""))), 0)
		for _, limit := range []int{1, 4, 100} {
			list := all(t, limit, documentsOf(r, "", ""))
			equal(t, "number of all", len(list), 33)
			last := ""
			for _, d := range list {
				place := string(d.Kind) + "\x00" + d.Key
				if place <= last {
					t.Fatalf("%q after %q", place, last)
				}
				last = place
			}
		}
		return nil
	})
}

// testLargeDocuments has more data than a part of a list has.
func testLargeDocuments(t *testing.T, h Harness) {
	const many = 40
	for i := range many {
		update(t, h.Store, func(tx enroll.Tx) error {
			size := enroll.MaxDocument - i*1000
			return tx.PutDocument(enroll.JobDocument, fmt.Sprintf("%03d", i), bytes.Repeat([]byte{byte(i)}, size))
		})
	}
	view(t, h.Store, func(r enroll.Reader) error {
		for _, kind := range []enroll.DocumentKind{enroll.JobDocument, ""} {
			var seen []byte
			for page := (enroll.Page{Limit: many}); ; {
				list, err := r.Documents(kind, "", page)
				if err != nil {
					return err
				}
				size := 0
				for _, d := range list.Items {
					size += len(d.Data)
					seen = append(seen, d.Data[len(d.Data)-1])
				}
				if len(list.Items) == 0 || size > enroll.MaxDocumentPart {
					t.Fatalf("a part of %d documents and %d bytes", len(list.Items), size)
				}
				if page.After = list.Next; page.After == "" {
					break
				}
			}
			equal(t, "number of documents", len(seen), many)
			for i, octet := range seen {
				equal(t, "document", int(octet), i)
			}
		}
		return nil
	})
}
