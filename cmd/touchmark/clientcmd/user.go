package clientcmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

func (a *app) user() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "People: who they are, what they own, and all of it at once",
		Long: `Records and devices name people by pseudonym. These commands tell who that is, list
what belongs to a person, and hold, revoke or reassign all of it, as when somebody
leaves.` + peopleAre + ` "me" is you.`,
		Example: `  touchmark user devices me
  touchmark user hold oidc:https://idp.example.com#ida --comment "left on Friday"
  touchmark user reassign oidc:https://idp.example.com#ida --to oidc:https://idp.example.com#otto`,
	}
	cmd.AddCommand(a.userShow(), a.userDevices(), a.userTransfers())
	for _, action := range enroll.JobActions() {
		cmd.AddCommand(a.userJob(action))
	}
	return a.Group(cmd)
}

func (a *app) userShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show USER",
		Short:   "Show who a pseudonymous id stands for",
		Long:    `Shows a person whom records or devices name, to those who may read devices.`,
		Example: `  touchmark user show person:2f1c0a8e6b7d4c53907a1e5f3b2d4c68`,
		Args:    a.Takes("USER"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			user, err := c.User(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, user, func(w io.Writer, u resource.User) error {
				return tell(w, fact{"id", u.ID}, fact{"who is", u.User}, fact{"name", u.Name}, fact{"first seen", when(u.FirstSeen)})
			})
		}),
	}
}

func (a *app) userDevices() *cobra.Command {
	var part paging
	cmd := &cobra.Command{
		Use:   "devices USER",
		Short: "List what belongs to a person",
		Long: `Lists the devices of a person, as far as you may see them: your own, and those on
branches where you may read devices.`,
		Example: `  touchmark user devices me`,
		Args:    a.Takes("USER"),
	}
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		devices := listing[resource.Device]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Device], error) {
				return c.UserDevicesPart(ctx, args[0], resource.Page{After: after, Limit: limit})
			},
			header: []string{"DEVICE", "STATE", "FLEET", "CERTIFICATE UNTIL", "STATUS"},
			row:    deviceRow,
			unit:   "devices",
			empty:  "Nothing here belongs to them that you may see.",
		}
		return devices.show(cmd, a, part)
	})
	return cmd
}

func (a *app) userTransfers() *cobra.Command {
	var part paging
	cmd := &cobra.Command{
		Use:     "transfers",
		Short:   "List the devices that others offer to you",
		Long:    `Lists the devices that their owners offer to you: accept or decline each.`,
		Example: `  touchmark user transfers`,
		Args:    a.Takes(),
	}
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		offers := listing[resource.Transfer]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Transfer], error) {
				return c.TransfersPart(ctx, resource.Page{After: after, Limit: limit})
			},
			header: []string{"DEVICE", "MODEL", "FROM", "UNTIL"},
			row:    func(t resource.Transfer) []string { return []string{t.Device, t.Model, t.From, when(&t.ExpiresAt)} },
			unit:   "devices",
			empty:  "Nothing is offered to you.",
		}
		return offers.show(cmd, a, part)
	})
	return cmd
}
