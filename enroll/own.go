package enroll

import (
	"context"
	"crypto"
	"errors"
	"net"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/identity"
)

// Own asks for a certificate of Touchmark's own: a listener's or an OCSP
// responder's.
type Own struct {
	Purpose ca.Purpose // PurposeServer or PurposeOCSPResponder
	// Issuer is the id of the issuer that signs; empty for the issuing one.
	Issuer     string
	Key        crypto.PublicKey
	CommonName string
	DNSNames   []string
	IPs        []net.IP
	Lifetime   time.Duration
}

// IssueOwn issues a certificate to Touchmark itself, also by a clock that is not
// believed: then it lasts longer. It is recorded like any other before it is returned.
func (s *Service) IssueOwn(ctx context.Context, asked Own) (Issued, error) {
	issuer := s.live().issuing
	if asked.Issuer != "" {
		if issuer = s.live().issuers[asked.Issuer]; issuer == nil {
			return Issued{}, Refuse(NotFound, "no such issuer")
		}
	}
	// While the clock is not believed it is good by the service's own time and by the
	// machine's, whichever its clients have, so that what is to be revoked can be.
	seen := s.clock.look()
	longer := seen.Latest.Sub(seen.Earliest).Truncate(time.Second)
	profile, err := ca.NewProfile(ca.ProfileConfig{
		Name: string(asked.Purpose), Purpose: asked.Purpose, Lifetime: min(asked.Lifetime+longer, ca.MaxLifetime.Truncate(time.Second)),
	})
	if err != nil {
		return Issued{}, err
	}
	prepared, err := s.prepare(issuer, profile, asked.Key, ca.Subject{CommonName: asked.CommonName, DNSNames: asked.DNSNames, IPs: asked.IPs}, seen.Earliest)
	if err != nil {
		return Issued{}, err
	}
	signed, err := s.signing.do(ctx, issuer, prepared)
	if err != nil {
		return Issued{}, err
	}
	recorded := Certificate{
		Serial: signed.Serial, DER: signed.DER, Issuer: signed.IssuerID, Shard: signed.Shard, Profile: signed.Profile,
		Key: signed.KeyHash, NotBefore: signed.NotBefore, Status: StatusGood,
	}
	event := s.event(ctx, identity.NewSystem(), CertificateIssued)
	event.Certificate, event.Issuer, event.Profile, event.NotAfter = &recorded.Serial, recorded.Issuer, recorded.Profile, &signed.NotAfter
	event.Key = &recorded.Key
	err = s.store.Update(ctx, func(tx Tx) error {
		return errors.Join(putCertificate(tx, recorded), tx.Append(event))
	})
	if err != nil {
		return Issued{}, err
	}
	s.afterIssue(&recorded, nil)
	return s.release(recorded, false), nil
}

// prepare decides a certificate that begins at a time, with the service's randomness
// and choice of CRL shards.
func (s *Service) prepare(issuer *ca.Issuer, profile ca.Profile, key crypto.PublicKey, names ca.Subject, begin time.Time) (*ca.Prepared, error) {
	prepared, err := issuer.Prepare(profile, key, names, s.splits.choose(issuer.ID()), begin, s.rand)
	if errors.Is(err, ca.ErrIssuerExpired) {
		s.log.Error("the issuer cannot issue", "error", err)
		return nil, Refuse(Unavailable, "the issuing CA's certificate is not valid now; the operator of the service must install a new one")
	}
	return prepared, err
}
