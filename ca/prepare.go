package ca

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// ErrIssuerExpired means that the issuer is not valid at the time of issuance.
var ErrIssuerExpired = errors.New("issuer is not valid")

// Prepared is a certificate that has been decided in every detail and is not
// signed yet. Only [Issuer.Prepare] makes one; [Issuer.Sign] signs it, once.
type Prepared struct {
	issuer    *Issuer
	profile   Profile
	key       crypto.PublicKey
	spki      []byte
	keyID     []byte
	keyHash   KeyHash
	serial    Serial
	notBefore time.Time
	notAfter  time.Time
	names     names
	shard     ShardID
	signed    atomic.Bool
}

// Serial returns the certificate's serial number.
func (p *Prepared) Serial() Serial { return p.serial }

// NotBefore returns the beginning of validity, in UTC, in whole seconds.
func (p *Prepared) NotBefore() time.Time { return p.notBefore }

// NotAfter returns the end of validity, in UTC, in whole seconds.
func (p *Prepared) NotAfter() time.Time { return p.notAfter }

// KeyHash identifies the certified key.
func (p *Prepared) KeyHash() KeyHash { return p.keyHash }

// Shard returns the CRL that will speak for the certificate, or "" if none.
func (p *Prepared) Shard() ShardID { return p.shard }

// IssuerID returns the id of the issuer that will sign.
func (p *Prepared) IssuerID() string { return p.issuer.id }

// Profile returns the name of the certificate's profile.
func (p *Prepared) Profile() string { return p.profile.Name() }

// Prepare decides a certificate: its serial number with randomness from rand,
// its validity from now less the profile's backdate to now and the profile's
// lifetime or the issuer's end, whichever is sooner, its names and extensions.
// choose picks the CRL shard; nil means one shard per expiry bucket.
//
// The key is checked by [CheckPublicKey]. Errors wrap [ErrWeakKey],
// [ErrSubject] or [ErrIssuerExpired]. Prepare does not touch the issuing key.
func (i *Issuer) Prepare(p Profile, key crypto.PublicKey, s Subject, choose ShardChooser, now time.Time, rand io.Reader) (*Prepared, error) {
	if p.Name() == "" {
		return nil, errors.New("prepare: the profile was not made with NewProfile")
	}
	names, err := s.check(p.Purpose())
	if err != nil {
		return nil, err
	}
	if err := CheckPublicKey(key); err != nil {
		return nil, err
	}
	d := &Prepared{issuer: i, profile: p, key: key, names: names}
	if err := d.identifyKey(); err != nil {
		return nil, err
	}
	if err := d.decideValidity(now); err != nil {
		return nil, err
	}
	if d.serial, err = NewSerial(rand, d.notAfter); err != nil {
		return nil, err
	}
	return d, d.decideShard(choose)
}

func (p *Prepared) identifyKey() error {
	spki, bits, err := encodeKey(p.key)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	id := sha256.Sum256(bits) // RFC 7093, section 2, method 1: 160 of its bits
	p.spki, p.keyHash, p.keyID = spki, sha256.Sum256(spki), id[:20]
	return nil
}

func (p *Prepared) decideValidity(now time.Time) error {
	now = now.UTC().Truncate(time.Second) // X.509 counts in seconds
	p.notBefore = now.Add(-p.profile.Backdate())
	p.notAfter = now.Add(p.profile.Lifetime())
	if p.notAfter.After(p.issuer.notAfter) {
		p.notAfter = p.issuer.notAfter
	}
	from := p.issuer.chain[0].NotBefore
	if !p.notAfter.After(now) || now.Before(from) {
		return fmt.Errorf("%w: %q is good from %s to %s, and it is %s; install a certificate for it that is good now", ErrIssuerExpired,
			p.issuer.chain[0].Subject, from.UTC().Format(time.RFC3339), p.issuer.notAfter.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return nil
}

func (p *Prepared) decideShard(choose ShardChooser) error {
	if !p.profile.revocable() || p.issuer.publicURL == "" {
		return nil
	}
	if choose == nil {
		p.shard = ShardFor(p.serial, p.profile.Lifetime(), 0)
		return nil
	}
	p.shard = choose(p.serial, p.profile.Lifetime())
	if !p.shard.Contains(p.serial) {
		return fmt.Errorf("prepare: shard %q is not one for the serial number %s; choose with ShardFor", p.shard, p.serial)
	}
	return nil
}

// keyUsage follows RFC 5280, section 4.2.1.3. RSA devices need keyEncipherment
// to renew by SCEP (RFC 8894, section 2.3), servers for old TLS 1.2 clients.
func (p *Prepared) keyUsage() x509.KeyUsage {
	usage := x509.KeyUsageDigitalSignature
	if _, isRSA := p.key.(*rsa.PublicKey); isRSA && p.profile.Purpose() != PurposeOCSPResponder {
		usage |= x509.KeyUsageKeyEncipherment
	}
	return usage
}

func (p *Prepared) extKeyUsage() x509.ExtKeyUsage {
	switch p.profile.Purpose() {
	case PurposeServer:
		return x509.ExtKeyUsageServerAuth
	case PurposeOCSPResponder:
		return x509.ExtKeyUsageOCSPSigning
	default: // PurposeDevice; NewProfile knows no other
		return x509.ExtKeyUsageClientAuth
	}
}

// crlURL, ocspURL and certificateURL are the addresses that stand in the
// certificate, or "".

func (p *Prepared) crlURL() string {
	if p.shard == "" {
		return ""
	}
	return p.issuer.CRLURL(p.shard)
}

func (p *Prepared) ocspURL() string {
	if !p.profile.revocable() {
		return ""
	}
	return p.issuer.OCSPURL()
}

func (p *Prepared) certificateURL() string { return p.issuer.CertificateURL() }
