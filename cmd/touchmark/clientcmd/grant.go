package clientcmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

func (a *app) grant() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "grant",
		Short: "Grants: who holds which role on which branch of the fleet tree",
		Long: `A grant gives a principal or a group a role on a branch of the fleet tree, until it
ends or is taken back. What nobody was granted nobody may do; outside their branches
they do not even learn what is there. The groups under roles in the server's
configuration hold their role on the whole tree.

Whom a grant is for is written as touchmark whoami shows it: oidc:<issuer>#<subject>,
group:<issuer>#<group>, or device:<id> for a certificate of ours.`,
		Example: `  touchmark grant create --for 'group:https://idp.example#line-leads' --role operator --fleet /berlin --until +90d
  touchmark grant list --fleet /berlin
  touchmark grant delete GRANT`,
	}
	cmd.AddCommand(a.grantList(), a.grantShow(), a.grantCreate(), a.grantDelete())
	return a.Group(cmd)
}

func (a *app) grantList() *cobra.Command {
	var query client.GrantFilter
	var part paging
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List grants",
		Long: `Lists the grants that you may know of. --fleet means the grants on that fleet alone:
those on the fleets above reach it too, and touchmark access explain tells which
decides. Grants that have ended are listed for 90 days, or until they are deleted.`,
		Example: `  touchmark grant list --fleet /berlin
  touchmark grant list --for 'group:https://idp.example#line-leads'`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&query.Fleet, "fleet", "", "only those on this fleet, by its path")
	cmd.Flags().StringVar(&query.For, "for", "", "only those for this principal or group")
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		grants := listing[resource.Grant]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Grant], error) {
				return c.GrantsPart(ctx, query, resource.Page{After: after, Limit: limit})
			},
			header: []string{"GRANT", "FOR", "ROLE", "FLEET", "UNTIL"},
			row:    func(g resource.Grant) []string { return []string{g.ID, g.For, g.Role, g.Fleet, when(g.Until)} },
			unit:   "grants",
			empty:  "No grants here that you may know of; touchmark grant create makes one.",
		}
		return grants.show(cmd, a, part)
	})
	return cmd
}

func (a *app) grantShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show GRANT",
		Short:   "Show a grant",
		Long:    `Shows a grant: for whom, which role, where, until when, and who gave it.`,
		Example: `  touchmark grant show gcfmq3ou1l0p0f3c95b0eihfr4`,
		Args:    a.Takes("GRANT"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			grant, err := c.Grant(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, grant, tellGrant)
		}),
	}
}

func (a *app) grantCreate() *cobra.Command {
	var asked resource.NewGrant
	var until string
	cmd := &cobra.Command{
		Use:   "create --for WHO --role ROLE --fleet FLEET",
		Short: "Give a role on a branch",
		Long: `Gives a principal or a group a role on a fleet and all that is below it. You must
hold every permission of the role there yourself, for as long.` + mayWait,
		Example: `  touchmark grant create --for 'group:https://idp.example#line-leads' --role operator --fleet /berlin
  touchmark grant create --for 'oidc:https://idp.example#erika' --role auditor --fleet / --until +30d`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&asked.For, "for", "", "whom it is for: oidc:<issuer>#<subject>, group:<issuer>#<group> or device:<id>")
	cmd.Flags().StringVar(&asked.Role, "role", "", "a role that touchmark role list shows")
	cmd.Flags().StringVar(&asked.Fleet, "fleet", "", "path of the branch; / is the whole tree")
	cmd.Flags().StringVar(&until, "until", "", "when it ends: 2027-01-31T17:00:00Z, 2027-01-31, or +8h and +30d for from now; without end where it is not given")
	complete(cmd, "role", texts(identity.Roles()))
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if err := a.needs(cmd, "for", "role", "fleet"); err != nil {
			return err
		}
		var err error
		if asked.Until, err = optionalMoment("until", until, a.Clock()); err != nil {
			return err
		}
		grant, err := c.CreateGrant(cmd.Context(), asked)
		if err != nil {
			return err
		}
		return show(cmd, a, grant, tellGrant)
	})
	return cmd
}

func (a *app) grantDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete GRANT",
		Short: "Take a grant back",
		Long: `Takes a grant back: from then on it gives nothing. Everybody may give up a grant
that is for themselves.` + mayWait,
		Example: `  touchmark grant delete gcfmq3ou1l0p0f3c95b0eihfr4`,
		Args:    a.Takes("GRANT"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if err := c.DeleteGrant(cmd.Context(), args[0]); err != nil {
				return err
			}
			return show(cmd, a, deleted{args[0]}, tellDeleted)
		}),
	}
}

// deleted is what a command tells of what is gone, where the API tells nothing.
type deleted struct {
	Deleted string `json:"deleted"`
}

func tellDeleted(w io.Writer, d deleted) error { return tell(w, fact{"deleted", d.Deleted}) }

func tellGrant(w io.Writer, g resource.Grant) error {
	return tell(w,
		fact{"grant", g.ID},
		fact{"for", g.For},
		fact{"role", g.Role},
		fact{"fleet", g.Fleet},
		fact{"until", when(g.Until)},
		fact{"given", when(&g.CreatedAt)},
		fact{"given by", g.CreatedBy},
	)
}
