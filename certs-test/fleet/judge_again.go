package fleet

import (
	"bytes"
	"context"

	"github.com/touchmark/touchmark/enroll"
)

// judgeRecall asks for an active device's newest certificate once more, by what
// it was got with. That changes nothing.
func (f *Fleet) judgeRecall(ctx context.Context, d *Device) error {
	newest := d.Newest()
	if !d.renews() {
		return nil
	}
	before := (*Certificate)(nil)
	if n := len(d.Certificates); n > 1 {
		if before = d.Certificates[n-2]; before.Status != enroll.StatusGood {
			return nil // it cannot prove anything any more
		}
	}
	var der []byte
	err := again(ctx, f.config.Grace, func() (err error) {
		if before == nil {
			der, err = f.doors.enrol(ctx, f.anyNode(), d.Serial, d.Ticket, newest.Identity.CSR)
		} else {
			der, err = f.doors.renew(ctx, f.anyNode(), before, newest.Identity.CSR)
		}
		return err
	})
	switch {
	case codeOf(err) != "":
		f.Ledger.fault(d, "certificate %s is not given again: %v", newest.Serial, err)
	case err != nil:
		return err
	case !bytes.Equal(der, newest.Leaf.Raw):
		f.Ledger.fault(d, "asked again for certificate %s, it was given %s", newest.Serial, serialText(der))
	}
	return nil
}

// judgeTickets tries the device's used ticket, and the one that another took the
// place of, with a key that nobody knows.
func (f *Fleet) judgeTickets(ctx context.Context, d *Device) error {
	tickets := map[string]string{}
	if d.Newest() != nil {
		tickets["used"] = d.Ticket
	}
	if d.Voided != "" {
		tickets["voided"] = d.Voided
	}
	if len(tickets) == 0 || d.tried && f.chance(seldom) > 0 {
		return nil
	}
	d.tried = true
	stranger, err := newIdentity(d.ID())
	if err != nil {
		return err
	}
	for which, ticket := range tickets {
		err := again(ctx, f.config.Grace, func() error {
			_, err := f.doors.enrol(ctx, f.anyNode(), d.Serial, ticket, stranger.CSR)
			return err
		})
		switch {
		case err == nil:
			f.Ledger.fault(d, "its %s ticket opened for another key", which)
		case codeOf(err) == "":
			return err
		}
	}
	return nil
}
