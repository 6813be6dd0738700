package storetest

import (
	"strings"

	"github.com/touchmark/touchmark/enroll"
)

type documentKey struct {
	kind enroll.DocumentKind
	key  string
}

func cloneDocument(d enroll.Document) enroll.Document {
	d.Data = cloneSlice(d.Data)
	return d
}

func (tx *memoryTx) Document(kind enroll.DocumentKind, key string) ([]byte, error) {
	d, err := tx.documents.get(documentKey{kind, key})
	return d.Data, err
}

func (tx *memoryTx) Documents(kind enroll.DocumentKind, prefix string, page enroll.Page) (enroll.List[enroll.Document], error) {
	name := "documents"
	if kind != "" {
		name = strings.Join([]string{"documents", string(kind), prefix}, "/")
	}
	list := filter(tx.documents, func(d *enroll.Document) bool {
		return kind == "" || d.Kind == kind && strings.HasPrefix(d.Key, prefix)
	})
	position := func(d enroll.Document) string { return string(d.Kind) + "\x00" + d.Key }
	whole, err := part(name, page, list, cloneDocument, position)
	size := 0
	for i, d := range whole.Items {
		if size += len(d.Data); size > enroll.MaxDocumentPart {
			page.Limit = i
			return part(name, page, whole.Items, cloneDocument, position)
		}
	}
	return whole, err
}

func (tx *memoryTx) PutDocument(kind enroll.DocumentKind, key string, data []byte) error {
	d := enroll.Document{Kind: kind, Key: key, Data: data}
	if err := d.Check(); err != nil {
		return err
	}
	tx.documents.put(documentKey{kind, key}, d)
	return nil
}

func (tx *memoryTx) DeleteDocument(kind enroll.DocumentKind, key string) error {
	tx.documents.delete(documentKey{kind, key})
	return nil
}
