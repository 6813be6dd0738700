package ocsp_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/ocsp"
	certstest "github.com/touchmark/touchmark/certs-test"
)

// lab is a responder over an issuer, with a clock and statuses that tests set.
type lab struct {
	*ocsp.Responder
	pki    *certstest.PKI
	issuer *ca.Issuer

	mu       sync.Mutex // guards the rest
	now      time.Time
	statuses map[ca.Serial]ocsp.Status
	fail     error // of Lookup

	lookups, certified atomic.Int64
	// onLookup runs in Lookup after the status was read, onCertify may change
	// what Certify returns; both may be nil and are set before the first request.
	onLookup  func(ca.Serial)
	onCertify func(der []byte) ([]byte, error)
}

func newLab(t testing.TB, change func(*lab, *ocsp.Config)) *lab {
	t.Helper()
	pki := certstest.New(t)
	l := &lab{pki: pki, issuer: newIssuer(t, pki, "Device CA"), now: pki.Now, statuses: map[ca.Serial]ocsp.Status{}}
	config := ocsp.Config{
		Issuers: func() []*ca.Issuer { return []*ca.Issuer{l.issuer} },
		Lookup:  l.lookup, Certify: l.certify, Clock: l.clock,
	}
	if change != nil {
		change(l, &config)
	}
	responder, err := ocsp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	l.Responder = responder
	return l
}

func newIssuer(t testing.TB, pki *certstest.PKI, name string) *ca.Issuer {
	t.Helper()
	key := certstest.Key(t, certstest.P256)
	cert := pki.Issue(t, key.Public(), certstest.Options{CommonName: name, NotBefore: pki.Now.Add(-24 * time.Hour)})
	issuer, err := ca.NewIssuer(ca.IssuerConfig{Chain: []*x509.Certificate{cert}, Anchor: pki.Cert, Signer: key, PublicURL: "http://status.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *lab) advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

func (l *lab) set(serial ca.Serial, s ocsp.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Known, s.IssuerID = true, l.issuer.ID()
	l.statuses[serial] = s
}

func (l *lab) failWith(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

func (l *lab) lookup(_ context.Context, serial ca.Serial) (ocsp.Status, error) {
	l.lookups.Add(1)
	l.mu.Lock()
	status, err := l.statuses[serial], l.fail
	l.mu.Unlock()
	if l.onLookup != nil {
		l.onLookup(serial)
	}
	return status, err
}

func (l *lab) certify(ctx context.Context, _ string, key crypto.PublicKey) ([]byte, error) {
	l.certified.Add(1)
	der, err := l.sign(ctx, l.issuer, key)
	if err == nil && l.onCertify != nil {
		return l.onCertify(der)
	}
	return der, err
}

func (l *lab) sign(ctx context.Context, issuer *ca.Issuer, key crypto.PublicKey) ([]byte, error) {
	profile, err := ca.NewProfile(ca.ProfileConfig{Name: "ocsp", Purpose: ca.PurposeOCSPResponder, Lifetime: 9 * time.Hour})
	if err != nil {
		return nil, err
	}
	prepared, err := issuer.Prepare(profile, key, ca.Subject{CommonName: "OCSP responder"}, nil, l.clock(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signed, err := issuer.Sign(ctx, prepared)
	if err != nil {
		return nil, err
	}
	return signed.DER, nil
}

func newSerial(t testing.TB) ca.Serial {
	t.Helper()
	s, err := ca.NewSerial(rand.Reader, time.Unix(1_900_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// good makes a serial number whose certificate is good.
func (l *lab) good(t testing.TB) ca.Serial {
	s := newSerial(t)
	l.set(s, ocsp.Status{})
	return s
}

func (l *lab) request(nonce []byte, serials ...ca.Serial) []byte {
	r := ocsp.Request{Nonce: nonce}
	for _, s := range serials {
		r.CertIDs = append(r.CertIDs, ocsp.NewCertID(crypto.SHA1, l.issuer, s))
	}
	return r.Marshal()
}

// ask returns the answer as golang.org/x/crypto/ocsp reads it, which verifies
// its signature.
func (l *lab) ask(t testing.TB, request []byte, serial ca.Serial) (*xocsp.Response, ocsp.Response) {
	t.Helper()
	response, err := l.Respond(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	return l.read(t, response, serial), response
}

func (l *lab) read(t testing.TB, response ocsp.Response, serial ca.Serial) *xocsp.Response {
	t.Helper()
	parsed, err := xocsp.ParseResponseForCert(response.DER, &x509.Certificate{SerialNumber: serial.Int()}, l.issuer.Certificate())
	if err != nil {
		t.Fatalf("golang.org/x/crypto/ocsp: %v", err)
	}
	return parsed
}
