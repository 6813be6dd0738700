package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
)

// CRL returns the last CRL of a shard in DER, and when the next one comes. A
// shard that has none yet gets it now, from any node: the first that records one
// has made it, and every node serves that.
func (s *Service) CRL(ctx context.Context, issuer, shard string) (der []byte, next time.Time, err error) {
	missing := Refuse(NotFound, "no such CRL")
	id, err := ca.ParseShardID(shard)
	if err != nil {
		return nil, time.Time{}, missing
	}
	key := ShardKey{Issuer: issuer, Shard: id}
	read := func(r Reader) error {
		row, err := r.Shard(key)
		if err != nil {
			return err
		}
		next = row.NextUpdate
		if row.Number > 0 {
			der, err = r.CRL(key)
		}
		return err
	}
	err = s.store.View(ctx, read)
	if err == nil && der == nil {
		if err = s.publisher.publish(ctx, key, 0); err == nil || errors.Is(err, errPublished) {
			err = s.store.View(ctx, read)
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil, time.Time{}, missing
	}
	return der, next, err
}

// CRLBundle yields the CRL of every live shard, of whatever issuer, for programs
// that want one file. An issuer that does not count has no bundle.
func (s *Service) CRLBundle(ctx context.Context, issuer string, yield func(der []byte) error) error {
	if s.live().issuers[issuer] == nil {
		return Refuse(NotFound, "no such issuer")
	}
	return s.eachShard(ctx, func(shard Shard) error {
		der, _, err := s.CRL(ctx, shard.Issuer, string(shard.Shard))
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Code == NotFound {
			return nil // dropped meanwhile
		}
		if err != nil {
			return err
		}
		return yield(der)
	})
}

// OCSPStatus returns what OCSP says of a certificate: nothing is known of a
// serial number that was never issued, and a held one is revoked for
// certificateHold. One in the archive has the status that it had to the end.
func (s *Service) OCSPStatus(ctx context.Context, serial ca.Serial) (ocsp.Status, error) {
	var c Certificate
	var place *archivedPlace
	err := s.store.View(ctx, func(r Reader) (err error) {
		c, place, err = locate(r, serial)
		return err
	})
	if err == nil && place != nil {
		c, err = s.fromArchive(ctx, *place)
	}
	if errors.Is(err, ErrNotFound) {
		return ocsp.Status{}, nil
	}
	if err != nil {
		return ocsp.Status{}, err
	}
	return ocsp.Status{
		Known: true, IssuerID: c.Issuer, Revoked: c.Status != StatusGood, RevokedAt: c.RevokedAt, Reason: c.Reason,
	}, nil
}

// IssuerCertificate returns the certificate of an issuer that was ever active,
// in DER.
func (s *Service) IssuerCertificate(ctx context.Context, id string) ([]byte, error) {
	var der []byte
	err := s.store.View(ctx, func(r Reader) error {
		issuers, err := r.Issuers()
		for _, record := range issuers {
			if record.ID == id {
				der = record.DER
			}
		}
		return err
	})
	if err == nil && der == nil {
		return nil, Refuse(NotFound, "no such issuer")
	}
	return der, err
}

// Issuers returns every issuer that still counts, the issuing one first. The
// list must not be changed.
func (s *Service) Issuers() []*ca.Issuer { return s.live().counting }

// CACertificates returns what a device trusts, in DER: the issuing CA's
// certificate first, the other issuers, and the anchor last.
func (s *Service) CACertificates() [][]byte {
	var ders [][]byte
	seen := map[string]bool{}
	add := func(der []byte) {
		if !seen[string(der)] {
			seen[string(der)] = true
			ders = append(ders, der)
		}
	}
	for _, issuer := range s.Issuers() {
		for _, certificate := range issuer.Chain() {
			add(certificate.Raw)
		}
	}
	for _, issuer := range s.Issuers() {
		add(issuer.Anchor().Raw)
	}
	return ders
}
