package clientcmd

import (
	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
)

func (a *app) fleetDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete PATH",
		Short: "Delete a fleet in which there is nothing",
		Long: `Deletes a fleet that has no fleets below it, no devices, no orders, open or closed,
and no grants or scoped tokens but such as have ended, which go with it. Its name is
free again; a fleet that is made there later is another one, with another id. Where
it has a policy of its own, this takes policy.set there too.` + mayWait,
		Example: `  touchmark fleet delete /berlin/line-3`,
		Args:    a.Takes("PATH"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fleet, err := c.FleetAt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := c.DeleteFleet(cmd.Context(), fleet.ID); err != nil {
				return err
			}
			return show(cmd, a, deleted{fleet.Path}, tellDeleted)
		}),
	}
}
