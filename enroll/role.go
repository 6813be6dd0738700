package enroll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// Role is a role with what it may do.
type Role struct {
	// ID tells the role from others of its name, before and after: the grants of one
	// that was deleted are not of one that is made later. Empty for a built-in role, and
	// of roles from before it was noted.
	ID          string                `json:"id,omitempty"`
	Name        identity.Role         `json:"name"`
	Permissions []identity.Permission `json:"permissions"` // in the order of identity.Permissions
	// ChangedAt is when it was last written; zero for a built-in role.
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

// BuiltIn reports whether the role is one of Touchmark's own.
func (r Role) BuiltIn() bool { return r.Name.BuiltIn() }

// knownRole is a role as decisions see it. It belongs to everybody.
type knownRole struct {
	id  string
	may permissions
}

// role returns a role, or ErrNotFound.
func (m *moment) role(r Reader, name identity.Role) (knownRole, error) {
	if may, ok := m.builtIn[name]; ok {
		return knownRole{may: may}, nil
	}
	return remembered(m, m.roles, name, func() (knownRole, error) {
		role, err := readDocument[Role](r, RoleDocument, string(name))
		return knownRole{id: role.ID, may: permissionsOf(role.Permissions)}, err
	})
}

// gives returns what a grant gives: nothing, where its role is gone.
func (m *moment) gives(r Reader, g *Grant) (permissions, error) {
	role, err := m.role(r, g.Role)
	if errors.Is(err, ErrNotFound) || err == nil && role.id != g.RoleID {
		return nil, nil
	}
	return role.may, err
}

// Roles lists the built-in roles, and after them the organisation's own by name.
func (s *Service) Roles(ctx context.Context, p identity.Principal, page Page) (list List[Role], err error) {
	if err := s.need(ctx, p, identity.RoleRead); err != nil {
		return list, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		var rest Page
		if list, rest, err = builtInRoles(page); err != nil || rest.Limit == 0 {
			return err
		}
		found, err := r.Documents(RoleDocument, "", rest)
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

// builtInCursor begins the cursors of the built-in roles, which no store gives out.
const builtInCursor = "built-in:"

// builtInRoles returns the built-in roles that belong to a part of a list, and what
// the organisation's own are then asked for; a limit of 0 where the part is full.
func builtInRoles(page Page) (list List[Role], rest Page, err error) {
	if page.Limit == 0 {
		page.Limit = DefaultPage
	}
	names := identity.Roles()
	last, within := strings.CutPrefix(page.After, builtInCursor)
	if !within && page.After != "" {
		return list, page, nil
	}
	if within {
		at := slices.Index(names, identity.Role(last))
		if at < 0 {
			return list, rest, ErrCursor
		}
		names = names[at+1:]
	}
	names = names[:min(len(names), page.Limit)]
	for _, name := range names {
		list.Items = append(list.Items, Role{Name: name, Permissions: inOrder(name.Permissions())})
	}
	if rest.Limit = page.Limit - len(names); rest.Limit == 0 {
		list.Next = builtInCursor + string(names[len(names)-1])
	}
	return list, rest, nil
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
func errBeyond(permission identity.Permission, where string) *Refusal {
	return Refuse(Forbidden, "you do not hold %s on %s yourself, or not for so long; nobody gives what they do not hold", permission, where)
}
