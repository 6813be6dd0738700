package clientcmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) fleetPolicy() *cobra.Command {
	var file string
	var version uint64
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "policy PATH",
		Short: "Print a fleet's own policy, or replace it with --set",
		Long: `Prints what a fleet says itself, as JSON that can be edited and set again. What it
leaves out is inherited: touchmark fleet show --effective tells what holds. With
--json prints the fleet, with the version of its policy.

With --set replaces it by what a file holds, or standard input for -. Everything
that is wrong with a policy is told at once. With --version it is set only if
nobody has changed it since that version.

With --set and --dry-run nothing is set: it tells how many devices there are, which
of them change how at their next renewal, and what changes of what holds there.` + mayWait,
		Example: `  touchmark fleet policy /berlin > berlin.json
  touchmark fleet policy /berlin --set berlin.json --dry-run
  touchmark fleet policy /berlin --set berlin.json
  echo '{"lifetime": "7d"}' | touchmark fleet policy /berlin --set -`,
		Args: a.Takes("PATH"),
	}
	cmd.Flags().StringVar(&file, "set", "", "replace the policy by what `FILE` holds; - is standard input")
	cmd.Flags().Uint64Var(&version, "version", 0, "set it only if this is still its version, which touchmark fleet show tells")
	addDryRun(cmd, &dryRun)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if !cmd.Flags().Changed("set") {
			return a.printPolicy(cmd, c, args[0], dryRun || version != 0)
		}
		wanted, err := readPolicy(cmd.InOrStdin(), file)
		if err != nil {
			return err
		}
		fleet, err := c.FleetAt(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if dryRun {
			return a.preview(cmd, c, fleet, resource.PreviewedChange{Policy: wanted})
		}
		set, err := c.SetPolicy(cmd.Context(), fleet.ID, resource.PolicyChange{Policy: wanted, Version: version})
		if err != nil {
			return err
		}
		return show(cmd, a, set, tellFleet)
	})
	return cmd
}

// printPolicy prints a fleet's own policy, so that it can be edited and set again.
func (a *app) printPolicy(cmd *cobra.Command, c *client.Client, path string, setting bool) error {
	if setting {
		return a.needs(cmd, "set")
	}
	fleet, err := c.FleetAt(cmd.Context(), path)
	if err != nil {
		return err
	}
	return show(cmd, a, fleet, func(w io.Writer, f resource.Fleet) error {
		own, err := json.MarshalIndent(f.Policy, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", own)
		return err
	})
}

// maxPolicyFile bounds the file of a policy, in bytes. The server has the last word
// on how long a policy is.
const maxPolicyFile = 64 << 10

// readPolicy reads a policy from a file, or from stdin for "-".
func readPolicy(stdin io.Reader, file string) (resource.PolicyText, error) {
	var wanted resource.PolicyText
	var err error
	if file == "-" {
		wanted.RawMessage, err = io.ReadAll(io.LimitReader(stdin, maxPolicyFile+1))
	} else {
		wanted.RawMessage, err = readBounded(file, maxPolicyFile)
	}
	switch {
	case err != nil:
		return wanted, fmt.Errorf("--set: %w", err)
	case len(wanted.RawMessage) > maxPolicyFile:
		return wanted, wrongUse("--set: that is more than the %d bytes that a policy may have", maxPolicyFile)
	case !json.Valid(wanted.RawMessage) || !bytes.HasPrefix(bytes.TrimSpace(wanted.RawMessage), []byte("{")):
		return wanted, wrongUse(`--set: that is no JSON object; a policy is one, such as {"lifetime": "7d"}`)
	default:
		return wanted, nil
	}
}
