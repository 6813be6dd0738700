package enroll_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"io"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

func keyOn(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	check(t, err)
	return key
}

// vouchFor enrols as the break-glass administrator, who says where the key is kept.
func (r *rig) vouchFor(order enroll.OrderInfo, serial string, key crypto.Signer, kept policy.KeyProtection) (enroll.Issued, error) {
	return r.Issue(context.WithoutCancel(r.tb.Context()), enroll.Request{
		Principal: identity.NewBreakGlass(), CSR: csr(r.tb, key), Source: "192.0.2.2",
		Evidence: enroll.VouchEvidence{Order: order.ID, Serial: serial, KeyProtection: kept},
	})
}

func lifetime(t *testing.T, issued enroll.Issued) time.Duration {
	t.Helper()
	parsed, err := x509.ParseCertificate(issued.DER)
	check(t, err)
	return parsed.NotAfter.Sub(parsed.NotBefore) - ca.DefaultBackdate
}

func TestPolicyDecidesProfileAndLifetime(t *testing.T) {
	r := newRig(t)
	order := r.order(10)
	r.say("/berlin", policy.Config{Lifetime: lasts(2 * time.Hour)})
	key := newKey(t)
	issued, err := r.enrol("SN1", r.ticket(order, "SN1"), key)
	check(t, err)
	if got := lifetime(t, issued); got != 2*time.Hour {
		t.Errorf("good for %s", got)
	}
	r.say("/berlin/line-3", policy.Config{Profile: new("brief"), Lifetime: lasts(time.Hour)})
	renewed, err := r.renew(issued, key)
	check(t, err)
	if got := lifetime(t, renewed); got != time.Hour || renewed.Profile != "brief" {
		t.Errorf("renewed for %s with the profile %s", got, renewed.Profile)
	}
	r.say("/berlin/line-3", policy.Config{})
	r.say("/berlin", policy.Config{})
}

func TestPolicyDecidesWhichKeysAndEvidence(t *testing.T) {
	r := newRig(t)
	order := r.order(20)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	p256, p384 := newKey(t), keyOn(t, elliptic.P384())
	first, err := r.enrol("SN1", r.ticket(order, "SN1"), p384)
	check(t, err)

	r.say("/berlin", policy.Config{Keys: []policy.KeyKind{policy.ECDSAP256, policy.Ed25519}})
	_, err = r.enrol("SN2", r.ticket(order, "SN2"), keyOn(t, elliptic.P384()))
	wantCode(t, err, enroll.WeakKey)
	_, err = r.renew(first, p384) // the moment at which an outdated device is noticed
	wantCode(t, err, enroll.WeakKey)
	renewed, err := r.renew(first, edKey)
	check(t, err)

	r.say("/berlin", policy.Config{Evidence: []policy.Evidence{policy.Station, policy.Certificate}})
	_, err = r.enrol("SN3", r.ticket(order, "SN3"), p256)
	wantCode(t, err, enroll.Forbidden)
	_, err = r.vouch(order, "SN3", p256)
	check(t, err)
	r.say("/berlin", policy.Config{Evidence: []policy.Evidence{policy.Ticket}})
	_, err = r.renew(renewed, edKey)
	wantCode(t, err, enroll.Forbidden)
}

func TestPolicyDecidesWhereKeysAreKept(t *testing.T) {
	r := newRig(t)
	order := r.order(10)
	r.say("/berlin", policy.Config{KeyProtection: []policy.KeyProtection{policy.TPM, policy.SecureElement}})
	_, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
	wantCode(t, err, enroll.WeakKey)
	_, err = r.vouchFor(order, "SN1", newKey(t), "")
	wantCode(t, err, enroll.WeakKey)
	key := newKey(t)
	issued, err := r.vouchFor(order, "SN1", key, policy.TPM)
	check(t, err)
	if kept := r.device(issued.Device).KeyProtection; kept != policy.TPM {
		t.Errorf("the record says that its key is kept in %q", kept)
	}
	// The same key stays where it is; of another nobody says where it is kept.
	issued, err = r.renew(issued, key)
	check(t, err)
	_, err = r.renew(issued, newKey(t))
	wantCode(t, err, enroll.WeakKey)
}

func TestPolicyDecidesWhenToRenew(t *testing.T) {
	r := newRig(t)
	issued, key := r.enrolled("SN1") // for 24 hours
	r.say("/berlin", policy.Config{RenewalWindow: lasts(8 * time.Hour)})
	_, err := r.renew(issued, key)
	wantCode(t, err, enroll.RateLimited)
	if wait := enroll.AsRefusal(err).RetryAfter; wait < 15*time.Hour || wait > 16*time.Hour {
		t.Errorf("told to wait %s", wait)
	}
	r.clock.advance(16*time.Hour + time.Second)
	renewed, err := r.renew(issued, key)
	check(t, err)
	again, err := r.renew(issued, key) // a retry is recalled, whatever the window
	check(t, err)
	if !again.Recalled || again.Serial != renewed.Serial {
		t.Error("the retry was not recalled")
	}
}

