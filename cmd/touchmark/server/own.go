package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
)

const (
	// ownLifetime is that of the listeners' certificates: that of the default
	// profile, so that they share its CRLs.
	ownLifetime = ca.DefaultLifetime
	// retryOwn is how long to wait after a renewal that failed.
	retryOwn = time.Minute
	// retryFirst is how long to wait while there is none at all.
	retryFirst = 5 * time.Second
	// lookOwn is how often it is looked whether the certificate is good by the clock.
	lookOwn = 10 * time.Second
)

// ownCertificate is the listeners' certificate, which Touchmark issues to itself
// and renews after two thirds of its life, with a new key each time. The key
// never leaves the process.
type ownCertificate struct {
	issueOwn func(context.Context, enroll.Own) (enroll.Issued, error)
	// span is between what the earliest and the latest answer is to what time it is.
	span func() (earliest, latest time.Time)
	rand io.Reader
	log  *slog.Logger

	names   atomic.Pointer[ownNames]
	anew    chan struct{} // holds a token while it is to be replaced at once
	current atomic.Pointer[tls.Certificate]
	begins  atomic.Int64 // its notBefore, and its notAfter, in seconds since 1970
	ends    atomic.Int64
}

// ownNames are what clients reach the listeners by.
type ownNames struct {
	dns []string
	ips []net.IP
}

func newOwnCertificate(issue func(context.Context, enroll.Own) (enroll.Issued, error), span func() (earliest, latest time.Time), c Config) *ownCertificate {
	o := &ownCertificate{issueOwn: issue, span: span, rand: c.Rand, log: c.Log, anew: make(chan struct{}, 1)}
	o.names.Store(&ownNames{dns: c.Settings.DNSNames, ips: c.Settings.IPs})
	return o
}

// rename has keep replace the certificate now by one for these names.
func (o *ownCertificate) rename(names ownNames) {
	o.names.Store(&names)
	select {
	case o.anew <- struct{}{}:
	default:
	}
}

// get is a tls.Config.GetCertificate.
func (o *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if certificate := o.current.Load(); certificate != nil {
		return certificate, nil
	}
	return nil, errors.New("the listener has no certificate yet")
}

// issue replaces the certificate and returns when to do so again.
func (o *ownCertificate) issue(ctx context.Context) (time.Duration, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), o.rand)
	if err != nil {
		return 0, fmt.Errorf("make the listeners' key: %w", err)
	}
	names := o.names.Load()
	issued, err := o.issueOwn(ctx, enroll.Own{
		Purpose: ca.PurposeServer, Key: key.Public(), CommonName: "Touchmark",
		DNSNames: names.dns, IPs: names.ips, Lifetime: ownLifetime,
	})
	if err != nil {
		return 0, fmt.Errorf("issue the listeners' certificate: %w", err)
	}
	o.current.Store(&tls.Certificate{
		Certificate: append([][]byte{issued.DER}, issued.Chain...),
		PrivateKey:  key,
	})
	o.begins.Store(issued.NotBefore.Unix())
	o.ends.Store(issued.Serial.NotAfter().Unix())
	_, latest := o.span()
	return max(issued.Serial.NotAfter().Sub(latest)*2/3, retryOwn), nil
}

// again is how long to wait after a failure: less where there is none to serve with.
func (o *ownCertificate) again() time.Duration {
	if o.current.Load() == nil {
		return retryFirst
	}
	return retryOwn
}

// end returns when the certificate ends; the zero time for none.
func (o *ownCertificate) end() time.Time {
	if o.current.Load() == nil {
		return time.Time{}
	}
	return time.Unix(o.ends.Load(), 0)
}

// wrong reports whether the certificate is not good at a time that it may be, as after
// the clock was set.
func (o *ownCertificate) wrong() bool {
	earliest, latest := o.span()
	return o.begins.Load() > earliest.Unix() || o.ends.Load() <= latest.Unix()
}

// keep renews the certificate in time, beginning after first, and where the clock was
// set so that it is not good, until ctx is done.
func (o *ownCertificate) keep(ctx context.Context, first time.Duration) {
	timer, look := time.NewTimer(first), time.NewTicker(lookOwn)
	defer timer.Stop()
	defer look.Stop()
	for failed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-o.anew:
		case <-look.C:
			if failed || !o.wrong() {
				continue
			}
		}
		next, err := o.issue(ctx)
		if err != nil {
			o.log.Error("the listeners' certificate could not be issued; trying again soon", "error", err)
			next = o.again()
		}
		failed = err != nil
		timer.Reset(next)
	}
}
