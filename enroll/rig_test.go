package enroll_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
)

// rig is a Service on a real store, with a clock that only moves when told to.
type rig struct {
	*enroll.Service
	tb     testing.TB
	store  enroll.Store
	path   string
	clock  *clock
	issuer *ca.Issuer
	admin  identity.Principal
}

type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rigOption changes a rig before it stands.
type rigOption func(*enroll.Config)

func newRig(tb testing.TB, options ...rigOption) *rig {
	tb.Helper()
	return openRig(tb, filepath.Join(tb.TempDir(), "touchmark.db"), newIssuer(tb, nil), options...)
}

func openRig(tb testing.TB, path string, issuer *ca.Issuer, options ...rigOption) *rig {
	tb.Helper()
	store, err := bolt.Open(tb.Context(), bolt.Config{Path: path})
	check(tb, err)
	tb.Cleanup(func() { check(tb, store.Close()) })
	return newRigOn(tb, store, path, issuer, options...)
}

func newRigOn(tb testing.TB, store enroll.Store, path string, issuer *ca.Issuer, options ...rigOption) *rig {
	tb.Helper()
	r := &rig{
		tb: tb, store: store, path: path, issuer: issuer, clock: &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
		admin: identity.Principal{
			Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "alice", Name: "Alice", Groups: []string{"admin"},
			Grants: []identity.Grant{{Role: identity.Admin, Fleet: identity.RootFleet}},
		},
	}
	private, _, err := audit.GenerateKey(rand.Reader, "log.touchmark.example")
	check(tb, err)
	signer, err := audit.ParseKey(private)
	check(tb, err)
	config := enroll.Config{
		Store: store, Issuers: []*ca.Issuer{issuer}, Issuing: issuer.ID(),
		Profiles: []ca.Profile{
			profile(tb, ca.ProfileConfig{Name: "default"}),
			profile(tb, ca.ProfileConfig{Name: "brief", Lifetime: time.Hour}),
			profile(tb, ca.ProfileConfig{Name: "unrevocable", NoRevAvail: true}),
			profile(tb, ca.ProfileConfig{Name: "owned", OwnerURN: true}),
		},
		PEN: 32473, LogSigner: signer, Clock: r.clock.Now, Rand: rand.Reader, Standing: standing,
	}
	for _, option := range options {
		option(&config)
	}
	r.Service, err = enroll.New(tb.Context(), config)
	check(tb, err)
	return r
}

func profile(tb testing.TB, c ca.ProfileConfig) ca.Profile {
	tb.Helper()
	p, err := ca.NewProfile(c)
	check(tb, err)
	return p
}

// newIssuer makes a corporate root and an issuing CA that it signed. wrap, if
// given, stands between the CA and its key.
func newIssuer(tb testing.TB, wrap func(crypto.Signer) crypto.Signer) *ca.Issuer {
	tb.Helper()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: begin, NotAfter: begin.AddDate(10, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name),
		}
	}
	rootKey, issuingKey := newKey(tb), newKey(tb)
	root := template("Example Corporate Root")
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	check(tb, err)
	issuingDER, err := x509.CreateCertificate(rand.Reader, template("Example Device CA"), root, issuingKey.Public(), rootKey)
	check(tb, err)
	anchor, err := x509.ParseCertificate(rootDER)
	check(tb, err)
	issuing, err := x509.ParseCertificate(issuingDER)
	check(tb, err)
	var signer crypto.Signer = issuingKey
	if wrap != nil {
		signer = wrap(signer)
	}
	issuer, err := ca.NewIssuer(ca.IssuerConfig{
		Chain: []*x509.Certificate{issuing}, Anchor: anchor, Signer: signer, PublicURL: "http://status.example",
	})
	check(tb, err)
	return issuer
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(tb, err)
	return key
}

func csr(tb testing.TB, key crypto.Signer) []byte {
	tb.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "ignored"}}, key)
	check(tb, err)
	return der
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// order makes an order of n TH20 for /berlin/line-3.
func (r *rig) order(n int, change ...func(*enroll.NewOrder)) enroll.OrderInfo {
	r.tb.Helper()
	asked := enroll.NewOrder{Fleet: "/berlin/line-3", Model: "TH20", Quantity: n}
	for _, f := range change {
		f(&asked)
	}
	order, err := r.CreateOrder(r.tb.Context(), r.admin, asked)
	check(r.tb, err)
	return order
}

func (r *rig) ticket(order enroll.OrderInfo, serial string) string {
	r.tb.Helper()
	drawn, err := r.DrawTickets(r.tb.Context(), r.admin, string(order.ID), []string{serial})
	check(r.tb, err)
	return drawn[0].Ticket
}

