package enroll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// PutRole makes a role of the organisation's own, or changes it wherever it was
// granted. A role reaches over the whole tree, so whoever writes it holds RoleEdit
// and each permission that it newly gives on the whole tree, without end.
func (s *Service) PutRole(ctx context.Context, p identity.Principal, name string, may []string) (Role, error) {
	if err := s.Authorize(ctx, p, identity.RoleEdit); err != nil {
		return Role{}, err
	}
	d := &putRole{Name: name, Permissions: may}
	err := s.perform(ctx, p, d)
	return d.role, err
}

// putRole writes a role.
type putRole struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`

	role Role
}

func (d *putRole) kind() deedKind { return deedPutRole }

func (d *putRole) weigh(s *Service, r Reader, a *access) (w weight, err error) {
	if d.role, err = newRole(d.Name, d.Permissions); err != nil {
		return w, err
	}
	if w, err = weighRole(r, a, d.role.Name); err != nil {
		return w, err
	}
	was, err := readDocument[Role](r, RoleDocument, d.Name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return w, err
	}
	for _, permission := range d.role.Permissions {
		if !slices.Contains(was.Permissions, permission) && !a.holdsUntil(permission, w.places[0], time.Time{}) {
			return w, errBeyond(permission, "the whole tree")
		}
	}
	w.words = "have the role " + d.Name + " give " + listed(d.role.Permissions)
	w.changesNothing = slices.Equal(was.Permissions, d.role.Permissions)
	d.role.ChangedAt = s.now()
	if d.role.ID = was.ID; errors.Is(err, ErrNotFound) {
		d.role.ID, err = s.randomText(16)
		return w, err
	}
	return w, nil
}

func (d *putRole) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	event := s.event(ctx, a.who, RoleChanged)
	event.Role, event.Permissions, event.Grant = d.role.Name, d.role.Permissions, w.grant
	return errors.Join(putDocument(tx, RoleDocument, d.Name, d.role), s.append(tx, a.who, event))
}

func (d *putRole) after(*Service) {}

// weighRole says what writing a role of the organisation's own amounts to.
func weighRole(r Reader, a *access, name identity.Role) (weight, error) {
	root, err := a.moment.place(r, identity.RootFleetID)
	if err != nil {
		return weight{}, err
	}
	w := weight{
		permission: identity.RoleEdit, places: []*place{root}, grant: a.grant(identity.RoleEdit, root), turns: true, subject: policy.SubjectAuthority,
	}
	switch {
	case w.grant == "":
		return w, forbidden(identity.RoleEdit)
	case name.BuiltIn():
		return w, Refuse(WrongState, "the role %s is built in and stays as it is; make one of your own", name)
	default:
		return w, nil
	}
}

// listed writes permissions for people.
func listed(permissions []identity.Permission) string {
	text := ""
	for i, permission := range permissions {
		if i > 0 {
			text += ", "
		}
		text += string(permission)
	}
	return text
}

// DeleteRole deletes a role of the organisation's own: its grants give nothing any
// more, nor does another role of that name give them anything.
func (s *Service) DeleteRole(ctx context.Context, p identity.Principal, name string) error {
	if err := s.Authorize(ctx, p, identity.RoleEdit); err != nil {
		return err
	}
	return s.perform(ctx, p, &dropRole{Name: name})
}

// dropRole deletes a role.
type dropRole struct {
	Name string `json:"name"`
}

func (d *dropRole) kind() deedKind { return deedDeleteRole }

func (d *dropRole) weigh(_ *Service, r Reader, a *access) (weight, error) {
	w, err := weighRole(r, a, identity.Role(d.Name))
	if err != nil {
		return w, err
	}
	w.words = "delete the role " + d.Name
	_, err = readDocument[Role](r, RoleDocument, d.Name)
	if errors.Is(err, ErrNotFound) {
		err = Refuse(NotFound, "no such role")
	}
	return w, err
}

func (d *dropRole) do(ctx context.Context, s *Service, tx Tx, a *access, w weight) error {
	event := s.event(ctx, a.who, RoleDeleted)
	event.Role, event.Grant = identity.Role(d.Name), w.grant
	return errors.Join(tx.DeleteDocument(RoleDocument, d.Name), s.append(tx, a.who, event))
}

func (d *dropRole) after(*Service) {}
