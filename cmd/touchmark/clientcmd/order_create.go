package clientcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

// orderTerms are the flags that creating and editing an order have in common, as
// they were typed.
type orderTerms struct {
	quantity                int
	opens, closes, stations string
}

func (t *orderTerms) addFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&t.quantity, "quantity", 0, "how many devices may be enrolled, 1 to 10000000")
	cmd.Flags().StringVar(&t.opens, "opens", "", "from when: 2027-01-31T17:00:00Z, 2027-01-31, or +8h and +30d for from now")
	cmd.Flags().StringVar(&t.closes, "closes", "", "until when, written likewise")
	cmd.Flags().StringVar(&t.stations, "stations", "", "who may vouch for devices: ids as touchmark whoami shows them, A,B,C or @FILE")
}

func (a *app) orderCreate() *cobra.Command {
	var asked resource.NewOrder
	var terms orderTerms
	var serials string
	cmd := &cobra.Command{
		Use:   "create --fleet FLEET --model MODEL --quantity N",
		Short: "Create a production order",
		Long: `Creates an order. A fleet that is not there yet is made, if you may.

With --serials the order has a manifest: only devices with these serial numbers
may be enrolled, and they are listed as expected until they are. Without it any
device of the model may, up to --quantity.

Devices prove themselves with tickets (touchmark order tickets), or a station
vouches for them that --stations names. They belong to --owner and --owner-group
from then on, if you name any.`,
		Example: `  touchmark order create --fleet /berlin/line-3 --model TH20 --quantity 100
  touchmark order create --fleet /berlin/line-3 --model TH20 --quantity 2 --serials SN1,SN2 --closes +8h
  touchmark order create --fleet /berlin/line-3 --model TH20 --quantity 5000 --serials @serials.txt \
    --stations device:GW-1`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&asked.Fleet, "fleet", "", "branch of the fleet tree that the devices belong to, such as /berlin/line-3")
	cmd.Flags().StringVar(&asked.Model, "model", "", "model of the devices, such as TH20")
	cmd.Flags().StringVar(&asked.Profile, "profile", "", "certificate profile; default where it is not given")
	cmd.Flags().StringVar(&serials, "serials", "", "manifest of serial numbers: A,B,C, or @FILE with one a line")
	cmd.Flags().StringVar(&asked.Owner, "owner", "", ownerUsage)
	cmd.Flags().StringVar(&asked.OwnerGroup, "owner-group", "", ownerGroupUsage)
	terms.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if err := a.needs(cmd, "fleet", "model", "quantity"); err != nil {
			return err
		}
		var faults [4]error
		now := a.Clock()
		asked.Quantity = terms.quantity
		asked.Opens, faults[0] = optionalMoment("opens", terms.opens, now)
		asked.Closes, faults[1] = optionalMoment("closes", terms.closes, now)
		asked.Stations, faults[2] = listed("stations", terms.stations)
		asked.Serials, faults[3] = listed("serials", serials)
		if err := firstError(faults[:]...); err != nil {
			return err
		}
		order, err := c.CreateOrder(cmd.Context(), asked)
		if err != nil {
			return err
		}
		return show(cmd, a, order, tellNewOrder)
	})
	return cmd
}

func tellNewOrder(w io.Writer, o resource.Order) error {
	if err := tellOrder(w, o); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nNext: touchmark order tickets %s --serials SN1,SN2\n", o.ID)
	return err
}

// How the flags are described that say whom an order's devices are given to.
const (
	ownerUsage      = "who is to own the devices: person:…, or oidc:<issuer>#<subject>"
	ownerGroupUsage = "the group that is to own the devices: group:<issuer>#<group>"
)

// keepNone is what takes a time away.
const keepNone = "none"

func (a *app) orderEdit() *cobra.Command {
	var terms orderTerms
	var owner, group string
	cmd := &cobra.Command{
		Use:   "edit ORDER",
		Short: "Change an order's quantity, times, stations or owner",
		Long: `Changes what the flags name and leaves the rest. --opens none opens the order at
once, --closes none leaves it without an end, and --stations replaces the whole
list, with an empty value by nothing. --owner and --owner-group, with an empty value
nobody, count for devices that are enrolled from now on. A quantity cannot fall below what is enrolled.`,
		Example: `  touchmark order edit 06h09okfrl908f5f --quantity 120
  touchmark order edit 06h09okfrl908f5f --closes none`,
		Args: a.Takes("ORDER"),
	}
	cmd.Flags().StringVar(&owner, "owner", "", ownerUsage)
	cmd.Flags().StringVar(&group, "owner-group", "", ownerGroupUsage)
	terms.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		var edit resource.OrderEdit
		if cmd.Flags().Changed("owner") {
			edit.Owner = &owner
		}
		if cmd.Flags().Changed("owner-group") {
			edit.OwnerGroup = &group
		}
		edit, err := terms.edit(cmd, a, edit)
		if err != nil {
			return err
		}
		order, err := c.EditOrder(cmd.Context(), args[0], edit)
		if err != nil {
			return err
		}
		return show(cmd, a, order, tellOrder)
	})
	return cmd
}

// edit adds what the flags that were given change.
func (t *orderTerms) edit(cmd *cobra.Command, a *app, edit resource.OrderEdit) (resource.OrderEdit, error) {
	none := edit.Owner == nil && edit.OwnerGroup == nil
	var faults [3]error
	flags := cmd.Flags()
	if flags.Changed("quantity") {
		edit.Quantity = &t.quantity
	}
	if flags.Changed("opens") {
		edit.Opens, faults[0] = movedTo("opens", t.opens, a)
	}
	if flags.Changed("closes") {
		edit.Closes, faults[1] = movedTo("closes", t.closes, a)
	}
	if flags.Changed("stations") {
		var stations []string
		stations, faults[2] = listed("stations", t.stations)
		stations = append([]string{}, stations...) // none is [], not null
		edit.Stations = &stations
	}
	if none && edit.Quantity == nil && !edit.Opens.Set && !edit.Closes.Set && edit.Stations == nil && firstError(faults[:]...) == nil {
		return edit, wrongUse("nothing to change: give --quantity, --opens, --closes, --stations, --owner or --owner-group")
	}
	return edit, firstError(faults[:]...)
}

func movedTo(flag, given string, a *app) (resource.Moment, error) {
	if given == keepNone {
		return resource.Moment{Set: true}, nil
	}
	t, err := moment(flag, given, a.Clock())
	return resource.Moment{Set: err == nil, Time: &t}, err
}
