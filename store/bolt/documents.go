package bolt

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/touchmark/touchmark/enroll"
)

func documentKey(kind enroll.DocumentKind, key string) []byte { return joined(string(kind), key) }

// readDocument takes a copy of a document.
func readDocument(key, value []byte) enroll.Document {
	kind, name, _ := bytes.Cut(key, []byte{separator})
	return enroll.Document{Kind: enroll.DocumentKind(kind), Key: string(name), Data: dataOf(value)}
}

// dataOf copies a document's data; none is nil.
func dataOf(value []byte) []byte {
	if len(value) == 0 {
		return nil
	}
	return bytes.Clone(value)
}

// Document implements enroll.Reader.
func (r *reader) Document(kind enroll.DocumentKind, key string) ([]byte, error) {
	value := r.get(documents, documentKey(kind, key))
	if value == nil {
		return nil, enroll.ErrNotFound
	}
	return dataOf(value), nil
}

// PutDocument implements enroll.Tx.
func (w *writer) PutDocument(kind enroll.DocumentKind, key string, data []byte) error {
	if err := (enroll.Document{Kind: kind, Key: key, Data: data}).Check(); err != nil {
		return err
	}
	return w.pending.put(documents, documentKey(kind, key), owned(data))
}

// DeleteDocument implements enroll.Tx.
func (w *writer) DeleteDocument(kind enroll.DocumentKind, key string) error {
	if (enroll.Document{Kind: kind, Key: key}).Check() != nil {
		return nil
	}
	return w.pending.put(documents, documentKey(kind, key), nil)
}

// Documents implements enroll.Reader. Positions begin with what was asked for, so
// that no other list goes on from them.
func (r *reader) Documents(kind enroll.DocumentKind, prefix string, page enroll.Page) (enroll.List[enroll.Document], error) {
	if kind == "" {
		at, err := position(documentsByKind, page.After)
		if err != nil {
			return enroll.List[enroll.Document]{}, err
		}
		return collectDocuments(documentsByKind, page, nil, r.keysAfter(documents, nil, at))
	}
	asked := joined(string(kind), prefix, "")
	at, err := position(documentsByKey, page.After)
	if err != nil {
		return enroll.List[enroll.Document]{}, err
	}
	if at != nil {
		var ours bool
		if at, ours = bytes.CutPrefix(at, asked); !ours {
			return enroll.List[enroll.Document]{}, malformedCursor()
		}
	}
	return collectDocuments(documentsByKey, page, asked, r.keysAfter(documents, documentKey(kind, prefix), at))
}

// collectDocuments makes a part of a list of documents; before each position
// stands what was asked for.
func collectDocuments(kind listKind, page enroll.Page, asked []byte, walk iter.Seq2[[]byte, []byte]) (enroll.List[enroll.Document], error) {
	page.Limit = fitting(pageLimit(page), walk)
	type row struct{ key, value []byte }
	rows := func(yield func([]byte, row) bool) {
		for key, value := range walk {
			if !yield(append(bytes.Clone(asked), key...), row{key, value}) {
				return
			}
		}
	}
	return collect(kind, page, rows, func(r row) (enroll.Document, bool, error) { return readDocument(r.key, r.value), true, nil })
}

// fitting returns how many of the first documents fit into a part of a list.
func fitting(limit int, walk iter.Seq2[[]byte, []byte]) int {
	n, size := 0, 0
	for _, value := range walk {
		if size += len(value); n == limit || size > enroll.MaxDocumentPart {
			break
		}
		n++
	}
	return max(n, 1)
}

// documentForm checks that a document could have been put.
func documentForm(key, value []byte) error {
	d := readDocument(key, nil)
	d.Data = value
	if err := d.Check(); err != nil {
		return fmt.Errorf("it cannot have been written: %w", err)
	}
	return nil
}
