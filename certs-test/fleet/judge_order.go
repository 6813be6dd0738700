package fleet

import (
	"context"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/identity"
)

// judgeOrder compares an order's count with the devices that were enrolled and
// with those that the server lists.
func (f *Fleet) judgeOrder(ctx context.Context, o *Order) error {
	operator := f.doors.operators[f.anyNode()]
	shown, err := ask(ctx, f, func() (resource.Order, error) { return operator.Order(ctx, o.ID) })
	if codeOf(err) != "" {
		f.Ledger.fault(nil, "order %s was created and is not known: %v", o.ID, err)
		return nil
	}
	if err != nil {
		return err
	}
	listed, err := ask(ctx, f, func() ([]resource.Device, error) {
		return client.Collect(operator.Devices(ctx, client.DeviceFilter{Fleet: o.Fleet}), 0)
	})
	if err != nil {
		return err
	}
	told, full := 0, false
	known := map[string]bool{}
	for _, d := range o.Devices {
		full = full || d.Full
		if d.State != identity.Expected {
			told++
			known[d.ID()] = true
		}
	}
	there := 0
	for _, d := range listed {
		if d.State == string(identity.Expected) {
			continue
		}
		if there++; !known[d.ID] {
			f.Ledger.fault(nil, "order %s: device %s is %s, and nobody was told", o.ID, d.ID, d.State)
		}
	}
	if shown.Quantity != o.Quantity || shown.Enrolled != told || there != told || told > o.Quantity {
		f.Ledger.fault(nil, "order %s of %d (told: of %d) counts %d enrolled, lists %d devices, and %d were told", o.ID, shown.Quantity, o.Quantity, shown.Enrolled, there, told)
	}
	if full && told < o.Quantity {
		f.Ledger.fault(nil, "order %s told a device that it is full with %d of %d enrolled", o.ID, told, o.Quantity)
	}
	return nil
}
