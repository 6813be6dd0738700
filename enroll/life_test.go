package enroll_test

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
)

// A device's life from the order to its revocation, and what is kept of it.
func TestLife(t *testing.T) {
	r := newRig(t)
	order := r.order(2)
	if order.FleetPath != "/berlin/line-3" || order.State != enroll.OrderOpen || order.Enrolled != 0 {
		t.Fatalf("unexpected order: %+v", order)
	}
	ticket := r.ticket(order, "SN1")
	if d := r.device("TH20-SN1"); d.State != identity.Expected || len(d.Certificates) != 0 {
		t.Fatalf("a device with a ticket is expected: %+v", d)
	}
	key := newKey(t)
	first, err := r.enrol("SN1", ticket, key)
	check(t, err)
	leaf, err := x509.ParseCertificate(first.DER)
	check(t, err)
	if got := leaf.URIs[0].String(); got != "urn:dev:ops:32473-TH20-SN1" {
		t.Errorf("URN %s", got)
	}
	if leaf.Subject.CommonName != "TH20-SN1" || leaf.Subject.SerialNumber != "SN1" {
		t.Errorf("subject %s: nothing but the key is taken from the CSR", leaf.Subject)
	}
	if got := leaf.NotBefore; !got.Equal(r.clock.Now().Add(-time.Minute)) {
		t.Errorf("not backdated by a minute: %s", got)
	}
	if len(first.Chain) != 1 {
		t.Errorf("the chain has %d certificates, want the issuer alone", len(first.Chain))
	}

	r.clock.advance(16 * time.Hour)
	second, err := r.renew(first, newKey(t))
	check(t, err)
	if second.Predecessor != first.Serial {
		t.Errorf("predecessor %s, want %s", second.Predecessor, first.Serial)
	}
	revoked := r.act("TH20-SN1", identity.Revoke, "keyCompromise")
	if revoked.State != identity.Revoked {
		t.Errorf("state %s", revoked.State)
	}
	for _, c := range revoked.Certificates {
		if c.StatusNow != enroll.StatusRevoked {
			t.Errorf("certificate %s is %s: the whole lineage goes", c.Serial, c.StatusNow)
		}
	}
	if revoked.Certificates[0].Serial != second.Serial || revoked.Certificates[1].Serial != first.Serial {
		t.Error("certificates are not newest first")
	}

	var story []enroll.EventKind
	for _, event := range r.log() {
		if event.Device == "TH20-SN1" {
			story = append(story, event.Kind)
		}
	}
	want := []enroll.EventKind{
		enroll.DeviceEnrolled, enroll.CertificateIssued, enroll.CertificateIssued,
		enroll.CertificateRevoked, enroll.CertificateRevoked, enroll.DeviceRevoked,
	}
	if !slices.Equal(story, want) {
		t.Errorf("story %v, want %v", story, want)
	}
	if got, err := r.Order(t.Context(), r.admin, string(order.ID)); err != nil || got.Enrolled != 1 {
		t.Errorf("enrolled %d (%v), want 1", got.Enrolled, err)
	}
}

// What is on disk is enough: another process goes on where the first stopped.
func TestRestart(t *testing.T) {
	withKey := func(key *audit.Key) rigOption { return func(c *enroll.Config) { c.LogSigner = key } }
	signer := logKey(t, "log.touchmark.example")
	r := newRig(t, withKey(signer))
	order := r.order(1)
	ticket, key := r.ticket(order, "SN1"), newKey(t)
	first, err := r.enrol("SN1", ticket, key)
	check(t, err)
	before := len(r.log())

	again := newRigOn(t, r.store, r.path, r.issuer, withKey(signer))
	recalled, err := again.enrol("SN1", ticket, key)
	check(t, err)
	if !recalled.Recalled || recalled.Serial != first.Serial {
		t.Error("the answer was not recalled after a restart")
	}
	if got := len(again.log()); got != before {
		t.Errorf("%d events after the restart, %d before: nothing happened", got, before)
	}
}
