package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

// Sizes of orders: each is asked for more than it takes.
const (
	leastQuantity = 5
	mostQuantity  = 30
)

// needsOrder says whether devices with tickets run out. Where it does it counts an
// order as under way, until order has done it.
func (f *Fleet) needsOrder() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting)+f.ordering*leastQuantity >= enough {
		return false
	}
	f.ordering++
	return true
}

// order creates an order and draws tickets for its devices. What is in doubt of
// that is left alone: an order that nobody was told of harms nobody.
func (f *Fleet) order(ctx context.Context) {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.ordering--
	}()
	o, err := f.newOrder()
	if err != nil {
		f.Ledger.fault(nil, "%v", err)
		return
	}
	operator := f.doors.operators[f.anyNode()]
	made, err := operator.CreateOrder(ctx, resource.NewOrder{Fleet: o.Fleet, Model: model, Quantity: o.Quantity})
	if !f.settled(CreateOrder, answered(err)) {
		return
	}
	o.ID = made.ID
	o.mu.Lock()
	defer o.mu.Unlock()
	f.Ledger.add(o)
	f.draw(ctx, o)
}

// newOrder thinks of an order and its devices.
func (f *Fleet) newOrder() (*Order, error) {
	f.mu.Lock()
	f.orders++
	number := f.orders
	quantity := leastQuantity + f.random.IntN(mostQuantity-leastQuantity+1)
	f.mu.Unlock()
	o := &Order{Fleet: fmt.Sprintf("/%s/%d", f.config.Name, number), Quantity: quantity}
	for i := range quantity + quantity/4 + 1 {
		d := &Device{Order: o, Serial: fmt.Sprintf("%s-%d-%d", f.config.Name, number, i), State: identity.Expected}
		var err error
		if d.Identity, err = newIdentity(d.ID()); err != nil {
			return nil, err
		}
		o.Devices = append(o.Devices, d)
	}
	return o, nil
}

// draw draws the first tickets of an order, whose mutex the caller holds. Drawing
// again, after a doubt, takes the place of what was drawn.
func (f *Fleet) draw(ctx context.Context, o *Order) {
	serials := make([]string, len(o.Devices))
	for i, d := range o.Devices {
		serials[i] = d.Serial
	}
	drawn, err := f.doors.operators[f.anyNode()].DrawTickets(ctx, o.ID, serials)
	if !f.settled(Draw, answered(err)) {
		return
	}
	if len(drawn) != len(o.Devices) {
		f.Ledger.fault(nil, "order %s: %d tickets were drawn, of %d", o.ID, len(drawn), len(o.Devices))
		return
	}
	o.drawn = true
	for i, d := range o.Devices {
		d.Ticket = drawn[i].Ticket
		d.tell(clockText(f.config.Clock()) + " ticket drawn, order " + o.ID)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, o.Devices...)
}

// settled counts what became of a request that is about no device, and says
// whether it was carried out.
func (f *Fleet) settled(ask Ask, err error) bool {
	switch {
	case err == nil:
		f.Ledger.count(func(c *Counts) { c.Acknowledged[ask]++ })
		return true
	case errors.Is(err, errOpen):
		f.Ledger.doubt(err)
	default:
		f.Ledger.fault(nil, "%s should have been done: %v", ask, err)
	}
	return false
}
