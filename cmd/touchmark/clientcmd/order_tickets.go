package clientcmd

import (
	"context"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
)

func (a *app) orderTickets() *cobra.Command {
	var serials string
	cmd := &cobra.Command{
		Use:   "tickets ORDER --serials SERIALS",
		Short: "Draw one-time enrolment secrets for devices",
		Long: `Draws a ticket for each serial number. A device shows it once, as the password
beside its serial number as user name, to enrol over EST. A ticket is told here
and never again; drawing again for the same device voids the one before. A ticket
reserves no place in the order.

More than 1000 serial numbers are drawn 1000 at a time. If that ends with an
error, the tickets shown until then are good.`,
		Example: `  touchmark order tickets 06h09okfrl908f5f --serials SN1,SN2
  touchmark order tickets 06h09okfrl908f5f --serials @serials.txt --json > tickets.json`,
		Args: a.Takes("ORDER"),
	}
	cmd.Flags().StringVar(&serials, "serials", "", "the devices' serial numbers: A,B,C, or @FILE with one a line")
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
		if err := a.needs(cmd, "serials"); err != nil {
			return err
		}
		wanted, err := listed("serials", serials)
		if err != nil {
			return err
		}
		draws := slices.Collect(slices.Chunk(wanted, enroll.MaxTicketsPerDraw))
		if a.asJSON && len(draws) <= 1 { // as the API tells it, which has no cursor
			drawn, err := c.DrawTickets(cmd.Context(), args[0], wanted)
			if err != nil {
				return err
			}
			return show(cmd, a, resource.Tickets{Items: drawn}, nil)
		}
		tickets := listing[resource.Ticket]{
			fetch:  drawing(c, args[0], draws),
			header: []string{"SERIAL", "TICKET"},
			row:    func(t resource.Ticket) []string { return []string{t.Serial, t.Ticket} },
			unit:   "tickets",
		}
		return tickets.show(cmd, a, paging{})
	})
	return cmd
}

// drawing draws part by part; the cursor is how many parts are drawn.
func drawing(c *client.Client, order string, draws [][]string) func(context.Context, string, int) (resource.List[resource.Ticket], error) {
	return func(ctx context.Context, _ string, _ int) (resource.List[resource.Ticket], error) {
		drawn, err := c.DrawTickets(ctx, order, draws[0])
		if err != nil {
			return resource.List[resource.Ticket]{}, err
		}
		part := resource.List[resource.Ticket]{Items: drawn}
		if draws = draws[1:]; len(draws) > 0 {
			part.Next = strconv.Itoa(len(draws)) + " to go"
		}
		return part, nil
	}
}
