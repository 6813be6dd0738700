package rest

import (
	"context"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type rolePath struct {
	Name string `path:"name" maxLength:"64" doc:"The role's name"`
}

func (d *door) addRoles() {
	handle(d, operation{
		id: "list-roles", method: http.MethodGet, path: "/api/v1/roles", permission: identity.RoleRead,
		summary: "List the built-in roles, and after them the organisation's own by name",
	}, d.listRoles)
	handle(d, operation{
		id: "put-role", method: http.MethodPut, path: "/api/v1/roles/{name}", permission: identity.RoleEdit,
		summary: "Make a role of the organisation's own, or change it wherever it was granted; on the whole tree alone, and nobody puts in what they do not hold", waits: true,
	}, d.putRole)
	handle(d, operation{
		id: "delete-role", method: http.MethodDelete, path: "/api/v1/roles/{name}", permission: identity.RoleEdit,
		summary: "Delete a role of the organisation's own; its grants give nothing any more", status: http.StatusNoContent, waits: true,
	}, d.deleteRole)
}

func (d *door) listRoles(ctx context.Context, p identity.Principal, in *struct{ resource.Page }) (*answer[resource.List[resource.Role]], error) {
	roles, err := d.Service.Roles(ctx, p, pageIn(in.Page))
	return pageOf(roles, roleOf), err
}

// roleChange writes a role.
type roleChange struct {
	Name string `path:"name" maxLength:"64" doc:"The role's name: 1 to 64 of a-z, 0-9, '.', '_' and '-'"`
	Body resource.RolePermissions
}

func (d *door) putRole(ctx context.Context, p identity.Principal, in *roleChange) (*answer[resource.Role], error) {
	role, err := d.Service.PutRole(ctx, p, in.Name, in.Body.Permissions)
	return answerOf(roleOf(role)), err
}

func (d *door) deleteRole(ctx context.Context, p identity.Principal, in *rolePath) (*nothing, error) {
	return &nothing{}, d.Service.DeleteRole(ctx, p, in.Name)
}

func roleOf(r enroll.Role) resource.Role {
	return resource.Role{
		Name: string(r.Name), BuiltIn: r.BuiltIn(), ChangedAt: moment(r.ChangedAt),
		Permissions: listOf(r.Permissions, func(p identity.Permission) string { return string(p) }),
	}
}
