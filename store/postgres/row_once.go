package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/touchmark/touchmark/enroll"
)

const (
	sqlFindInstallation = `SELECT pseudonym_key, break_glass, break_glass_set FROM installation`
	sqlPutInstallation  = `
INSERT INTO installation (one, pseudonym_key, break_glass, break_glass_set) VALUES (true, $1, $2, $3)
ON CONFLICT (one) DO UPDATE SET (pseudonym_key, break_glass, break_glass_set)
	= (excluded.pseudonym_key, excluded.break_glass, excluded.break_glass_set)`

	sqlFindPeople = `SELECT pseudonym, principal, name, first_seen FROM people WHERE pseudonym = ANY ($1)`
	sqlPutPerson  = `
INSERT INTO people (pseudonym, principal, name, first_seen) VALUES ($1, $2, $3, $4)
ON CONFLICT (pseudonym) DO UPDATE SET (principal, name, first_seen)
	= (excluded.principal, excluded.name, excluded.first_seen)`

	sqlListIssuers = `SELECT id, der, activated_at FROM issuers ORDER BY id`
	sqlPutIssuer   = `
INSERT INTO issuers (id, der, activated_at) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET (der, activated_at) = (excluded.der, excluded.activated_at)`
)

func readInstallation(c *columns) (string, enroll.Installation) {
	return "", enroll.Installation{PseudonymKey: c.octets(), BreakGlass: c.octets(), BreakGlassSet: c.time()}
}

func writeInstallation(b *pgx.Batch, i enroll.Installation) {
	b.Queue(sqlPutInstallation, i.PseudonymKey, i.BreakGlass, timestamp(i.BreakGlassSet))
}

func readPerson(c *columns) (string, enroll.Person) {
	p := enroll.Person{Pseudonym: c.text(), ID: c.text(), Name: c.text(), FirstSeen: c.time()}
	return p.Pseudonym, p
}

func writePerson(b *pgx.Batch, p enroll.Person) {
	b.Queue(sqlPutPerson, p.Pseudonym, p.ID, p.Name, timestamp(p.FirstSeen))
}

func readIssuer(c *columns) enroll.IssuerRecord {
	return enroll.IssuerRecord{ID: c.text(), DER: c.octets(), ActivatedAt: c.time()}
}

func writeIssuer(b *pgx.Batch, i enroll.IssuerRecord) {
	b.Queue(sqlPutIssuer, i.ID, i.DER, timestamp(i.ActivatedAt))
}
