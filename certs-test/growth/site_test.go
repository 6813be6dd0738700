package growth_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/touchmark/touchmark/ca"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/postgres"
)

// Full size is what the figures in docs/benchmarks/growth.md were measured at.
var (
	full    = flag.Bool("growth.full", false, "hold what is measured to the limits for CPU and time too")
	only    = flag.String("growth.keeper", "", "bolt or postgres alone")
	devices = flag.Int("growth.devices", 2_000, "how many devices are enrolled")
	narrow  = flag.Int("growth.narrow", 2_000, "how many devices are written straight into the store at first")
	wide    = flag.Int("growth.wide", 40_000, "and how many there are then")
	yearly  = flag.Int("growth.yearly", 100, "how many devices renew every day")
	days    = flag.Int("growth.days", 60, "for so many days")
	folder  = flag.String("growth.dir", "", "where bolt's files are made; on the disk to be measured")
)

// atOnce is how many callers there are.
const atOnce = 64

// site is a Service on a store, with a clock that is told the time.
type site struct {
	*enroll.Service
	issuer *ca.Issuer
	config enroll.Config

	mu  sync.Mutex // guards now
	now time.Time
}

func newSite(tb testing.TB) *site {
	tb.Helper()
	s := &site{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	pki := certstest.NewAt(tb, s.now, certstest.Key(tb, certstest.P256))
	key := certstest.Key(tb, certstest.P256)
	certificate := pki.Issue(tb, key.Public(), certstest.Options{CommonName: "Example Device CA", NotAfter: s.now.AddDate(5, 0, 0)})
	var err error
	s.issuer, err = ca.NewIssuer(ca.IssuerConfig{
		Chain: []*x509.Certificate{certificate}, Anchor: pki.Cert, Signer: key, PublicURL: "http://status.example",
	})
	check(tb, err)
	profile, err := ca.NewProfile(ca.ProfileConfig{Name: enroll.DefaultProfile, Lifetime: 48 * time.Hour})
	check(tb, err)
	private, _, err := audit.GenerateKey(rand.Reader, "log.touchmark.example")
	check(tb, err)
	signer, err := audit.ParseKey(private)
	check(tb, err)
	s.config = enroll.Config{
		Issuers: []*ca.Issuer{s.issuer}, Issuing: s.issuer.ID(), Profiles: []ca.Profile{profile}, PEN: identity.ExamplePEN,
		LogSigner: signer, Clock: s.clock, Rand: rand.Reader,
	}
	return s
}

// serve puts the site on a store.
func (s *site) serve(ctx context.Context, kept enroll.Store, change ...func(*enroll.Config)) (err error) {
	config := s.config
	config.Store = kept
	if database, ok := kept.(*postgres.Store); ok {
		config.Store = sameTime{database, s.clock}
	}
	for _, f := range change {
		f(&config)
	}
	s.Service, err = enroll.New(ctx, config)
	return err
}

// sameTime is a database whose clock is the site's: its own would say that the site's is
// wrong (enroll.Dated).
type sameTime struct {
	*postgres.Store
	clock func() time.Time
}

// Now implements enroll.Dated.
func (d sameTime) Now(context.Context) (time.Time, error) { return d.clock(), nil }

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// device is one of the devices that really enrol. It keeps its key, and so renews
// with the request that it enrolled with.
type device struct {
	serial string
	csr    []byte
	der    []byte // its newest certificate
}

// newDevices makes devices with their keys and requests. Their serial numbers are
// spread over all that there are.
func newDevices(tb testing.TB, first, n int) []device {
	tb.Helper()
	made := make([]device, n)
	var work errgroup.Group
	work.SetLimit(2)
	for i := range made {
		work.Go(func() error {
			key := certstest.Key(tb, certstest.P256)
			der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
			made[i] = device{serial: spread(first + i), csr: der}
			return err
		})
	}
	check(tb, work.Wait())
	return made
}

// spread is the i-th serial number: neighbours by number are none by name.
func spread(i int) string {
	return fmt.Sprintf("%08X", uint32(i)*2_654_435_761) // odd, so that no two are alike
}

// order makes an order of a model for a fleet.
func (s *site) order(ctx context.Context, fleet string) (enroll.OrderID, error) {
	made, err := s.CreateOrder(ctx, identity.NewBreakGlass(), enroll.NewOrder{Fleet: fleet, Model: "TH20", Quantity: enroll.MaxQuantity})
	return made.ID, err
}

// enrol enrols devices, many at once, as a station vouches for them.
func (s *site) enrol(ctx context.Context, order enroll.OrderID, devices []device) error {
	return s.each(ctx, devices, func(d *device) enroll.Request {
		return enroll.Request{Principal: identity.NewBreakGlass(), Evidence: enroll.VouchEvidence{Order: order, Serial: d.serial}}
	})
}

// renew renews devices, many at once, each by the certificate that it holds.
func (s *site) renew(ctx context.Context, devices []device) error {
	return s.each(ctx, devices, func(d *device) enroll.Request {
		return enroll.Request{Evidence: enroll.CertificateEvidence{DER: d.der}}
	})
}

func (s *site) each(ctx context.Context, devices []device, request func(*device) enroll.Request) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for i := range devices {
		work.Go(func() error {
			d := &devices[i]
			asked := request(d)
			asked.CSR, asked.Source = d.csr, "192.0.2.1"
			issued, err := s.Issue(ctx, asked)
			d.der = issued.DER
			return err
		})
	}
	return work.Wait()
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// atMost fails the test where a figure is more than so many times another, if
// figures of its kind are held to their limits now.
func atMost(t *testing.T, hold bool, what string, figure, base, limit float64) {
	t.Helper()
	t.Logf("%-44s %10.1f  against %10.1f: %.2f × (at most %.1f)", what, figure, base, figure/base, limit)
	if hold && figure > limit*base {
		t.Errorf("%s: more than %.1f times", what, limit)
	}
}
