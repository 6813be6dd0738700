package fleet

import (
	"cmp"
	"context"
	"slices"
)

// Scope is how much Verify looks at.
type Scope struct {
	// All has it look at every device, and read the whole log. Otherwise it looks at
	// what was asked for since the last time, and reads what the log gained.
	All bool
	// Sample is how many other devices it looks at besides.
	Sample int
}

// Verify holds the servers to the ledger:
//
//   - every certificate that was received is known, byte for byte, has the status
//     that was last told, and there is none that nobody received;
//   - a device that is active is given its newest certificate again for the same
//     key and the same CSR;
//   - OCSP on every node, and the CRL of each certificate's distribution point,
//     say what was told about it;
//   - an order has as many devices as were enrolled, never more than its quantity,
//     and exactly that where somebody was told that it is full;
//   - a ticket that was used, or voided, opens for no other key;
//   - the log goes on from where it was, proves the checkpoint that was kept
//     outside, and has each certificate that was received exactly once.
//
// What is not so is a Fault of the ledger. An error means that nothing answered.
// There is no doubt left when it is called (Settle), and nobody else works.
func (f *Fleet) Verify(ctx context.Context, scope Scope) error {
	devices := f.scope(scope)
	f.Ledger.count(func(c *Counts) { c.Checked += len(devices) })
	if err := each(ctx, f, devices, f.judgeDevice); err != nil {
		return err
	}
	if err := each(ctx, f, ordersOf(devices), f.judgeOrder); err != nil {
		return err
	}
	if err := f.judgeCRLs(ctx); err != nil {
		return err
	}
	if err := f.judgeLog(ctx); err != nil {
		return err
	}
	if scope.All {
		return f.judgeExport(ctx)
	}
	return nil
}

// scope returns the devices to look at, in a fixed order, and forgets who was
// touched.
func (f *Fleet) scope(scope Scope) []*Device {
	var all []*Device
	for _, o := range f.Ledger.snapshot() {
		if o.drawn {
			all = append(all, o.Devices...)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	touched := f.touched
	f.touched = map[*Device]struct{}{}
	if scope.All {
		return all
	}
	sample := scope.Sample
	f.random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	chosen := slices.DeleteFunc(all, func(d *Device) bool {
		if _, ok := touched[d]; ok {
			return false
		}
		sample--
		return sample < 0
	})
	slices.SortFunc(chosen, func(a, b *Device) int { return cmp.Compare(a.Serial, b.Serial) })
	return chosen
}

// ordersOf returns the devices' orders, each once.
func ordersOf(devices []*Device) []*Order {
	seen := map[*Order]bool{}
	var orders []*Order
	for _, d := range devices {
		if !seen[d.Order] {
			seen[d.Order] = true
			orders = append(orders, d.Order)
		}
	}
	return orders
}
