package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/identity"
)

// Settle sends again whatever is in doubt, as devices and operators do, until it
// is answered. It needs a server that runs. What is refused although it must not
// be is a fault. An error means that nothing answered.
func (f *Fleet) Settle(ctx context.Context) error {
	var doubtful []*Device
	for _, o := range f.Ledger.snapshot() {
		if !o.drawn {
			if err := f.settleOrder(ctx, o); err != nil {
				return err
			}
		}
		for _, d := range o.Devices {
			if d.Doubt != nil {
				doubtful = append(doubtful, d)
			}
		}
	}
	return each(ctx, f, doubtful, f.settleDevice)
}

func (f *Fleet) settleOrder(ctx context.Context, o *Order) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return again(ctx, f.config.Grace, func() error {
		if f.draw(ctx, o); !o.drawn {
			return fmt.Errorf("%w: the tickets of order %s", errOpen, o.ID)
		}
		return nil
	})
}

func (f *Fleet) settleDevice(ctx context.Context, d *Device) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := again(ctx, f.config.Grace, func() error {
		if d.Doubt == nil {
			return nil
		}
		if f.do(ctx, d, *d.Doubt); d.Doubt != nil {
			return errOpen
		}
		return nil
	})
	if errors.Is(err, errOpen) {
		return fmt.Errorf("%s: %s is not settled: %w\n%s", d.ID(), d.Doubt.Ask, err, lines(d.story))
	}
	if d.State != identity.Expected { // those that wait still stand in their list
		f.put(d)
	}
	return err
}

func lines(story []string) (text string) {
	for _, line := range story {
		text += "    " + line + "\n"
	}
	return text
}
