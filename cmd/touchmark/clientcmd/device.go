package clientcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

func (a *app) device() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "device",
		Short: "Devices: find them, read their story, hold, revoke and retire them",
		Long: `A device is expected (it is on an order's manifest, or a ticket was drawn for it),
then active once it is enrolled. It can be held and released again; revoked and
retired are final. A device's id is its model, a dash and its serial number, such
as TH20-SN1.`,
		Example: `  touchmark device list --fleet /berlin --state active
  touchmark device show TH20-SN1
  touchmark device revoke TH20-SN1 --reason keyCompromise --comment "found on a market"`,
	}
	cmd.AddCommand(a.deviceList(), a.deviceShow(), a.deviceEvents(), a.deviceReenrol())
	cmd.AddCommand(a.deviceOwner(), a.deviceAssign(), a.deviceDisown(), a.deviceClaimCode(), a.deviceTransfer(), a.deviceAccept(), a.deviceDecline())
	for _, action := range identity.Actions() {
		cmd.AddCommand(a.deviceAction(action))
	}
	return a.Group(cmd)
}

func (a *app) deviceList() *cobra.Command {
	var query client.DeviceFilter
	var part paging
	var expiring string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List devices, each with its newest certificate",
		Long: `Lists the devices that you may see. --fleet means the whole branch, and --q is the
beginning of a device's id or of its serial number. --expiring-before finds the
devices whose newest certificate ends before a time: those that have stopped
renewing. --owner finds what belongs to somebody; who may read no branch is shown
what is their own.`,
		Example: `  touchmark device list --fleet /berlin --state active
  touchmark device list --expiring-before +6h
  touchmark device list --q TH20-SN --limit 20`,
		Args: a.Takes(),
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Fleet, "fleet", "", "only of this branch of the fleet tree")
	flags.StringVar(&query.Model, "model", "", "only of this model")
	flags.StringVar(&query.State, "state", "", "only in this state: expected, active, held, revoked or retired")
	flags.StringVar(&query.Owner, "owner", "", "only what belongs to: me, person:…, oidc:<issuer>#<subject> or group:<issuer>#<group>")
	flags.StringVar(&query.Query, "q", "", "only those whose id or serial number begins like this")
	flags.StringVar(&expiring, "expiring-before", "", "only those whose newest certificate ends before: 2027-01-31T17:00:00Z, 2027-01-31, or +6h and +30d")
	part.addFlags(cmd)
	complete(cmd, "state", texts(identity.States()))
	complete(cmd, "owner", []string{"me"})
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		before, err := optionalMoment("expiring-before", expiring, a.Clock())
		if err != nil {
			return err
		}
		if before != nil {
			query.ExpiringBefore = *before
		}
		devices := listing[resource.Device]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Device], error) {
				return c.DevicesPart(ctx, query, resource.Page{After: after, Limit: limit})
			},
			header: []string{"DEVICE", "STATE", "FLEET", "CERTIFICATE UNTIL", "STATUS"},
			row:    deviceRow,
			unit:   "devices",
			empty:  "No devices here that you may see.",
		}
		return devices.show(cmd, a, part)
	})
	return cmd
}

func deviceRow(d resource.Device) []string {
	row := []string{d.ID, d.State, d.Fleet, "", ""}
	if len(d.Certificates) > 0 {
		newest := d.Certificates[0]
		row[3], row[4] = when(&newest.NotAfter), newest.Status
	}
	return row
}

func (a *app) deviceShow() *cobra.Command {
	var effective bool
	cmd := &cobra.Command{
		Use:   "show DEVICE",
		Short: "Show a device and its certificates, newest first",
		Long: `Shows a device with its newest certificates, each with the one that it renewed.
A second key or a fork that was seen is told: it may mean that a key was copied.

With --effective shows the policy that holds for it, and which fleet set what.`,
		Example: `  touchmark device show TH20-SN1
  touchmark device show TH20-SN1 --effective
  touchmark device show TH20-SN1 --json`,
		Args: a.Takes("DEVICE"),
	}
	cmd.Flags().BoolVar(&effective, "effective", false, "show the policy that holds for it, and from which fleet")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if effective {
			holds, err := c.DeviceEffective(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, holds, tellEffective)
		}
		device, err := c.Device(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return show(cmd, a, device, tellDevice)
	})
	return cmd
}

func tellDevice(w io.Writer, d resource.Device) error {
	err := tell(w,
		fact{"device", d.ID},
		fact{"state", d.State},
		fact{"fleet", d.Fleet},
		fact{"urn", d.URN},
		fact{"order", text(d.Order)},
		fact{"key kept in", d.KeyProtection},
		fact{"owner", text(d.Owner)},
		fact{"owning group", text(d.OwnerGroup)},
		fact{"created", when(&d.CreatedAt)},
		fact{"changed", when(&d.ChangedAt)},
		fact{"second key seen", when(d.CloneSuspectedAt)},
		fact{"fork seen", when(d.ForkedAt)},
		fact{"may re-enrol until", when(d.ReenrolUntil)},
	)
	if err != nil || len(d.Certificates) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	certificates := newTable(w, "CERTIFICATE", "STATUS", "FROM", "UNTIL", "RENEWED")
	for _, c := range d.Certificates {
		certificates.row(c.Serial, status(c), when(&c.NotBefore), when(&c.NotAfter), text(c.Predecessor))
	}
	if err := certificates.flush(); err != nil || !d.MoreCertificates {
		return err
	}
	_, err = fmt.Fprintf(w, "\nThere are older ones: touchmark certificate list --device %s\n", d.ID)
	return err
}

func (a *app) deviceReenrol() *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use:   "reenrol DEVICE",
		Short: "Permit one enrolment with another key, for a device that lost its own",
		Long: `Permits an active device to be enrolled once more with another key, as after its
flash memory was wiped. It must prove itself as it did at first: draw a new ticket
for it, or have a station vouch. The certificates that it has are revoked as
superseded when the new one is issued; until then they stay good. The permission
ends by itself, after 24 hours unless the server says otherwise.` + mayWait,
		Example: `  touchmark device reenrol TH20-SN1 --comment "flash replaced, ticket 4711"
  touchmark order tickets ORDER --serials SN1`,
		Args: a.Takes("DEVICE"),
	}
	addComment(cmd, &comment)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		device, err := c.Reenrol(cmd.Context(), args[0], comment)
		if err != nil {
			return err
		}
		return show(cmd, a, device, func(w io.Writer, d resource.Device) error {
			if err := tellDevice(w, d); err != nil {
				return err
			}
			_, err := fmt.Fprintf(w, "\nNext: touchmark order tickets %s --serials %s\n", text(d.Order), d.Serial)
			return err
		})
	})
	return cmd
}
