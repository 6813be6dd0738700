package fleet

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

// judgeCRLs holds the CRLs of all certificates' distribution points against what
// was told of each certificate.
func (f *Fleet) judgeCRLs(ctx context.Context) error {
	points := map[string][]*Certificate{}
	for _, o := range f.Ledger.snapshot() {
		for _, d := range o.Devices {
			for _, c := range d.Certificates {
				if len(c.Leaf.CRLDistributionPoints) != 1 {
					f.Ledger.fault(d, "certificate %s names %d CRLs", c.Serial, len(c.Leaf.CRLDistributionPoints))
					continue
				}
				point := c.Leaf.CRLDistributionPoints[0]
				points[point] = append(points[point], c)
			}
		}
	}
	for point, certificates := range points {
		for node := range f.config.Site.Nodes {
			if err := f.judgeCRL(ctx, node, point, certificates); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeCRL looks at one CRL of one node until it says what was told.
func (f *Fleet) judgeCRL(ctx context.Context, node int, point string, certificates []*Certificate) error {
	var differs error
	err := again(ctx, f.followTime(), func() error {
		list, err := f.doors.crl(ctx, node, point)
		if err != nil {
			return err
		}
		if differs = f.compareCRL(list, certificates); differs != nil {
			return fmt.Errorf("%w: %w", errOpen, differs)
		}
		return nil
	})
	switch {
	case differs != nil:
		f.Ledger.fault(nil, "the CRL %s of node %d: %v", point, node, differs)
		return nil
	case errors.Is(err, errOpen):
		f.Ledger.fault(nil, "the CRL %s of node %d cannot be had: %v", point, node, err)
		return nil
	default:
		return err
	}
}

// compareCRL returns the first difference.
func (f *Fleet) compareCRL(list *x509.RevocationList, certificates []*Certificate) error {
	if now := f.config.Clock(); now.Before(list.ThisUpdate.Add(-time.Minute)) || now.After(list.NextUpdate) {
		return fmt.Errorf("it is from %s to %s, and now it is %s", list.ThisUpdate, list.NextUpdate, now)
	}
	reasons := map[string]int{}
	for _, entry := range list.RevokedCertificateEntries {
		reasons[string(entry.SerialNumber.Bytes())] = entry.ReasonCode
	}
	for _, c := range certificates {
		reason, found := reasons[string(c.Leaf.SerialNumber.Bytes())]
		switch {
		case c.Status == enroll.StatusGood && found:
			return fmt.Errorf("certificate %s is good, and it is on it", c.Serial)
		case c.Status != enroll.StatusGood && !found:
			return fmt.Errorf("certificate %s is %s, and it is not on it", c.Serial, c.Status)
		case c.Status != enroll.StatusGood && ca.Reason(reason) != c.Reason:
			return fmt.Errorf("certificate %s was revoked as %s, and it says %s", c.Serial, c.Reason, ca.Reason(reason))
		}
	}
	return nil
}
