package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// owners are whom a device belongs to: a person, by pseudonym, and a group whose
// members own it with them. Each may be empty.
type owners struct{ person, group string }

func (o owners) none() bool { return o == owners{} }

func ownersOf(d *Device) owners { return owners{d.Owner, d.OwnerGroup} }

// owned stands in the index of what belongs to whom (OwnedDocument).
type owned struct {
	Device identity.DeviceID `json:"device"`
	Since  time.Time         `json:"since"`
}

// ownedKey returns where a device stands in the index of an owner's.
func ownedKey(owner string, device identity.DeviceID) string {
	return granteeKey(owner) + "/" + string(device)
}

// ownerChange gives a device to others, or to nobody.
type ownerChange struct {
	to owners
	by identity.Principal
	// how says which way it came to that, as events call it; grant what let it.
	how, grant string
	comment    string
}

// changeOwner is the one way in which a device comes to belong to somebody else. It
// changes the device's record, which it leaves to the caller to write, and in the
// same transaction the index by which owners find their devices. What was offered,
// or could be claimed, on the strength of the owner before is void then.
func (s *Service) changeOwner(ctx context.Context, tx Tx, d *Device, at *place, c ownerChange) error {
	was := ownersOf(d)
	if c.to == was {
		return nil
	}
	d.Owner, d.OwnerGroup = c.to.person, c.to.group
	return errors.Join(
		s.reindex(ctx, tx, d, at, c, was.person, c.to.person),
		s.reindex(ctx, tx, d, at, c, was.group, c.to.group),
		voidClaims(tx, d.ID),
		s.voidTransfer(ctx, tx, d, at, c),
	)
}

// reindex moves a device from one owner's index to another's and records that.
func (s *Service) reindex(ctx context.Context, tx Tx, d *Device, at *place, c ownerChange, from, to string) error {
	if from == to {
		return nil
	}
	var err error
	if from != "" {
		err = tx.DeleteDocument(OwnedDocument, ownedKey(from, d.ID))
	}
	event := s.event(ctx, c.by, OwnerReleased)
	if to != "" {
		event.Kind = OwnerChanged
		err = errors.Join(err, putDocument(tx, OwnedDocument, ownedKey(to, d.ID), owned{Device: d.ID, Since: event.Time}))
	}
	event.at(at)
	event.Device, event.Order, event.For, event.Before = d.ID, OrderID(d.Order), to, from
	event.Operation, event.Grant, event.Comment = c.how, c.grant, c.comment
	return errors.Join(err, s.append(tx, c.by, event))
}

// putOwned writes a device whose owner changed, and nothing else of it.
func putOwned(tx Tx, d *Device, now time.Time) error {
	d.Version++
	d.ChangedAt = now
	return tx.PutDevice(*d)
}

// self is the pseudonym of a person, and empty for whoever else calls: scoped
// tokens, certificates and the break-glass token own nothing.
func (a *access) self() string {
	if a.who.Kind != identity.OIDC {
		return ""
	}
	return a.people.pseudonym(a.who)
}

// ownedBy lists whom a device of the principal's belongs to: itself and its groups.
func (a *access) ownedBy() []string {
	if a.who.Kind != identity.OIDC {
		return nil
	}
	all := []string{a.self()}
	for _, group := range a.who.Groups {
		all = append(all, groupID(a.who.Issuer, group))
	}
	return all
}

// inGroup reports whether the principal is a member of a group, by the group's id.
func (a *access) inGroup(group string) bool {
	return a.who.Kind == identity.OIDC && slices.ContainsFunc(a.who.Groups, func(name string) bool {
		return groupID(a.who.Issuer, name) == group
	})
}

// owns reports whether a device belongs to the principal: it is the owner, or of the
// owning group.
func (a *access) owns(d *Device) bool {
	return d.Owner != "" && d.Owner == a.self() || d.OwnerGroup != "" && a.inGroup(d.OwnerGroup)
}

// ownsAny reports whether any device at all belongs to the principal.
func (a *access) ownsAny(r Reader) (bool, error) {
	for _, owner := range a.ownedBy() {
		found, err := r.Documents(OwnedDocument, granteeKey(owner)+"/", Page{Limit: 1})
		if err != nil || len(found.Items) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// ownersGrant is what events call the power of owners.
const ownersGrant = "owner"

// ownersMay reports whether a permission comes with owning a device. Owners see
// their devices and hold them; what cannot be taken back, or undoes what others
// decided, is not theirs.
func ownersMay(permission identity.Permission) bool {
	switch permission {
	case identity.DeviceRead, identity.DeviceHold, identity.CertificateRead:
		return true
	default:
		return false
	}
}

// deviceGrant names what lets the principal do something to a device and its
// certificates: a grant where it stands, or that it belongs to them.
func (a *access) deviceGrant(permission identity.Permission, d *Device, at *place) string {
	if grant := a.grant(permission, at); grant != "" {
		return grant
	}
	if ownersMay(permission) && a.owns(d) {
		return ownersGrant
	}
	return ""
}

// mayOwn refuses to make whoever answers for the principal an owner, or a group they
// are in, by their own doing, where that gives them what the principal does not hold.
func (a *access) mayOwn(to owners, at *place) error {
	group := to.group != "" && (a.inGroup(to.group) || slices.Contains(a.makerIn, to.group))
	own := group || to.person != "" && to.person == a.people.named(a.who.Responsible())
	for _, permission := range identity.Permissions() {
		if own && ownersMay(permission) && !a.may(permission, at) {
			return errBeyond(permission, string(at.path))
		}
	}
	return nil
}

// maxOwnerGroup bounds the id of an owning group, in bytes, and maxUser that of a
// person.
const (
	maxOwnerGroup = 512
	maxUser       = maxGrantee
)

// checkOwnerGroup refuses what is not the id of a group.
func checkOwnerGroup(field, id string) error {
	if kind, _, _ := strings.Cut(id, ":"); kind != "group" || len(id) > maxOwnerGroup || checkGrantee(id) != nil {
		return RefuseField(field, "an owning group is group:<issuer>#<group>, at most %d bytes", maxOwnerGroup)
	}
	return nil
}

// errUser refuses what names nobody.
func errUser(field string) error {
	return RefuseField(field, "a person is person:<32 hexadecimal digits>, as records name those who are known, or oidc:<issuer>#<subject>; whoami shows one's own")
}

// user returns the pseudonym of a person named by it, or by provider and subject,
// who need not have signed in yet; "me" is the caller. It is empty for nobody.
func (a *access) user(r Reader, name string) (pseudonym string, err error) {
	kind, _, _ := strings.Cut(name, ":")
	switch {
	case name == "me":
		return a.self(), nil
	case kind == "oidc" && len(name) <= maxUser && checkGrantee(name) == nil:
		return a.people.named(name), nil
	case kind != "person" || len(name) > MaxDocumentKey:
		return "", nil
	}
	person, err := r.Person(name)
	return person.Pseudonym, ifAny(err)
}

// know writes who a person is that was named by provider and subject, if nobody
// knew. They were not seen yet.
func (s *Service) know(tx Tx, name string) error {
	if !strings.HasPrefix(name, "oidc:") {
		return nil
	}
	pseudonym := s.people.named(name)
	_, err := tx.Person(pseudonym)
	if errors.Is(err, ErrNotFound) {
		err = tx.PutPerson(Person{Pseudonym: pseudonym, ID: name})
	}
	return err
}
