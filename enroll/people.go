package enroll

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// people gives persons pseudonymous ids, so that the log, which cannot forget,
// names nobody; their names lie beside it, where they can be erased.
type people struct{ key []byte }

func newPeople(key []byte) *people { return &people{key: key} }

// pseudonym returns the id under which the log knows p: "person:" and 32
// hexadecimal digits for those of the provider, the principal's own id for
// devices and for what is not a person.
func (p *people) pseudonym(who identity.Principal) string {
	return p.named(who.ID())
}

// named returns how the log names a principal or a group by its id.
func (p *people) named(id string) string {
	if !strings.HasPrefix(id, "oidc:") {
		return id
	}
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(id))
	return "person:" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// event begins an event of now, by who.
func (s *Service) event(ctx context.Context, who identity.Principal, kind EventKind) Event {
	event := Event{Time: s.clock.record(), Kind: kind, Request: RequestID(ctx), Actor: s.people.pseudonym(who)}
	if who.Kind == identity.ScopedToken { // everybody else answers for themselves
		event.Responsible = s.people.named(who.Responsible())
	}
	return event
}

// append writes an event, and who its actor is the first time that they act.
func (s *Service) append(tx Tx, who identity.Principal, event Event) error {
	if who.Kind == identity.OIDC {
		known, err := tx.Person(event.Actor)
		switch {
		case errors.Is(err, ErrNotFound):
			err = tx.PutPerson(Person{Pseudonym: event.Actor, ID: who.ID(), Name: who.Name, FirstSeen: event.Time})
		case err == nil && known.FirstSeen.IsZero(): // others named them before they came
			known.Name, known.FirstSeen = who.Name, event.Time
			err = tx.PutPerson(known)
		}
		if err != nil {
			return err
		}
	}
	return tx.Append(event)
}
