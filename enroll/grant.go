package enroll

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// GrantID names a grant: 26 characters of lower-case base32.
type GrantID string

// Grant gives a principal or a group a role on a branch.
type Grant struct {
	ID GrantID `json:"id"`
	// For is who holds it: the id of a principal (identity.Principal.ID) of a provider
	// or of a certificate, or "group:<issuer>#<group>".
	For  string        `json:"for"`
	Role identity.Role `json:"role"`
	// RoleID is that of the role as it was given (Role.ID).
	RoleID string           `json:"role_id,omitempty"`
	Fleet  identity.FleetID `json:"fleet"`
	// Lineage is that of the device that holds it, by the serial number of its first
	// certificate: enrolled anew, the device does not hold it. Empty for others, and of
	// grants from before it was noted.
	Lineage string `json:"lineage,omitempty"`
	// Until is when it ends; zero for no end.
	Until     time.Time `json:"until,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"` // pseudonymous id
}

// maxGrantee bounds whom a grant is for, in bytes.
const maxGrantee = 1024

// checkGrantee refuses what is not somebody whom a grant can be for. A scoped token
// holds what its maker holds, and the break-glass token everything.
func checkGrantee(id string) error {
	kind, name, _ := strings.Cut(id, ":")
	ok := len(id) <= maxGrantee && identity.Printable(id)
	switch kind {
	case "oidc", "group":
		issuer, subject, found := strings.Cut(name, "#")
		ok = ok && found && issuer != "" && subject != ""
	case "device":
		_, err := identity.ParseDeviceID(name)
		ok = ok && err == nil
	default:
		ok = false
	}
	if !ok {
		return RefuseField("for", "a grant is for oidc:<issuer>#<subject>, group:<issuer>#<group> or device:<id>; whoami shows one's own")
	}
	return nil
}

// grantBelow returns the key of a grant below a fleet or a grantee.
func grantBelow(above string, id GrantID) string { return above + "/" + string(id) }

// putGrant writes a grant under its id, its grantee and its fleet.
func putGrant(tx Tx, g Grant) error {
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("grant %s: %w", g.ID, err)
	}
	return errors.Join(
		tx.PutDocument(GrantDocument, string(g.ID), data),
		tx.PutDocument(GrantOfDocument, grantBelow(granteeKey(g.For), g.ID), data),
		tx.PutDocument(GrantAtDocument, grantBelow(string(g.Fleet), g.ID), data),
		putEnd(tx, g.Until, endOfGrant, string(g.ID)),
	)
}

func deleteGrant(tx Tx, g Grant) error {
	return errors.Join(
		tx.DeleteDocument(GrantDocument, string(g.ID)),
		tx.DeleteDocument(GrantOfDocument, grantBelow(granteeKey(g.For), g.ID)),
		tx.DeleteDocument(GrantAtDocument, grantBelow(string(g.Fleet), g.ID)),
		tx.DeleteDocument(EndDocument, endKey(g.Until, endOfGrant, string(g.ID))),
	)
}

func readGrant(r Reader, id GrantID) (Grant, error) {
	return readDocument[Grant](r, GrantDocument, string(id))
}

// readDocument reads a document that is JSON.
func readDocument[T any](r Reader, kind DocumentKind, key string) (T, error) {
	var value T
	if key == "" || len(key) > MaxDocumentKey || !ascii(key) {
		return value, ErrNotFound
	}
	data, err := r.Document(kind, key)
	if err != nil {
		return value, err
	}
	return value, decodeDocument(Document{Kind: kind, Key: key, Data: data}, &value)
}

func decodeDocument(d Document, into any) error {
	if err := json.Unmarshal(d.Data, into); err != nil {
		return fmt.Errorf("the document %s %s is damaged; restore the store from a backup: %w", d.Kind, d.Key, err)
	}
	return nil
}

// putDocument writes a document as JSON.
func putDocument(tx Tx, kind DocumentKind, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("the document %s %s: %w", kind, key, err)
	}
	return tx.PutDocument(kind, key, data)
}

// eachDocument calls f with every document of a kind below a prefix that bounds how
// many there are.
func eachDocument[T any](r Reader, kind DocumentKind, prefix string, f func(T) error) error {
	page := Page{Limit: MaxPage}
	for {
		found, err := r.Documents(kind, prefix, page)
		if err != nil {
			return err
		}
		for _, d := range found.Items {
			var value T
			if err := decodeDocument(d, &value); err != nil {
				return err
			}
			if err := f(value); err != nil {
				return err
			}
		}
		if page.After = found.Next; page.After == "" {
			return nil
		}
	}
}

// ascii reports whether all of s is printable ASCII, as keys of documents are.
func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// readHoldings reads the grants that stand under a grantee's key. A grant of a role
// that is gone gives nothing.
func (m *moment) readHoldings(r Reader, grantee string) ([]holding, error) {
	var held []holding
	err := eachDocument(r, GrantOfDocument, grantee+"/", func(g Grant) error {
		may, err := m.gives(r, &g)
		if may != nil {
			held = append(held, holding{
				grant: string(g.ID), role: g.Role, permissions: may, fleet: g.Fleet, until: g.Until, lineage: g.Lineage, given: g.CreatedAt,
			})
		}
		return err
	})
	return held, err
}
