package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

type orderPath struct {
	ID string `path:"id" maxLength:"64" doc:"The order's id"`
}

func (d *door) addOrders() {
	handle(d, operation{
		id: "create-order", method: http.MethodPost, path: "/api/v1/orders", permission: identity.OrderCreate,
		summary: "Create an order", status: http.StatusCreated, maxBody: maxListBody,
	}, d.createOrder)
	handle(d, operation{
		id: "list-orders", method: http.MethodGet, path: "/api/v1/orders", permission: identity.OrderRead,
		summary: "List orders, oldest first",
	}, d.listOrders)
	handle(d, operation{
		id: "show-order", method: http.MethodGet, path: "/api/v1/orders/{id}", permission: identity.OrderRead,
		summary: "Show an order, with counts of refusals by code",
	}, d.showOrder)
	handle(d, operation{
		id: "edit-order", method: http.MethodPatch, path: "/api/v1/orders/{id}", permission: identity.OrderEdit,
		summary: "Change an order that is not closed",
	}, d.editOrder)
	handle(d, operation{
		id: "close-order", method: http.MethodPost, path: "/api/v1/orders/{id}/close", permission: identity.OrderClose,
		summary: "Close an order for good",
	}, d.closeOrder)
	handle(d, operation{
		id: "draw-tickets", method: http.MethodPost, path: "/api/v1/orders/{id}/tickets", permission: identity.TicketDraw,
		summary: "Draw a one-time enrolment secret for each device; drawing again voids the old one", status: http.StatusCreated, maxBody: maxListBody,
	}, d.drawTickets)
}

func (d *door) createOrder(ctx context.Context, p identity.Principal, in *struct{ Body resource.NewOrder }) (*answer[resource.Order], error) {
	if err := checkTerms(in.Body.Opens, in.Body.Closes); err != nil {
		return nil, err
	}
	order, err := d.Service.CreateOrder(ctx, p, enroll.NewOrder{
		Fleet: in.Body.Fleet, Model: in.Body.Model, Quantity: in.Body.Quantity, Profile: in.Body.Profile,
		Opens: fromMoment(in.Body.Opens), Closes: fromMoment(in.Body.Closes), Serials: in.Body.Serials, Stations: in.Body.Stations,
		Owner: in.Body.Owner, OwnerGroup: in.Body.OwnerGroup,
	})
	return answerOf(orderOf(order)), err
}

// orderQuery selects orders.
type orderQuery struct {
	Fleet string `query:"fleet" maxLength:"1024" doc:"Path of a branch: orders of all of it"`
	Model string `query:"model" maxLength:"32"`
	resource.Page
}

func (d *door) listOrders(ctx context.Context, p identity.Principal, in *orderQuery) (*answer[resource.List[resource.Order]], error) {
	orders, err := d.Service.Orders(ctx, p, enroll.OrderQuery{Fleet: in.Fleet, Model: in.Model, Page: pageIn(in.Page)})
	return pageOf(orders, orderOf), err
}

func (d *door) showOrder(ctx context.Context, p identity.Principal, in *orderPath) (*answer[resource.Order], error) {
	order, err := d.Service.Order(ctx, p, in.ID)
	return answerOf(orderOf(order)), err
}

// orderChange changes an order.
type orderChange struct {
	ID   string `path:"id" maxLength:"64" doc:"The order's id"`
	Body resource.OrderEdit
}

func (d *door) editOrder(ctx context.Context, p identity.Principal, in *orderChange) (*answer[resource.Order], error) {
	if err := checkTerms(in.Body.Opens.Time, in.Body.Closes.Time); err != nil {
		return nil, err
	}
	edit := enroll.OrderEdit{Quantity: in.Body.Quantity, Stations: in.Body.Stations, Opens: changed(in.Body.Opens), Closes: changed(in.Body.Closes)}
	edit.Owner, edit.OwnerGroup = in.Body.Owner, in.Body.OwnerGroup
	order, err := d.Service.EditOrder(ctx, p, in.ID, edit)
	return answerOf(orderOf(order)), err
}

// changed returns the time to change to, or nil for no change.
func changed(m resource.Moment) *time.Time {
	if !m.Set {
		return nil
	}
	t := fromMoment(m.Time).UTC()
	return &t
}

func (d *door) closeOrder(ctx context.Context, p identity.Principal, in *orderPath) (*answer[resource.Order], error) {
	order, err := d.Service.CloseOrder(ctx, p, in.ID)
	return answerOf(orderOf(order)), err
}

// ticketDraw names the devices to draw tickets for.
type ticketDraw struct {
	ID   string `path:"id" maxLength:"64" doc:"The order's id"`
	Body resource.TicketDraw
}

func (d *door) drawTickets(ctx context.Context, p identity.Principal, in *ticketDraw) (*answer[resource.Tickets], error) {
	drawn, err := d.Service.DrawTickets(ctx, p, in.ID, in.Body.Serials)
	return answerOf(resource.Tickets{Items: listOf(drawn, func(t enroll.DrawnTicket) resource.Ticket {
		return resource.Ticket{Serial: string(t.Serial), Ticket: t.Ticket}
	})}), err
}
