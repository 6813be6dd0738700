package clientcmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) claim() *cobra.Command {
	var look, deny bool
	cmd := &cobra.Command{
		Use:   "claim CODE",
		Short: "Become the owner of a device by its claim code",
		Long: `Makes you the owner of the device whose code you have: one that came with it
(tmcl_…), or that it shows itself (such as WDJB-MJHT). A device that belongs to
somebody is not claimed; they transfer it or give it up.

Look first whether it is the device that you mean: --look shows it and changes
nothing. A code that somebody sent you may belong to a device of theirs. --deny ends
a claim that a device started, and that you did not ask for.`,
		Example: `  touchmark claim WDJB-MJHT --look
  touchmark claim WDJB-MJHT
  touchmark claim WDJB-MJHT --deny`,
		Args: a.Takes("CODE"),
	}
	cmd.Flags().BoolVar(&look, "look", false, "show the device, and change nothing")
	cmd.Flags().BoolVar(&deny, "deny", false, "end the claim that the device started")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		switch code := args[0]; {
		case look && deny:
			return a.Wrong(cmd, "--look and --deny are two things")
		case look:
			claim, err := c.LookUpClaim(cmd.Context(), code)
			if err != nil {
				return err
			}
			return show(cmd, a, claim, tellClaim)
		case deny:
			if err := c.DenyClaim(cmd.Context(), code); err != nil {
				return err
			}
			return a.done(cmd, "", "denied", "The claim is ended.\n")
		default:
			device, err := c.ConfirmClaim(cmd.Context(), code)
			if err != nil {
				return err
			}
			return show(cmd, a, device, tellDevice)
		}
	})
	return cmd
}

func tellClaim(w io.Writer, c resource.Claim) error {
	from := "was drawn for whoever unpacks the device"
	if c.ByDevice {
		from = "is shown by the device"
	}
	return tell(w,
		fact{"device", c.Device}, fact{"model", c.Model}, fact{"serial number", c.Serial}, fact{"the code", from}, fact{"until", when(&c.ExpiresAt)},
	)
}