// enrol shows a ticket.
func (r *rig) enrol(serial, ticket string, key crypto.Signer) (enroll.Issued, error) {
	return r.Issue(context.WithoutCancel(r.tb.Context()), enroll.Request{
		Evidence: enroll.TicketEvidence{User: serial, Secret: ticket}, CSR: csr(r.tb, key), Source: "192.0.2.1",
	})
}

// vouch enrols as the break-glass administrator, who may stand in for a station.
func (r *rig) vouch(order enroll.OrderInfo, serial string, key crypto.Signer) (enroll.Issued, error) {
	return r.Issue(context.WithoutCancel(r.tb.Context()), enroll.Request{
		Principal: identity.NewBreakGlass(), Evidence: enroll.VouchEvidence{Order: order.ID, Serial: serial},
		CSR: csr(r.tb, key), Source: "192.0.2.2",
	})
}

// renew shows a certificate.
func (r *rig) renew(current enroll.Issued, key crypto.Signer) (enroll.Issued, error) {
	return r.Issue(context.WithoutCancel(r.tb.Context()), enroll.Request{
		Evidence: enroll.CertificateEvidence{DER: current.DER}, CSR: csr(r.tb, key), Source: "192.0.2.1",
	})
}

// enrolled makes an order of one and enrols its device.
func (r *rig) enrolled(serial string) (enroll.Issued, *ecdsa.PrivateKey) {
	r.tb.Helper()
	order := r.order(1)
	key := newKey(r.tb)
	issued, err := r.enrol(serial, r.ticket(order, serial), key)
	check(r.tb, err)
	return issued, key
}

// certified is who shows a certificate.
func (r *rig) certified(issued enroll.Issued) identity.Principal {
	r.tb.Helper()
	p, err := r.CertificatePrincipal(r.tb.Context(), issued.DER)
	check(r.tb, err)
	return p
}

func (r *rig) device(id identity.DeviceID) enroll.DeviceInfo {
	r.tb.Helper()
	info, err := r.Device(r.tb.Context(), r.admin, string(id))
	check(r.tb, err)
	return info
}

func (r *rig) act(id identity.DeviceID, action identity.Action, reason string) enroll.DeviceInfo {
	r.tb.Helper()
	info, err := r.Act(r.tb.Context(), r.admin, string(id), action, reason, "")
	check(r.tb, err)
	return info
}

// log returns every event there is and proves that the log is one unforked
// sequence.
func (r *rig) log() []enroll.Event {
	r.tb.Helper()
	var events []enroll.Event
	var frontier audit.Frontier
	var page enroll.Page
	for {
		var part enroll.List[enroll.Record]
		check(r.tb, r.store.View(r.tb.Context(), func(reader enroll.Reader) (err error) {
			part, err = reader.Records(enroll.RecordFilter{Page: page})
			return err
		}))
		for _, record := range part.Items {
			if record.Index != frontier.Size() {
				r.tb.Fatalf("record %d stands where %d is due", record.Index, frontier.Size())
			}
			frontier.Add(nil, record.Data)
			var event enroll.Event
			check(r.tb, json.Unmarshal(record.Data, &event))
			events = append(events, event)
		}
		if page.After = part.Next; page.After == "" {
			break
		}
	}
	signed, err := r.Checkpoint(r.tb.Context(), r.admin)
	check(r.tb, err)
	checkpoint, err := audit.OpenCheckpoint(signed, nil)
	check(r.tb, err)
	if checkpoint.Size != frontier.Size() || checkpoint.Root != frontier.Root() {
		r.tb.Fatalf("the checkpoint does not cover the %d records", frontier.Size())
	}
	return events
}

func (r *rig) count(kind enroll.EventKind) int {
	n := 0
	for _, event := range r.log() {
		if event.Kind == kind {
			n++
		}
	}
	return n
}

// wantCode fails unless err is a refusal with the code.
func wantCode(tb testing.TB, err error, code enroll.Code) {
	tb.Helper()
	var refusal *enroll.Refusal
	if !errors.As(err, &refusal) {
		tb.Fatalf("got %v, want a refusal %s", err, code)
	}
	if refusal.Code != code {
		tb.Fatalf("got %v, want %s", refusal, code)
	}
}

// publish has every CRL that is due published.
func (r *rig) publish() {
	r.tb.Helper()
	check(r.tb, r.PublishDue(r.tb.Context()))
}

// serialOf is the i-th device's serial number.
func serialOf(i int) string { return fmt.Sprintf("SN%05d", i) }
