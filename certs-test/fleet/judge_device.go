package fleet

import (
	"bytes"
	"context"
	"encoding/pem"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// judgeDevice compares a device and its certificates with what was told.
func (f *Fleet) judgeDevice(ctx context.Context, d *Device) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	shown, err := ask(ctx, f, func() (resource.Device, error) { return f.doors.operators[f.anyNode()].Device(ctx, d.ID()) })
	switch {
	case codeOf(err) == enroll.NotFound && d.State == identity.Expected:
	case codeOf(err) != "":
		f.Ledger.fault(d, "the server does not know the device: %v", err)
		return nil
	case err != nil:
		return err
	default:
		f.compareDevice(d, &shown)
	}
	for _, c := range d.Certificates {
		if err := f.judgeCertificate(ctx, d, c); err != nil {
			return err
		}
	}
	if err := f.judgeRecall(ctx, d); err != nil {
		return err
	}
	return f.judgeTickets(ctx, d)
}

// ask calls fn until the server answers it.
func ask[T any](ctx context.Context, f *Fleet, fn func() (T, error)) (answer T, err error) {
	err = again(ctx, f.config.Grace, func() error {
		var err error
		answer, err = fn()
		return answered(err)
	})
	return answer, err
}

// compareDevice finds certificates that are lost, that nobody received, and
// statuses that are not those that were told.
func (f *Fleet) compareDevice(d *Device, shown *resource.Device) {
	if shown.State != string(d.State) {
		f.Ledger.fault(d, "it is %s, and the last that was told is %s", shown.State, d.State)
	}
	listed := map[string]resource.Certificate{}
	for _, c := range shown.Certificates {
		listed[c.Serial] = c
	}
	for i, c := range d.Certificates {
		found, ok := listed[c.Serial.String()]
		if delete(listed, c.Serial.String()); !ok {
			f.Ledger.fault(d, "certificate %s was received and is not among the device's", c.Serial)
			continue
		}
		if found.Status != string(c.Status) {
			f.Ledger.fault(d, "certificate %s is %s in its device's list, and the last that was told is %s", c.Serial, found.Status, c.Status)
		}
		if i > 0 && (found.Predecessor == nil || *found.Predecessor != d.Certificates[i-1].Serial.String()) {
			f.Ledger.fault(d, "certificate %s does not name %s, which it renewed", c.Serial, d.Certificates[i-1].Serial)
		}
	}
	for serial := range listed {
		f.Ledger.fault(d, "certificate %s was issued to it, and nobody received it", serial)
	}
}

// judgeCertificate compares one certificate with what the operators' API and
// every node's OCSP say.
func (f *Fleet) judgeCertificate(ctx context.Context, d *Device, c *Certificate) error {
	if !c.compared || f.chance(seldom) == 0 {
		if err := f.compareCertificate(ctx, d, c); err != nil {
			return err
		}
	}
	for node := range f.config.Site.Nodes {
		if err := f.judgeOCSP(ctx, node, d, c); err != nil {
			return err
		}
	}
	return nil
}

// seldom is one in how many times something is looked at again that is dear and
// was looked at before.
const seldom = 8

// compareCertificate asks for one certificate, which the device's list has only
// in short.
func (f *Fleet) compareCertificate(ctx context.Context, d *Device, c *Certificate) error {
	operator := f.doors.operators[f.anyNode()]
	shown, err := ask(ctx, f, func() (resource.Certificate, error) { return operator.Certificate(ctx, c.Serial.String()) })
	if codeOf(err) != "" {
		f.Ledger.fault(d, "certificate %s was received and is not known: %v", c.Serial, err)
		return nil
	}
	if err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(shown.PEM))
	if block == nil || !bytes.Equal(block.Bytes, c.Leaf.Raw) {
		f.Ledger.fault(d, "certificate %s is not, byte for byte, the one that was received", c.Serial)
	}
	if shown.Status != string(c.Status) {
		f.Ledger.fault(d, "certificate %s is %s, and the last that was told is %s", c.Serial, shown.Status, c.Status)
	}
	c.compared = true
	return nil
}

func (f *Fleet) judgeOCSP(ctx context.Context, node int, d *Device, c *Certificate) error {
	var said *ocsp.Response
	err := again(ctx, f.followTime(), func() (err error) {
		if said, err = f.doors.ocsp(ctx, node, c.Leaf); err != nil {
			return err
		}
		if !agrees(said, c) {
			return errOpen // another node may be about to follow
		}
		return nil
	})
	if said == nil {
		return err
	}
	if !agrees(said, c) {
		f.Ledger.fault(d, "OCSP of node %d has status %d, reason %d, for certificate %s, which is %s (%s)", node, said.Status, said.RevocationReason, c.Serial, c.Status, c.Reason)
	}
	return nil
}

// agrees compares an OCSP answer with what was told.
func agrees(said *ocsp.Response, c *Certificate) bool {
	if c.Status == enroll.StatusGood {
		return said.Status == ocsp.Good
	}
	return said.Status == ocsp.Revoked && ca.Reason(said.RevocationReason) == c.Reason
}
