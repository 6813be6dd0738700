package enroll

import (
	"context"

	"github.com/touchmark/touchmark/identity"
)

// CertificatePrincipal returns the principal behind a certificate of our own
// whose key the caller has proved to hold: a station or a service. It must be
// good, and its device active.
func (s *Service) CertificatePrincipal(ctx context.Context, der []byte) (identity.Principal, error) {
	var p identity.Principal
	serial, err := serialOf(der)
	if err != nil {
		return p, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		c, err := s.presented(r, serial, der, s.now(), noGrace)
		if err != nil {
			return err
		}
		if c.Device == "" || c.Status != StatusGood {
			return Refuse(Unauthenticated, "the certificate is not good any more")
		}
		d, err := r.Device(c.Device)
		if err != nil {
			return err
		}
		if d.State != identity.Active {
			return Refuse(Unauthenticated, "the certificate's device is not active")
		}
		p = identity.Principal{Kind: identity.Certificate, Device: d.ID, Lineage: d.lineage(), Name: string(d.ID)}
		return nil
	})
	return p, err
}
