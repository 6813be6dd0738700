// Package resttest stands up the REST door before a real Service on a store in
// memory, for the tests of the door and of its clients.
package resttest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/storetest"
)

// Begin returns the time until Clock is moved.
func Begin() time.Time { return time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC) }

// Door is what rest.New and rest.EnrolHandler need. Its profile is "default", its
// PEN identity.ExamplePEN, and its log is called log.touchmark.example.
type Door struct {
	rest.Config
	Enroll     enroll.Config // what the Service was made of
	Store      enroll.Store
	Clock      *Clock
	BreakGlass string // the token
	Log        *Log   // what Config.Log wrote, JSON
}

// Open makes a door.
func Open(t testing.TB) *Door {
	t.Helper()
	store := storetest.NewMemory()
	t.Cleanup(func() { check(t, store.Close()) })
	token, hash, err := enroll.NewBreakGlassToken(rand.Reader)
	check(t, err)
	check(t, enroll.SetBreakGlass(t.Context(), store, hash, rand.Reader, Begin()))
	private, _, err := audit.GenerateKey(rand.Reader, "log.touchmark.example")
	check(t, err)
	signer, err := audit.ParseKey(private)
	check(t, err)
	profile, err := ca.NewProfile(ca.ProfileConfig{Name: "default"})
	check(t, err)
	issuer := newIssuer(t)

	d := &Door{Store: store, Clock: &Clock{now: Begin()}, BreakGlass: token, Log: &Log{}}
	d.Enroll = enroll.Config{
		Store: store, Issuers: []*ca.Issuer{issuer}, Issuing: issuer.ID(), Profiles: []ca.Profile{profile},
		PEN: identity.ExamplePEN, LogSigner: signer, Clock: d.Clock.Now, Rand: rand.Reader, Standing: standing,
	}
	service, err := enroll.New(t.Context(), d.Enroll)
	check(t, err)
	d.Config = rest.Config{
		Service: service, Tokens: RoleTokens{}, Backup: Backup{}, Compact: Compaction{}, Version: "1.2.3", Rand: rand.Reader, Clock: d.Clock.Now,
		Log: slog.New(slog.NewJSONHandler(d.Log, nil)),
	}
	return d
}

// Clock stands still until it is moved.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Log keeps what is written.
type Log struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// RoleTokens is a provider whose tokens are names of roles: the holder has the
// role on the whole tree, or after "@" on a branch, as in "admin@/berlin". The
// holders of "nobody" and of "person:" with a name have none. After each "+" stands
// a group, as in "person:erika+line-leads". Every other token has expired.
type RoleTokens struct{}

// Verify implements rest.Tokens.
func (RoleTokens) Verify(_ context.Context, token string) (identity.Principal, error) {
	who, groups, grouped := strings.Cut(token, "+")
	role, branch, _ := strings.Cut(who, "@")
	p := Principal(identity.Role(role))
	if name, person := strings.CutPrefix(who, "person:"); person {
		p.Subject, p.Name = name, name
	} else if role != "nobody" && p.Grants == nil {
		return identity.Principal{}, enroll.Refuse(enroll.Unauthenticated, "the token expired 3m ago")
	}
	if branch != "" {
		p.Subject = who
		p.Grants[0].Fleet = identity.FleetPath(branch)
	}
	if grouped {
		p.Groups = strings.Split(groups, "+")
	}
	return p, nil
}

// Principal returns who holds the token of a role: somebody in a group of its name.
func Principal(role identity.Role) identity.Principal {
	p := identity.Principal{Kind: identity.OIDC, Issuer: "https://idp.example", Subject: string(role), Name: "The " + string(role)}
	if role.Permissions() != nil {
		p.Groups = []string{string(role)}
	}
	p.Grants = standing(p.Issuer, p.Groups)
	return p
}

// standing gives each group the role that it is called as.
func standing(_ string, groups []string) (grants []identity.Grant) {
	for _, group := range groups {
		grants = append(grants, identity.Grant{Role: identity.Role(group), Fleet: identity.RootFleet})
	}
	return grants
}

// Backup is a store that can be copied, until Err.
type Backup struct{ Err error }

// Backup implements rest.Backuper.
func (b Backup) Backup(_ context.Context, w io.Writer) (int64, error) {
	n, _ := io.WriteString(w, "the whole store")
	return int64(n), b.Err
}

// Compaction is a store that can be compacted, or not where Err is set.
type Compaction struct{ Err error }

// Compact implements rest.Compacter.
func (c Compaction) Compact(context.Context) (before, after int64, err error) {
	return 4096, 1024, c.Err
}

// NewKey makes a device's key, on P-256.
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

// CSR makes a certificate request, PEM.
func CSR(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	check(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// newIssuer makes a corporate root and an issuing CA that it signed.
func newIssuer(t testing.TB) *ca.Issuer {
	t.Helper()
	rootKey, key := NewKey(t), NewKey(t)
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: Begin().Add(-time.Hour), NotAfter: Begin().AddDate(10, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name),
		}
	}
	sign := func(c, parent *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, public, rootKey)
		check(t, err)
		signed, err := x509.ParseCertificate(der)
		check(t, err)
		return signed
	}
	root := sign(template("Example Corporate Root"), template("Example Corporate Root"), rootKey.Public())
	issuing := sign(template("Example Device CA"), root, key.Public())
	issuer, err := ca.NewIssuer(ca.IssuerConfig{
		Chain: []*x509.Certificate{issuing}, Anchor: root, Signer: key, PublicURL: "http://status.example",
	})
	check(t, err)
	return issuer
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
