package enroll_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	caocsp "github.com/touchmark/touchmark/ca/ocsp"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const year = 365 * day

// bentClock is a machine's clock that can be set without time passing.
type bentClock struct {
	mu     sync.Mutex // guards what follows
	wall   time.Time
	passed time.Duration
}

func (c *bentClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *bentClock) Passed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// pass lets time go by.
func (c *bentClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.passed = c.wall.Add(d), c.passed+d
}

// set puts the clock forward, or back.
func (c *bentClock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(by)
}

// bent is a service whose clock is set while it runs or is off. What happened before
// stands in its fields.
type bent struct {
	*archivedRig
	clock              *bentClock
	responder          *caocsp.Responder
	deputy             identity.Principal // administrator by a grant that ends in a month
	order              enroll.OrderInfo   // open until the day after tomorrow
	ticket             string             // of SN3, under order
	ticketKey, nextKey *ecdsa.PrivateKey
	withdrawn          int // entries of the CRL
	others             int // devices besides
	good               enroll.Issued
	vouched            enroll.OrderInfo // SN6 was enrolled under it, with vouchedKey
	vouchedKey         *ecdsa.PrivateKey
	spare              enroll.Issued // another good one, to be revoked
	gone               enroll.Issued // revoked
}

func newBent(t *testing.T) *bent {
	t.Helper()
	b := &bent{clock: &bentClock{wall: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}}
	b.archivedRig = newArchivedRig(t, b.options(nil))
	_, err := b.CreateGrant(t.Context(), b.admin, enroll.NewGrant{
		For: "group:https://idp.example#deputies", Role: "admin", Fleet: "/", Until: b.clock.Now().Add(30 * day),
	})
	check(t, err)
	b.deputy = identity.Principal{Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "dora", Groups: []string{"deputies"}}
	b.good, _ = b.enrolled("SN1")
	b.vouched, b.vouchedKey = b.archivedRig.order(1), newKey(t)
	_, err = b.vouch(b.vouched, "SN6", b.vouchedKey)
	check(t, err)
	b.spare, _ = b.enrolled("SN5")
	b.gone, _ = b.enrolled("SN2")
	b.act(b.gone.Device, identity.Revoke, "")
	closes := b.clock.Now().Add(2 * day)
	b.order = b.archivedRig.order(5, func(o *enroll.NewOrder) { o.Closes = closes })
	b.ticket = b.archivedRig.ticket(b.order, "SN3")
	b.ticketKey, b.nextKey, b.withdrawn = newKey(t), newKey(t), 1
	b.publish()
	b.respond(t)
	check(t, b.LookForAlarms(t.Context()))
	return b
}

// options are those of a service that starts now.
func (b *bent) options(change func(*enroll.ClockLimits)) rigOption {
	return func(c *enroll.Config) {
		begun := b.clock.Passed()
		c.Clock, c.Elapsed = b.clock.Now, func() time.Duration { return b.clock.Passed() - begun }
		if change != nil {
			change(&c.ClockLimits)
		}
	}
}

// restart starts the service anew, on the same store.
func (b *bent) restart(t *testing.T, change func(*enroll.ClockLimits)) {
	t.Helper()
	b.archivedRig = newArchivedRigOn(t, b.store, b.dir, b.issuer, b.options(change))
	b.respond(t)
}

// respond makes an OCSP responder.
func (b *bent) respond(t *testing.T) {
	t.Helper()
	made, err := caocsp.New(caocsp.Config{
		Issuers: b.Issuers, Lookup: func(ctx context.Context, serial ca.Serial) (caocsp.Status, error) { return b.OCSPStatus(ctx, serial) },
		Span: func() (earliest, latest time.Time) {
			seen := b.Clock()
			return seen.Earliest, seen.Latest
		},
		Certify: func(ctx context.Context, issuer string, key crypto.PublicKey) ([]byte, error) {
			issued, err := b.IssueOwn(ctx, enroll.Own{
				Purpose: ca.PurposeOCSPResponder, Issuer: issuer, Key: key, CommonName: "responder", Lifetime: day,
			})
			return issued.DER, err
		},
	})
	check(t, err)
	b.responder = made
	b.OnWithdrawn(made.Drop)
	check(t, b.asks(t, b.good, ocsp.Good))
}

// both are the times between which the time is, as far as anybody knows.
func (b *bent) both() (earliest, latest time.Time) {
	seen := b.Clock()
	return seen.Earliest, seen.Latest
}
