package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/touchmark/touchmark/api/rest/resource"
)

// OrderFilter selects orders; empty members select all. Fleet means the whole
// branch.
type OrderFilter struct{ Fleet, Model string }

// CreateOrder makes an order.
func (c *Client) CreateOrder(ctx context.Context, order resource.NewOrder) (resource.Order, error) {
	return get[resource.Order](ctx, c, call{method: http.MethodPost, path: []string{"orders"}, body: order})
}

// Orders lists orders, oldest first.
func (c *Client) Orders(ctx context.Context, f OrderFilter) iter.Seq2[resource.Order, error] {
	return pages[resource.Order](ctx, c, filter("fleet", f.Fleet, "model", f.Model), "orders")
}

// Order returns an order, with counts of refusals.
func (c *Client) Order(ctx context.Context, id string) (resource.Order, error) {
	return get[resource.Order](ctx, c, call{method: http.MethodGet, path: []string{"orders", id}})
}

// EditOrder changes an order that is not closed.
func (c *Client) EditOrder(ctx context.Context, id string, edit resource.OrderEdit) (resource.Order, error) {
	return get[resource.Order](ctx, c, call{method: http.MethodPatch, path: []string{"orders", id}, body: edit})
}

// CloseOrder closes an order for good.
func (c *Client) CloseOrder(ctx context.Context, id string) (resource.Order, error) {
	return get[resource.Order](ctx, c, call{method: http.MethodPost, path: []string{"orders", id, "close"}})
}

// DrawTickets draws a ticket for each of at most 1,000 devices, by serial number.
// It voids tickets drawn before.
func (c *Client) DrawTickets(ctx context.Context, order string, serials []string) ([]resource.Ticket, error) {
	drawn, err := get[resource.Tickets](ctx, c, call{
		method: http.MethodPost, path: []string{"orders", order, "tickets"}, body: resource.TicketDraw{Serials: serials},
	})
	return drawn.Items, err
}

// Enrol vouches for a device as a station. recalled says that the answer was
// given before.
func (c *Client) Enrol(ctx context.Context, order string, device resource.Enrolment) (enrolled resource.Enrolled, recalled bool, err error) {
	enrolled, status, err := exchange[resource.Enrolled](ctx, c, call{
		method: http.MethodPost, path: []string{"orders", order, "devices"}, body: device,
	})
	return enrolled, status == http.StatusOK, err
}
