package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Ask is what a request asks for.
type Ask string

// What is asked for.
const (
	CreateOrder       Ask = "order"
	Draw              Ask = "draw"
	Enrol             Ask = "enrol"
	Renew             Ask = "renew"
	Hold              Ask = "hold"
	Release           Ask = "release"
	RevokeDevice      Ask = "revoke device"
	RevokeCertificate Ask = "revoke certificate"
)

// Asks lists them in the order of a device's life.
func Asks() []Ask {
	return []Ask{CreateOrder, Draw, Enrol, Renew, Hold, Release, RevokeDevice, RevokeCertificate}
}

// Request is one request about a device. It stays the same however often it is
// sent.
type Request struct {
	Ask Ask
	// Identity is what a renewal asks for; Certificate is what is renewed or revoked.
	Identity    *Identity
	Certificate *Certificate
	Reason      ca.Reason // of a revocation
}

// do sends a request for a device and notes what came of it. The caller holds
// the device.
func (f *Fleet) do(ctx context.Context, d *Device, r Request) {
	node := f.anyNode()
	d.Doubt = &r
	f.touch(d)
	told, err := f.send(ctx, node, d, &r)
	line := fmt.Sprintf("%s node %d: %s", clockText(f.config.Clock()), node, r.Ask)
	switch {
	case err == nil:
		d.Doubt = nil
		d.tell(line + ": " + told)
		f.Ledger.count(func(c *Counts) { c.Acknowledged[r.Ask]++ })
	case errors.Is(err, errOpen):
		d.tell(line + ": in doubt: " + err.Error())
		f.Ledger.doubt(err)
		if codeOf(err) == enroll.Internal {
			f.Ledger.fault(d, "the server does not know what went wrong: %v", err)
		}
	case r.Ask == Enrol && codeOf(err) == enroll.OrderFull:
		d.Doubt, d.Full = nil, true
		d.tell(line + ": the order is full")
		f.Ledger.count(func(c *Counts) { c.Refused++ })
	default:
		d.Doubt = nil
		d.tell(line + ": " + err.Error())
		f.Ledger.fault(d, "%s should have been done: %v", r.Ask, err)
	}
}

// send sends a request and, where it was carried out, notes that in the device. It
// returns a few words on what was answered.
func (f *Fleet) send(ctx context.Context, node int, d *Device, r *Request) (told string, err error) {
	switch r.Ask {
	case Draw:
		return f.redraw(ctx, node, d)
	case Enrol:
		der, err := f.doors.enrol(ctx, node, d.Serial, d.Ticket, d.Identity.CSR)
		if err != nil {
			return "", err
		}
		d.State = identity.Active
		return "received " + serialText(der), d.receive(der, d.Identity, f.doors.site.Issuer)
	case Renew:
		der, err := f.doors.renew(ctx, node, r.Certificate, r.Identity.CSR)
		if err != nil {
			return "", err
		}
		return "received " + serialText(der), d.receive(der, r.Identity, f.doors.site.Issuer)
	case CreateOrder: // not about a device
		return "", fmt.Errorf("a device cannot ask for: %s", r.Ask)
	default:
		return f.withdraw(ctx, node, d, r)
	}
}

// redraw draws another ticket for a device that has one.
func (f *Fleet) redraw(ctx context.Context, node int, d *Device) (string, error) {
	drawn, err := f.doors.operators[node].DrawTickets(ctx, d.Order.ID, []string{d.Serial})
	if err != nil {
		return "", answered(err)
	}
	if len(drawn) != 1 || drawn[0].Serial != d.Serial {
		return "", errors.New("the tickets are not those that were asked for")
	}
	d.Voided, d.Ticket = d.Ticket, drawn[0].Ticket
	return "another ticket", nil
}

// withdraw holds, releases or revokes.
func (f *Fleet) withdraw(ctx context.Context, node int, d *Device, r *Request) (string, error) {
	operator := f.doors.operators[node]
	words := resource.Action{Comment: "by the fleet"}
	all := func(*Certificate) bool { return true }
	var err error
	switch r.Ask {
	case Hold:
		if _, err = operator.ActOnDevice(ctx, d.ID(), identity.Hold, words); err == nil {
			d.State = identity.Held
			d.withdraw(enroll.StatusHeld, ca.CertificateHold, all)
		}
	case Release:
		if _, err = operator.ActOnDevice(ctx, d.ID(), identity.Release, words); err == nil {
			d.State = identity.Active
			d.withdraw(enroll.StatusGood, ca.Unspecified, all)
		}
	case RevokeDevice:
		words.Reason = r.Reason.String()
		if _, err = operator.ActOnDevice(ctx, d.ID(), identity.Revoke, words); err == nil {
			d.State = identity.Revoked
			d.withdraw(enroll.StatusRevoked, r.Reason, all)
		}
	case RevokeCertificate:
		words.Reason = r.Reason.String()
		if _, err = operator.ActOnCertificate(ctx, r.Certificate.Serial.String(), identity.Revoke, words); err == nil {
			d.withdraw(enroll.StatusRevoked, r.Reason, func(c *Certificate) bool {
				return c == r.Certificate || r.Reason == ca.KeyCompromise && c.Identity == r.Certificate.Identity
			})
		}
	default:
		err = fmt.Errorf("nobody can ask for: %s", r.Ask)
	}
	if err != nil {
		return "", answered(err)
	}
	return "done", nil
}
