package clientcmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

// peopleAre ends the help of commands that take a person.
const peopleAre = `

A person is named as records name them (person: and 32 hexadecimal digits), or by
their provider (oidc:<issuer>#<subject>), as touchmark whoami shows it. They need
not have signed in yet.`

// ownership is a device's owner with who that is, where one may know.
type ownership struct {
	Device     string         `json:"device"`
	Owner      *string        `json:"owner"`
	OwnerGroup *string        `json:"owner_group"`
	User       *resource.User `json:"user"`
}

func (a *app) deviceOwner() *cobra.Command {
	return &cobra.Command{
		Use:   "owner DEVICE",
		Short: "Show who owns a device",
		Long: `Shows the person who owns a device, by pseudonym and, where you may read devices,
by name; and the group whose members own it too.`,
		Example: `  touchmark device owner TH20-SN1`,
		Args:    a.Takes("DEVICE"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			device, err := c.Device(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			owner := ownership{Device: device.ID, Owner: device.Owner, OwnerGroup: device.OwnerGroup}
			if owner.Owner != nil {
				user, err := c.User(cmd.Context(), *owner.Owner)
				switch client.CodeOf(err) {
				case enroll.Forbidden, enroll.NotFound: // the pseudonym has to do
				default:
					if err != nil {
						return err
					}
					owner.User = &user
				}
			}
			return show(cmd, a, owner, tellOwnership)
		}),
	}
}

func tellOwnership(w io.Writer, o ownership) error {
	if o.Owner == nil && o.OwnerGroup == nil {
		_, err := fmt.Fprintf(w, "%s belongs to nobody: touchmark device assign, or draw a code: touchmark device claim-code %s\n", o.Device, o.Device)
		return err
	}
	facts := []fact{{"owner", text(o.Owner)}}
	if o.User != nil {
		facts = append(facts, fact{"who is", o.User.User}, fact{"name", o.User.Name})
	}
	return tell(w, append(facts, fact{"owning group", text(o.OwnerGroup)})...)
}

func (a *app) deviceAssign() *cobra.Command {
	var to resource.Ownership
	var user, group string
	cmd := &cobra.Command{
		Use:   "assign DEVICE --user USER",
		Short: "Say who owns a device: a person, a group, or both",
		Long: `Makes a person the owner of a device, or a group, or both; what is not named stays,
and an empty value leaves nobody. Owners see the device and may hold it; nobody
makes themselves the owner of what they could not hold before. Claim codes of the
device, and what its owner before offered, are void then.` + peopleAre,
		Example: `  touchmark device assign TH20-SN1 --user oidc:https://idp.example.com#ida
  touchmark device assign TH20-SN1 --group group:https://idp.example.com#kitchen`,
		Args: a.Takes("DEVICE"),
	}
	cmd.Flags().StringVar(&user, "user", "", "the person")
	cmd.Flags().StringVar(&group, "group", "", "the group: group:<issuer>#<group>")
	addComment(cmd, &to.Comment)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if cmd.Flags().Changed("user") {
			to.User = &user
		}
		if cmd.Flags().Changed("group") {
			to.Group = &group
		}
		if to.User == nil && to.Group == nil {
			return a.Wrong(cmd, "name an owner: --user or --group")
		}
		device, err := c.AssignOwner(cmd.Context(), args[0], to)
		if err != nil {
			return err
		}
		return show(cmd, a, device, tellDevice)
	})
	return cmd
}

func (a *app) deviceDisown() *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use:   "disown DEVICE",
		Short: "Leave a device without an owner, or give up your own",
		Long: `Gives up a device that you own, for your part; a group that owns it too keeps it.
Who may assign the device takes it from person and group.`,
		Example: `  touchmark device disown TH20-SN1 --comment sold`,
		Args:    a.Takes("DEVICE"),
	}
	addComment(cmd, &comment)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if err := c.ReleaseOwner(cmd.Context(), args[0], comment); err != nil {
			return err
		}
		return a.done(cmd, args[0], "disowned", "%s was given up.\n", args[0])
	})
	return cmd
}

// outcome is what a command did whose answer holds nothing.
type outcome struct {
	Device string `json:"device,omitempty"`
	Done   string `json:"done"`
}

// done says what was done to a device.
func (a *app) done(cmd *cobra.Command, device, what, format string, args ...any) error {
	return show(cmd, a, outcome{device, what}, func(w io.Writer, _ outcome) error {
		_, err := fmt.Fprintf(w, format, args...)
		return err
	})
}

func (a *app) deviceClaimCode() *cobra.Command {
	var expires string
	cmd := &cobra.Command{
		Use:   "claim-code DEVICE",
		Short: "Draw the code by which a person claims a device",
		Long: `Draws a code that makes whoever has it the owner of the device, once: print it on a
card in the box, or on the device. It is told now and never again; drawing again
voids it. It is good for seven days, or until --expires, at most 90 days.

The owner says touchmark claim CODE.`,
		Example: `  touchmark device claim-code TH20-SN1
  touchmark device claim-code TH20-SN1 --expires +30d --json`,
		Args: a.Takes("DEVICE"),
	}
	cmd.Flags().StringVar(&expires, "expires", "", "until when it can be used: 2027-01-31T17:00:00Z, 2027-01-31, or +12h and +30d for from now")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		until, err := optionalMoment("expires", expires, a.Clock())
		if err != nil {
			return err
		}
		var lifetime time.Duration
		if until != nil {
			if lifetime = until.Sub(a.Clock()).Round(time.Second); lifetime < enroll.MinClaimCodeLifetime || lifetime > enroll.MaxClaimCodeLifetime {
				return wrongUse("--expires: a code can be used for a minute to 90 days")
			}
		}
		code, err := c.DrawClaimCode(cmd.Context(), args[0], lifetime)
		if err != nil {
			return err
		}
		return show(cmd, a, code, func(w io.Writer, code resource.ClaimCode) error {
			return tell(w, fact{"device", code.Device}, fact{"code", code.Code}, fact{"until", when(&code.ExpiresAt)})
		})
	})
	return cmd
}
