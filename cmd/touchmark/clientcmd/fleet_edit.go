package clientcmd

import (
	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) fleetRename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename PATH NAME",
		Short: "Rename a fleet",
		Long: `Gives a fleet another name: the last segment of its path. Devices, orders, grants
and policies go with it, for they know it by its id.` + mayWait,
		Example: `  touchmark fleet rename /berlin/line-3 line-4`,
		Args:    a.Takes("PATH", "NAME"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fleet, err := c.FleetAt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.editFleet(cmd, c, fleet, resource.FleetEdit{Name: args[1]})
		}),
	}
}

func (a *app) fleetMove() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "move PATH PARENT",
		Short: "Move a fleet, with all that is below it, below another",
		Long: `Moves a fleet right below another: PARENT is a path, / for the top. No device is
touched, but other policy may hold on the branch from then on, and others may have
power over it. It takes as much power as it gives: what the grants on the new
parent give, you must hold yourself.

With --dry-run nothing is moved: it tells how many devices there are, which of them
change how at their next renewal, and whose authority over the branch changes.` + mayWait,
		Example: `  touchmark fleet move /berlin/line-3 /munich --dry-run
  touchmark fleet move /berlin/line-3 /munich`,
		Args: a.Takes("PATH", "PARENT"),
	}
	addDryRun(cmd, &dryRun)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		fleet, err := c.FleetAt(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		edit := resource.FleetEdit{Parent: args[1]}
		if dryRun {
			return a.preview(cmd, c, fleet, resource.PreviewedChange{FleetEdit: edit})
		}
		return a.editFleet(cmd, c, fleet, edit)
	})
	return cmd
}

func (a *app) editFleet(cmd *cobra.Command, c *client.Client, fleet resource.Fleet, edit resource.FleetEdit) error {
	edited, err := c.EditFleet(cmd.Context(), fleet.ID, edit)
	if err != nil {
		return err
	}
	return show(cmd, a, edited, tellFleet)
}
