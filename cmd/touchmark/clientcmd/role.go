package clientcmd

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

func (a *app) role() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "role",
		Short: "Roles: sets of permissions, built in or the organisation's own",
		Long: `A role is a set of permissions, each of which names an operation of the service,
such as device.revoke. admin, operator, security, auditor and station are built in
and stay as they are; an organisation makes others of its own.`,
		Example: `  touchmark role list
  touchmark role set line-lead --permissions order.read,order.create,ticket.draw,device.read`,
	}
	cmd.AddCommand(a.roleList(), a.roleSet(), a.roleDelete())
	return a.Group(cmd)
}

func (a *app) roleList() *cobra.Command {
	var part paging
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List roles and what each may do",
		Long:  `Lists the built-in roles, and after them the organisation's own by name.`,
		Example: `  touchmark role list
  touchmark role list --json`,
		Args: a.Takes(),
	}
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		roles := listing[resource.Role]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Role], error) {
				return c.RolesPart(ctx, resource.Page{After: after, Limit: limit})
			},
			header: []string{"ROLE", "CHANGED", "PERMISSIONS"},
			row:    func(r resource.Role) []string { return []string{r.Name, changed(r), strings.Join(r.Permissions, " ")} },
			unit:   "roles",
			empty:  "No more roles.",
		}
		return roles.show(cmd, a, part)
	})
	return cmd
}

func changed(r resource.Role) string {
	if r.BuiltIn {
		return "built in"
	}
	return when(r.ChangedAt)
}

func (a *app) roleSet() *cobra.Command {
	var given string
	cmd := &cobra.Command{
		Use:   "set NAME --permissions PERMISSIONS",
		Short: "Make a role, or change what it gives wherever it was granted",
		Long: `Makes a role of the organisation's own, or replaces what it gives. A change reaches
everybody who holds the role, at once. It takes role.edit on the whole tree, and
every permission that the role newly gives.` + mayWait,
		Example: `  touchmark role set line-lead --permissions order.read,order.create,ticket.draw,device.read`,
		Args:    a.Takes("NAME"),
	}
	cmd.Flags().StringVar(&given, "permissions", "", "the whole set: A,B,C, or @FILE with one a line")
	complete(cmd, "permissions", texts(identity.Permissions()))
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if err := a.needs(cmd, "permissions"); err != nil {
			return err
		}
		permissions, err := listed("permissions", given)
		if err != nil {
			return err
		}
		role, err := c.PutRole(cmd.Context(), args[0], append([]string{}, permissions...))
		if err != nil {
			return err
		}
		return show(cmd, a, role, tellRole)
	})
	return cmd
}

func tellRole(w io.Writer, r resource.Role) error {
	return tell(w, fact{"role", r.Name}, fact{"changed", changed(r)}, fact{"permissions", strings.Join(r.Permissions, " ")})
}

func (a *app) roleDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a role; its grants give nothing any more",
		Long: `Deletes a role of the organisation's own. Grants of it stay, and give nothing until
there is a role of that name again.` + mayWait,
		Example: `  touchmark role delete line-lead`,
		Args:    a.Takes("NAME"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if err := c.DeleteRole(cmd.Context(), args[0]); err != nil {
				return err
			}
			return show(cmd, a, deleted{args[0]}, tellDeleted)
		}),
	}
}
