package enroll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// Role is a role with what it may do.
type Role struct {
	Name        identity.Role         `json:"name"`
	Permissions []identity.Permission `json:"permissions"` // in the order of identity.Permissions
	// ChangedAt is when it was last written; zero for a built-in role.
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

// BuiltIn reports whether the role is one of Touchmark's own.
func (r Role) BuiltIn() bool { return r.Name.BuiltIn() }

// role returns what a role may do, or ErrNotFound.
func (m *moment) role(r Reader, name identity.Role) (permissions, error) {
	if role, ok := m.builtIn[name]; ok {
		return role, nil
	}
	return remembered(m, m.roles, name, func() (permissions, error) {
		role, err := readDocument[Role](r, RoleDocument, string(name))
		return permissionsOf(role.Permissions), err
	})
}

// Roles lists the built-in roles, and after them the organisation's own by name.
func (s *Service) Roles(ctx context.Context, p identity.Principal, page Page) (list List[Role], err error) {
	if err := s.need(ctx, p, identity.RoleRead); err != nil {
		return list, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		list = List[Role]{}
		if page.After == "" {
			for _, name := range identity.Roles() {
				list.Items = append(list.Items, Role{Name: name, Permissions: inOrder(name.Permissions())})
			}
		}
		found, err := r.Documents(RoleDocument, "", page)
		if err != nil {
			return err
		}
		for _, d := range found.Items {
			var role Role
			if err := decodeDocument(d, &role); err != nil {
				return err
			}
			list.Items = append(list.Items, role)
		}
		list.Next = found.Next
		return nil
	})
	return list, cursorFault(err)
}

// PutRole makes a role of the organisation's own, or changes it wherever it was
// granted. A role reaches over the whole tree, so whoever writes it holds RoleEdit
// and each permission that it newly gives on the whole tree, without end.
func (s *Service) PutRole(ctx context.Context, p identity.Principal, name string, may []string) (Role, error) {
	role, err := newRole(name, may)
	if err != nil {
		return Role{}, err
	}
	role.ChangedAt = s.now()
	err = s.editRole(ctx, p, role.Name, func(tx Tx, a *access, root *place) (Event, error) {
		was, err := readDocument[Role](tx, RoleDocument, name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Event{}, err
		}
		for _, permission := range role.Permissions {
			if !slices.Contains(was.Permissions, permission) && !a.holdsUntil(permission, root, time.Time{}) {
				return Event{}, errBeyond(permission, "the whole tree")
			}
		}
		event := s.event(ctx, p, RoleChanged)
		event.Permissions = role.Permissions
		return event, putDocument(tx, RoleDocument, name, role)
	})
	return role, err
}

// DeleteRole deletes a role of the organisation's own: its grants give nothing any
// more.
func (s *Service) DeleteRole(ctx context.Context, p identity.Principal, name string) error {
	return s.editRole(ctx, p, identity.Role(name), func(tx Tx, _ *access, _ *place) (Event, error) {
		if _, err := readDocument[Role](tx, RoleDocument, name); errors.Is(err, ErrNotFound) {
			return Event{}, Refuse(NotFound, "no such role")
		} else if err != nil {
			return Event{}, err
		}
		return s.event(ctx, p, RoleDeleted), tx.DeleteDocument(RoleDocument, name)
	})
}

// editRole changes a role of the organisation's own.
func (s *Service) editRole(ctx context.Context, p identity.Principal, name identity.Role, edit func(Tx, *access, *place) (Event, error)) error {
	if err := s.Authorize(ctx, p, identity.RoleEdit); err != nil {
		return err
	}
	if name.BuiltIn() {
		return Refuse(WrongState, "the role %s is built in and stays as it is; make one of your own", name)
	}
	return s.changeAuthority(ctx, func(tx Tx) error {
		a, err := s.access(tx, p)
		if err != nil {
			return err
		}
		root, err := a.moment.place(tx, identity.RootFleetID)
		if err != nil {
			return err
		}
		if !a.may(identity.RoleEdit, root) {
			return forbidden(identity.RoleEdit)
		}
		event, err := edit(tx, a, root)
		if err != nil {
			return err
		}
		event.Role, event.Grant = name, a.grant(identity.RoleEdit, root)
		return s.append(tx, p, event)
	})
}

// changeAuthority runs a change of what decisions rest on, and turns the revision.
func (s *Service) changeAuthority(ctx context.Context, change func(Tx) error) error {
	revision, err := s.newRevision()
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return turn(tx, revision)
	})
}

// newRole checks a role that is to be written, and reports every fault at once.
func newRole(name string, may []string) (Role, error) {
	parsed, err := identity.ParseRole(name)
	if err != nil {
		return Role{}, RefuseField("name", "%v", err)
	}
	if len(may) == 0 || len(may) > len(identity.Permissions()) {
		return Role{}, RefuseField("permissions", "a role has 1 to %d permissions, each once", len(identity.Permissions()))
	}
	list, err := parsePermissions(may, identity.Permission.Bestowable, "a role can have")
	return Role{Name: parsed, Permissions: list}, err
}

// parsePermissions checks a list of permissions and puts it in order.
func parsePermissions(names []string, allowed func(identity.Permission) bool, what string) ([]identity.Permission, error) {
	var list []identity.Permission
	for _, name := range names {
		permission := identity.Permission(name)
		if !allowed(permission) || slices.Contains(list, permission) {
			return nil, RefuseField("permissions", "%.64q is no permission that %s, or stands there twice; there are %v", name, what,
				slices.DeleteFunc(identity.Permissions(), func(p identity.Permission) bool { return !allowed(p) }))
		}
		list = append(list, permission)
	}
	return inOrder(list), nil
}

// inOrder sorts permissions as people are shown them.
func inOrder(list []identity.Permission) []identity.Permission {
	all := identity.Permissions()
	return slices.SortedFunc(slices.Values(list), func(a, b identity.Permission) int { return slices.Index(all, a) - slices.Index(all, b) })
}

// errBeyond refuses to give what the giver does not hold, or not for so long.
func errBeyond(permission identity.Permission, where string) error {
	return Refuse(Forbidden, "you do not hold %s on %s yourself, or not for so long; nobody gives what they do not hold", permission, where)
}
