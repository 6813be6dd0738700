package clientcmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
)

func (a *app) order() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "order",
		Short: "Production orders: how many devices of which model may be enrolled, where and when",
		Long: `A production order permits so many devices of one model to be enrolled into one
fleet within a time. A factory line gets an order's id and either a ticket for
each device, or a station that vouches for them.`,
		Example: `  touchmark order create --fleet /berlin/line-3 --model TH20 --quantity 100 --closes +30d
  touchmark order tickets ORDER --serials SN1,SN2
  touchmark order show ORDER`,
	}
	cmd.AddCommand(a.orderCreate(), a.orderList(), a.orderShow(), a.orderEdit(), a.orderClose(), a.orderTickets())
	return a.Group(cmd)
}

func (a *app) orderList() *cobra.Command {
	var query client.OrderFilter
	var part paging
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List orders, oldest first",
		Long: `Lists the orders that you may see. --fleet means the whole branch: /berlin has
the orders of /berlin/line-3 too.`,
		Example: `  touchmark order list --fleet /berlin
  touchmark order list --model TH20 --json`,
		Args: a.Takes(),
	}
	cmd.Flags().StringVar(&query.Fleet, "fleet", "", "only of this branch of the fleet tree")
	cmd.Flags().StringVar(&query.Model, "model", "", "only of this model")
	part.addFlags(cmd)
	cmd.RunE = a.connected(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		orders := listing[resource.Order]{
			fetch: func(ctx context.Context, after string, limit int) (resource.List[resource.Order], error) {
				return c.OrdersPart(ctx, query, resource.Page{After: after, Limit: limit})
			},
			header: []string{"ORDER", "FLEET", "MODEL", "ENROLLED", "STATE", "CLOSES"},
			row: func(o resource.Order) []string {
				return []string{o.ID, o.Fleet, o.Model, enrolled(o), o.State, when(o.Closes)}
			},
			unit:  "orders",
			empty: "No orders here that you may see; touchmark order create makes one.",
		}
		return orders.show(cmd, a, part)
	})
	return cmd
}

func (a *app) orderShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ORDER",
		Short: "Show an order, how far it has come, and what was refused",
		Long: `Shows an order with the number of devices that it enrolled, and how many requests
were refused, by code: clone_suspected or already_enrolled tell of trouble on
the line.`,
		Example: `  touchmark order show 06h09okfrl908f5f`,
		Args:    a.Takes("ORDER"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			order, err := c.Order(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, order, tellOrder)
		}),
	}
}

func (a *app) orderClose() *cobra.Command {
	return &cobra.Command{
		Use:   "close ORDER",
		Short: "Close an order: it enrols no more devices",
		Long: `Closes an order for good. Tickets that were drawn for it enrol no more
devices; those that it enrolled go on as they were. Closing again changes nothing.`,
		Example: `  touchmark order close 06h09okfrl908f5f`,
		Args:    a.Takes("ORDER"),
		RunE: a.connected(func(cmd *cobra.Command, c *client.Client, args []string) error {
			order, err := c.CloseOrder(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, a, order, tellOrder)
		}),
	}
}

func enrolled(o resource.Order) string { return fmt.Sprintf("%d of %d", o.Enrolled, o.Quantity) }

func tellOrder(w io.Writer, o resource.Order) error {
	manifest := ""
	if o.Manifest {
		manifest = "only devices on the order's manifest may be enrolled"
	}
	return tell(w,
		fact{"order", o.ID},
		fact{"state", o.State},
		fact{"fleet", o.Fleet},
		fact{"model", o.Model},
		fact{"profile", o.Profile},
		fact{"enrolled", enrolled(o)},
		fact{"manifest", manifest},
		fact{"stations", strings.Join(o.Stations, ", ")},
		fact{"opens", when(o.Opens)},
		fact{"closes", when(o.Closes)},
		fact{"created", when(&o.CreatedAt)},
		fact{"closed", when(o.ClosedAt)},
		fact{"refused", refused(o.Refused)},
	)
}

// refused lists counts by code, such as "clone_suspected 1, order_full 3".
func refused(counts map[string]int) string {
	var told []string
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		told = append(told, code+" "+strconv.Itoa(counts[code]))
	}
	return strings.Join(told, ", ")
}
