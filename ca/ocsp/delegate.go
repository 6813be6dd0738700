package ocsp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6960 names the responder's key by SHA-1; nothing is protected by it
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/touchmark/touchmark/ca"
)

const (
	renewalRetry = time.Minute // while the old certificate still serves
	failureRetry = time.Second // when there is none
)

// delegate is a key that may sign OCSP answers for one issuer.
type delegate struct {
	key     *ecdsa.PrivateKey
	der     []byte // its certificate
	keyHash [sha1.Size]byte
	renewAt time.Time
	// notBefore begins its certificate: where the clock was set back, that may be later.
	notBefore time.Time
	// notAfter ends its certificate; answers do not reach further.
	notAfter time.Time
}

func (d *delegate) sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, d.key, digest[:])
}

// delegates keeps one delegate for each issuer.
type delegates struct {
	certify func(ctx context.Context, issuerID string, key crypto.PublicKey) ([]byte, error)
	log     *slog.Logger

	mu    sync.Mutex // guards slots
	slots map[string]*slot
}

type slot struct {
	current atomic.Pointer[delegate]
	// turn holds one token: whoever has it may obtain a certificate, and read
	// and write the fields below.
	turn    chan struct{}
	failing atomic.Pointer[error] // failure, for who has not the turn; nil for none
	retryAt time.Time
	failure error // why the last attempt failed
}

func (d *delegates) slot(issuerID string) *slot {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.slots[issuerID]
	if s == nil {
		s = &slot{turn: make(chan struct{}, 1)}
		d.slots[issuerID] = s
	}
	return s
}

// get returns a delegate that is good now. The first who comes when two thirds
// of its life have passed obtains the next; others go on with the old one. Who
// comes when there is none waits.
func (d *delegates) get(ctx context.Context, issuer *ca.Issuer, now span) (*delegate, error) {
	s := d.slot(issuer.ID())
	current := s.current.Load()
	if current.fresh(now) {
		return current, nil
	}
	if current.serves(now.to) {
		select {
		case s.turn <- struct{}{}:
		default:
			return current, nil
		}
	} else {
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-s.turn }()
	return d.renew(ctx, s, issuer, now)
}

// serves reports whether the delegate may still sign. It may be nil.
func (d *delegate) serves(now time.Time) bool {
	return d != nil && now.Add(time.Second).Before(d.notAfter)
}

// fresh reports whether the delegate needs no successor. It may be nil.
func (d *delegate) fresh(now span) bool {
	return d != nil && now.to.Before(d.renewAt) && !now.from.Before(d.notBefore)
}

// renew is called by the one whose turn it is.
func (d *delegates) renew(ctx context.Context, s *slot, issuer *ca.Issuer, now span) (*delegate, error) {
	current := s.current.Load()
	if current.fresh(now) {
		return current, nil // another had the turn just before
	}
	serves := current.serves(now.to)
	if now.to.Before(s.retryAt) {
		if serves {
			return current, nil
		}
		return nil, s.failure
	}
	next, err := d.obtain(ctx, issuer, now)
	if err == nil {
		s.current.Store(next)
		s.retryAt, s.failure = time.Time{}, nil
		s.failing.Store(nil)
		d.log.Info("OCSP responder certificate obtained", "issuer", issuer.ID(), "not_after", next.notAfter)
		return next, nil
	}
	if ctx.Err() == nil { // it was not the caller who gave up
		s.failure = err
		s.failing.Store(&err)
		s.retryAt = now.to.Add(failureRetry)
		if serves {
			s.retryAt = now.to.Add(renewalRetry)
		}
	}
	if !serves {
		return nil, err
	}
	d.log.Warn("OCSP responder certificate not renewed; the old one serves on", "issuer", issuer.ID(), "not_after", current.notAfter, "error", err)
	return current, nil
}

func (d *delegates) obtain(ctx context.Context, issuer *ca.Issuer, now span) (*delegate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a responder key: %w", err)
	}
	der, err := d.certify(ctx, issuer.ID(), key.Public())
	if err != nil {
		return nil, fmt.Errorf("obtaining a responder certificate of issuer %s: %w", issuer.ID(), err)
	}
	cert, err := checkDelegate(der, key, issuer, now)
	if err != nil {
		return nil, fmt.Errorf("responder certificate of issuer %s: %w", issuer.ID(), err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding a responder key: %w", err)
	}
	return &delegate{
		key: key, der: cert.Raw, keyHash: sha1.Sum(point), //nolint:gosec // see the import
		renewAt: now.to.Add(cert.NotAfter.Sub(now.to) * 2 / 3), notBefore: cert.NotBefore, notAfter: cert.NotAfter,
	}, nil
}

// checkDelegate holds the certificate against RFC 6960, section 4.2.2.2: what
// relying parties will refuse must not be used.
func checkDelegate(der []byte, key *ecdsa.PrivateKey, issuer *ca.Issuer, now span) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	switch {
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, errors.New("it is for another key")
	case !bytes.Equal(cert.RawIssuer, issuer.Certificate().RawSubject):
		return nil, errors.New("it is by another issuer")
	case !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return nil, errors.New("it lacks the extended key usage OCSPSigning")
	case !hasNoCheck(cert):
		return nil, errors.New("it lacks id-pkix-ocsp-nocheck")
	case now.from.Before(cert.NotBefore) || !now.to.Add(time.Minute/2).Before(cert.NotAfter):
		return nil, fmt.Errorf("it is good from %s to %s, not for half a minute from now", cert.NotBefore, cert.NotAfter)
	}
	return cert, cert.CheckSignatureFrom(issuer.Certificate())
}

func hasNoCheck(cert *x509.Certificate) bool {
	for _, extension := range cert.Extensions {
		if extension.Id.String() == "1.3.6.1.5.5.7.48.1.5" {
			return true
		}
	}
	return false
}
