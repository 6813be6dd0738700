package postgres

import "github.com/touchmark/touchmark/enroll"

const (
	sqlListPeople = `SELECT pseudonym, principal, name, first_seen FROM people WHERE pseudonym > $1 ORDER BY pseudonym LIMIT $2`
	sqlListKeys   = `SELECT hash, device, compromised, rev FROM keys WHERE hash > $1 ORDER BY hash LIMIT $2`
)

// People implements enroll.Reader.
func (r reader) People(page enroll.Page) (enroll.List[enroll.Person], error) {
	at, err := textPosition(peopleByID, page.After)
	if err != nil {
		return enroll.List[enroll.Person]{}, err
	}
	return list(r, page, walk[enroll.Person]{
		kind: peopleByID, sql: sqlListPeople, args: []any{at},
		read: func(c *columns) (enroll.Person, []byte) {
			id, p := readPerson(c)
			return p, []byte(id)
		},
	})
}

// Keys implements enroll.Reader.
func (r reader) Keys(page enroll.Page) (enroll.List[enroll.KnownKey], error) {
	at, err := position(keysByHash, page.After)
	if err != nil {
		return enroll.List[enroll.KnownKey]{}, err
	}
	return list(r, page, walk[enroll.KnownKey]{
		kind: keysByHash, sql: sqlListKeys, args: []any{append([]byte{}, at...)},
		read: func(c *columns) (enroll.KnownKey, []byte) {
			hash, use, _ := readKey(c)
			known := enroll.KnownKey{KeyUse: use}
			copy(known.Hash[:], hash)
			return known, []byte(hash)
		},
	})
}
