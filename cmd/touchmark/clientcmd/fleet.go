package clientcmd

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) fleet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Fleets: the branches of one tree, on which policy is set and power is given",
		Long: `A fleet is a branch of one tree, named by its path, such as /berlin/line-3; / is
all of it. Its policy says which certificates the devices of the branch get, and
what it leaves out is inherited. Grants give people roles on branches (touchmark
grant). A fleet keeps its id when it is renamed or moved.`,
		Example: `  touchmark fleet list /berlin
  touchmark fleet show /berlin/line-3 --effective
  touchmark fleet policy /berlin > berlin.json
  touchmark fleet policy /berlin --set berlin.json --dry-run`,
	}
	cmd.AddCommand(a.fleetList(), a.fleetShow(), a.fleetCreate(), a.fleetRename(), a.fleetMove(), a.fleetDelete(), a.fleetPolicy())
	return a.Group(cmd)
}

// upTo has a command take the arguments named, or none of them.
func (a *app) upTo(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return a.Takes(name)(cmd, args)
	}
}

func (a *app) fleetList() *cobra.Command {
	var part paging
	cmd := &cobra.Command{
		Use:   "list [PARENT]",
		Short: "List the fleets right below one",
		Long: `Lists the fleets right below PARENT, a path, by name. Without it, lists the highest
fleets that you may see: / if you may see all.`,
		Example: `  touchmark fleet list
  touchmark fleet list /berlin --json`,
		Args: a.upTo("PARENT"),
	}
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		parent := ""
		if len(args) > 0 {
			parent = args[0]
		}
		fleets := listing[resource.Fleet]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Fleet], error) {
				return c.FleetsPart(ctx, parent, resource.Page{After: after, Limit: limit})
			},
			header: []string{"FLEET", "ID", "POLICY"},
			row:    func(f resource.Fleet) []string { return []string{f.Path, f.ID, versionOf(f)} },
			unit:   "fleets",
			empty:  "No fleets here that you may see; touchmark fleet create makes one.",
		}
		return fleets.show(cmd, a, part)
	})
	return cmd
}

// versionOf tells of a fleet's own policy.
func versionOf(f resource.Fleet) string {
	if f.PolicyVersion == 0 {
		return ""
	}
	return "version " + strconv.FormatUint(f.PolicyVersion, 10)
}

func (a *app) fleetShow() *cobra.Command {
	var effective bool
	cmd := &cobra.Command{
		Use:   "show PATH",
		Short: "Show a fleet, or with --effective what holds there and which fleet set it",
		Long: `Shows a fleet with what it says itself. With --effective shows every field of a
policy as it holds there: which fleet set it, what was cut down because a fleet
above does not allow it, and how far the fleets below may loosen it.`,
		Example: `  touchmark fleet show /berlin
  touchmark fleet show /berlin/line-3 --effective`,
		Args: a.Takes("PATH"),
	}
	cmd.Flags().BoolVar(&effective, "effective", false, "show what holds, inherited or not, and from which fleet")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		fleet, err := c.FleetAt(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if !effective {
			return show(cmd, a, fleet, tellFleet)
		}
		holds, err := c.FleetEffective(cmd.Context(), fleet.ID)
		if err != nil {
			return err
		}
		return show(cmd, a, holds, tellEffective)
	})
	return cmd
}

func (a *app) fleetCreate() *cobra.Command {
	return &cobra.Command{
		Use:   "create PATH",
		Short: "Create a fleet, and what is missing of its path",
		Long: `Creates a fleet, and the fleets above it that are missing. One that is there
already is shown as it is. Orders make their fleets by themselves.`,
		Example: `  touchmark fleet create /berlin/line-3`,
		Args:    a.Takes("PATH"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			fleet, err := c.CreateFleet(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, fleet, tellFleet)
		}),
	}
}

func tellFleet(w io.Writer, f resource.Fleet) error {
	own, err := marshal(f.Policy)
	if err != nil {
		return err
	}
	return tell(w,
		fact{"fleet", f.Path},
		fact{"id", f.ID},
		fact{"below", text(f.Parent)},
		fact{"policy", fmt.Sprintf("%s (version %d)", own, f.PolicyVersion)},
	)
}