func TestGraceAfterExpiry(t *testing.T) {
	r := newRig(t)
	issued, key := r.enrolled("SN1")
	late, lateKey := r.enrolled("SN2")
	gone, goneKey := r.enrolled("SN3")
	r.clock.advance(25 * time.Hour)
	_, err := r.renew(issued, key)
	wantCode(t, err, enroll.Unauthenticated)
	r.say("/berlin", policy.Config{Grace: lasts(24 * time.Hour)})
	renewed, err := r.renew(issued, key)
	check(t, err)
	// One that is not the newest has no grace: whoever has the newest renews.
	_, err = r.renew(issued, newKey(t))
	wantCode(t, err, enroll.CloneSuspected)
	_, err = r.renew(renewed, key)
	check(t, err)
	// A key that was compromised has none, and a device that was revoked neither.
	_, err = r.ActOnCertificate(t.Context(), r.admin, late.Serial.String(), identity.Revoke, "keyCompromise", "")
	check(t, err)
	_, err = r.renew(late, lateKey)
	wantCode(t, err, enroll.Unauthenticated)
	r.act(gone.Device, identity.Revoke, "")
	_, err = r.renew(gone, goneKey)
	wantCode(t, err, enroll.WrongState)
	// An expired certificate opens nothing else.
	_, err = r.CertificatePrincipal(t.Context(), issued.DER)
	wantCode(t, err, enroll.Unauthenticated)
}

func TestPolicyDecidesWhetherCertificatesNameTheOwner(t *testing.T) {
	r := newRig(t)
	issued, key := r.enrolled("SN1")
	r.give(issued.Device, person("bob"))
	named := func() bool {
		t.Helper()
		var err error
		issued, err = r.renew(issued, key)
		check(t, err)
		parsed, err := x509.ParseCertificate(issued.DER)
		check(t, err)
		return len(parsed.URIs) == 2
	}
	if named() {
		t.Error("the owner is named, and nobody said so")
	}
	r.say("/berlin", policy.Config{OwnerInCertificate: new(true)})
	if !named() {
		t.Error("the owner is not named")
	}
	r.say("/berlin", policy.Config{OwnerInCertificate: new(false)})
	if named() {
		t.Error("the owner is named, and policy says no")
	}
}

func TestGraceEnds(t *testing.T) {
	r := newRig(t)
	issued, key := r.enrolled("SN1")
	r.say("/berlin", policy.Config{Grace: lasts(24 * time.Hour)})
	r.clock.advance(48*time.Hour + time.Minute)
	_, err := r.renew(issued, key)
	wantCode(t, err, enroll.Unauthenticated)
}

func TestForksAreTakenWherePolicySaysSo(t *testing.T) {
	r := newRig(t)
	issued, key := r.enrolled("SN1")
	_, err := r.renew(issued, newKey(t))
	check(t, err)
	_, err = r.renew(issued, key)
	wantCode(t, err, enroll.CloneSuspected)
	r.say("/berlin", policy.Config{Forks: new(policy.AllowForks)})
	forks := r.count(enroll.RenewalForked)
	_, err = r.renew(issued, newKey(t))
	check(t, err)
	if r.count(enroll.RenewalForked) != forks+1 || r.device(issued.Device).ForkedAt.IsZero() {
		t.Error("the fork was taken and not recorded")
	}
}

// What was signed under one policy is not recorded under another.
func TestPolicyChangedWhileSigning(t *testing.T) {
	var r *rig
	change := func() {}
	issuer := newIssuer(t, func(s crypto.Signer) crypto.Signer { return &interrupted{Signer: s, before: func() { change() }} })
	r = openRig(t, t.TempDir()+"/touchmark.db", issuer)
	order := r.order(1)
	ticket := r.ticket(order, "SN1")
	change = func() {
		change = func() {}
		r.say("/berlin", policy.Config{Lifetime: lasts(time.Hour)})
	}
	issued, err := r.enrol("SN1", ticket, newKey(t))
	check(t, err)
	if got := lifetime(t, issued); got != time.Hour {
		t.Errorf("good for %s, by a policy that was replaced meanwhile", got)
	}
}

// interrupted does something before it signs.
type interrupted struct {
	crypto.Signer
	before func()
}

func (s *interrupted) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.before()
	return s.Signer.Sign(random, digest, opts)
}
