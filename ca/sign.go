package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	// ErrSigned means that a Prepared was signed, or tried, before. Two
	// certificates with one serial number must not exist (RFC 5280, section
	// 4.1.2.2); prepare anew.
	ErrSigned = errors.New("already signed")
	// ErrMismatch means that the certificate that came back from signing is not
	// the one that was prepared. It must not leave the process.
	ErrMismatch = errors.New("signed certificate differs from what was prepared")
)

// Signed is a certificate that was signed and found to be what was prepared. It
// must be recorded before it is released.
type Signed struct {
	// DER is the certificate.
	DER []byte
	// Serial is its serial number.
	Serial Serial
	// NotBefore and NotAfter bound its validity, in UTC, in whole seconds.
	NotBefore, NotAfter time.Time
	// IssuerID is [Issuer.ID] of the issuer.
	IssuerID string
	// Shard is the CRL that speaks for it, or "" if none does.
	Shard ShardID
	// KeyHash identifies the certified key.
	KeyHash KeyHash
	// Profile is the name of its profile.
	Profile string
}

// Sign signs what was prepared, once, and checks the result field by field. A
// Prepared is used up by the attempt, also by one that fails. ctx is looked at
// before the key is used; a key that hangs is for the caller to bound. Errors
// wrap [ErrSigned], [ErrMismatch], [ErrNoSignature] or the context's.
func (i *Issuer) Sign(ctx context.Context, p *Prepared) (*Signed, error) {
	if p == nil || p.issuer != i {
		return nil, errors.New("sign: not prepared by this issuer")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if p.signed.Swap(true) {
		return nil, fmt.Errorf("sign: %w: serial number %s", ErrSigned, p.serial)
	}
	der, err := p.sign()
	if err != nil {
		return nil, fmt.Errorf("sign: issuer %s: %w", i.id, err)
	}
	if err := p.check(der); err != nil {
		return nil, fmt.Errorf("sign: issuer %s: %w", i.id, err)
	}
	return &Signed{
		DER: der, Serial: p.serial, NotBefore: p.notBefore, NotAfter: p.notAfter,
		IssuerID: i.id, Shard: p.shard, KeyHash: p.keyHash, Profile: p.profile.Name(),
	}, nil
}

// sign makes the certificate. Nothing is known of it yet: the key may be broken.
func (p *Prepared) sign() ([]byte, error) {
	tbs, err := p.encode()
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	signature, err := p.issuer.scheme.sign(p.issuer.signer, tbs)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(signature)+64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(p.issuer.scheme.identifier)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}
