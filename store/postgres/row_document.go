package postgres

import (
	"bytes"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

const (
	sqlFindDocuments = `
SELECT kind, key, data FROM unnest($1::text[], $2::text[]) AS wanted (kind, key) JOIN documents USING (kind, key)`
	sqlPutDocument = `
INSERT INTO documents (kind, key, data) VALUES ($1, $2, $3)
ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data`
	sqlDeleteDocument = `DELETE FROM documents WHERE kind = $1 AND key = $2`

	// What does not fit into a part comes without its data.
	sqlFittingDocuments = `
SELECT kind, key, CASE WHEN sum(length(data)) OVER (ORDER BY kind, key ROWS UNBOUNDED PRECEDING) <= $1 THEN data END FROM (`
	sqlListDocuments     = sqlFittingDocuments + `SELECT * FROM documents WHERE (kind, key) > ($2, $3) ORDER BY kind, key LIMIT $4) AS d ORDER BY kind, key`
	sqlListSomeDocuments = sqlFittingDocuments + `
	SELECT * FROM documents WHERE kind = $2 AND key >= $3 AND key < $4 AND key > $5 ORDER BY kind, key LIMIT $6) AS d ORDER BY kind, key`
)

func readDocument(c *columns) (string, []byte) {
	return joined(c.text(), c.text()), c.octets()
}

func writeDocument(b *pgx.Batch, id string, value any) {
	kind, key := split(id)
	data, ok := value.([]byte)
	if !ok {
		b.Queue(sqlDeleteDocument, kind, key)
		return
	}
	b.Queue(sqlPutDocument, kind, key, append([]byte{}, data...))
}

func documentKey(kind enroll.DocumentKind, name string) key {
	return key{documents, joined(string(kind), name)}
}

// PutDocument implements enroll.Tx.
func (r *run) PutDocument(kind enroll.DocumentKind, name string, data []byte) error {
	if err := (enroll.Document{Kind: kind, Key: name, Data: data}).Check(); err != nil {
		return err
	}
	return r.putReference(documentKey(kind, name), clone(data))
}

// DeleteDocument implements enroll.Tx.
func (r *run) DeleteDocument(kind enroll.DocumentKind, name string) error {
	if (enroll.Document{Kind: kind, Key: name}).Check() != nil {
		return nil
	}
	return r.putReference(documentKey(kind, name), nil)
}

// Document implements enroll.Reader.
func (r reader) Document(kind enroll.DocumentKind, name string) ([]byte, error) {
	if (enroll.Document{Kind: kind, Key: name}).Check() != nil {
		return nil, enroll.ErrNotFound
	}
	data, err := one[[]byte](r, documentKey(kind, name))
	return clone(data), err
}

// Documents implements enroll.Reader. Positions begin with what was asked for, so
// that no other list goes on from them.
func (r reader) Documents(kind enroll.DocumentKind, prefix string, page enroll.Page) (none enroll.List[enroll.Document], err error) {
	if kind == "" {
		at, err := position(documentsByKind, page.After)
		if err != nil {
			return none, err
		}
		lastKind, last := split(string(at))
		if !storable(lastKind) || !storable(last) {
			return none, malformedCursor()
		}
		return r.documents(documentsByKind, "", page, sqlListDocuments, lastKind, last)
	}
	asked := joined(string(kind), joined(prefix, ""))
	at, err := position(documentsByKey, page.After)
	if err != nil {
		return none, err
	}
	last, ours := strings.CutPrefix(string(at), asked)
	if at != nil && !ours || !storable(last) {
		return none, malformedCursor()
	}
	if outside := func(c rune) bool { return c < ' ' || c > '~' }; strings.ContainsFunc(string(kind)+prefix, outside) {
		return none, nil // as no document has
	}
	within := prefixed(prefix)
	return r.documents(documentsByKey, asked, page, sqlListSomeDocuments, string(kind), within.first, within.beyond, last)
}

// documents makes one part of a list; before each position stands what was asked
// for.
func (r reader) documents(list listKind, asked string, page enroll.Page, sql string, args ...any) (part enroll.List[enroll.Document], err error) {
	limit := pageLimit(page)
	args = append(append([]any{enroll.MaxDocumentPart}, args...), limit+1)
	last := ""
	err = r.ask(query{sql, args, func(c *columns) error {
		kind, key, data := c.text(), c.text(), c.next()
		switch {
		case part.Next != "":
		case len(part.Items) == limit || data == nil: // there is more
			part.Next = newCursor(list, []byte(asked+last))
		default:
			d := enroll.Document{Kind: enroll.DocumentKind(kind), Key: key}
			if len(data) > 0 {
				d.Data = bytes.Clone(data)
			}
			part.Items = append(part.Items, d)
			if last = key; list == documentsByKind {
				last = joined(kind, key)
			}
		}
		return nil
	}})
	return part, err
}
