package clientcmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) deviceTransfer() *cobra.Command {
	var to string
	var withdraw bool
	cmd := &cobra.Command{
		Use:   "transfer DEVICE --to USER",
		Short: "Offer a device that you own to somebody else",
		Long: `Offers a device to another person. It is yours until they accept it (touchmark
device accept), for which they have seven days. Offering it again, or --withdraw,
takes the offer back. Who may assign the device does that instead: touchmark device
assign.` + peopleAre,
		Example: `  touchmark device transfer TH20-SN1 --to oidc:https://idp.example.com#otto
  touchmark device transfer TH20-SN1 --withdraw`,
		Args: a.Takes("DEVICE"),
	}
	cmd.Flags().StringVar(&to, "to", "", "the person who is to have it")
	cmd.Flags().BoolVar(&withdraw, "withdraw", false, "take the offer back")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		switch {
		case withdraw == (to != ""):
			return a.Wrong(cmd, "give --to, or --withdraw")
		case withdraw:
			if err := c.WithdrawTransfer(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.done(cmd, args[0], "withdrawn", "%s is offered to nobody any more.\n", args[0])
		}
		offer, err := c.OfferTransfer(cmd.Context(), args[0], to)
		if err != nil {
			return err
		}
		return show(cmd, a, offer, func(w io.Writer, t resource.Transfer) error {
			return tell(w, fact{"device", t.Device}, fact{"offered to", t.To}, fact{"until", when(&t.ExpiresAt)})
		})
	})
	return cmd
}

func (a *app) deviceAccept() *cobra.Command {
	return &cobra.Command{
		Use:     "accept DEVICE",
		Short:   "Become the owner of a device that is offered to you",
		Long:    `Accepts a device that its owner offers to you. touchmark user transfers lists them.`,
		Example: `  touchmark device accept TH20-SN1`,
		Args:    a.Takes("DEVICE"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			device, err := c.AcceptTransfer(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, device, tellDevice)
		}),
	}
}

func (a *app) deviceDecline() *cobra.Command {
	return &cobra.Command{
		Use:     "decline DEVICE",
		Short:   "Decline a device that is offered to you",
		Long:    `Declines a device that its owner offers to you: it stays theirs.`,
		Example: `  touchmark device decline TH20-SN1`,
		Args:    a.Takes("DEVICE"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if err := c.DeclineTransfer(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.done(cmd, args[0], "declined", "%s stays with its owner.\n", args[0])
		}),
	}
}
