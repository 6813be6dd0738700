package enroll_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// revokedIn returns the entries of the CRL that a certificate names, after it
// was published.
func (r *rig) revokedIn(c enroll.Issued) []x509.RevocationListEntry {
	r.tb.Helper()
	return r.crlOf(c).RevokedCertificateEntries
}

// crlOf is the CRL that speaks for a certificate.
func (r *rig) crlOf(c enroll.Issued) *x509.RevocationList {
	r.tb.Helper()
	der, _, err := r.CRL(r.tb.Context(), c.Issuer, string(c.Shard))
	check(r.tb, err)
	crl, err := x509.ParseRevocationList(der)
	check(r.tb, err)
	check(r.tb, crl.CheckSignatureFrom(r.issuer.Certificate()))
	return crl
}

func TestActions(t *testing.T) {
	type step struct {
		action identity.Action
		reason string
		want   enroll.Code // empty: done
		state  identity.State
		status enroll.Status
		says   string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"hold and release", []step{
			{identity.Hold, "", "", identity.Held, enroll.StatusHeld, "certificateHold"},
			{identity.Hold, "certificateHold", "", identity.Held, enroll.StatusHeld, "certificateHold"},
			{identity.Release, "", "", identity.Active, enroll.StatusGood, "unspecified"},
			{identity.Release, "", "", identity.Active, enroll.StatusGood, "unspecified"},
		}},
		{"revoke is final", []step{
			{identity.Revoke, "superseded", "", identity.Revoked, enroll.StatusRevoked, "superseded"},
			{identity.Revoke, "affiliationChanged", "", identity.Revoked, enroll.StatusRevoked, "superseded"},
			{identity.Revoke, "keyCompromise", "", identity.Revoked, enroll.StatusRevoked, "keyCompromise"},
			{identity.Revoke, "superseded", "", identity.Revoked, enroll.StatusRevoked, "keyCompromise"},
			{identity.Hold, "", enroll.WrongState, identity.Revoked, enroll.StatusRevoked, "keyCompromise"},
			{identity.Release, "", enroll.WrongState, identity.Revoked, enroll.StatusRevoked, "keyCompromise"},
			{identity.Retire, "", enroll.WrongState, identity.Revoked, enroll.StatusRevoked, "keyCompromise"},
		}},
		{"retire", []step{
			{identity.Retire, "", "", identity.Retired, enroll.StatusRevoked, "cessationOfOperation"},
			{identity.Retire, "", "", identity.Retired, enroll.StatusRevoked, "cessationOfOperation"},
			{identity.Revoke, "superseded", enroll.WrongState, identity.Retired, enroll.StatusRevoked, "cessationOfOperation"},
			{identity.Revoke, "keyCompromise", "", identity.Revoked, enroll.StatusRevoked, "keyCompromise"},
		}},
		{"revoke what is held", []step{
			{identity.Hold, "", "", identity.Held, enroll.StatusHeld, "certificateHold"},
			{identity.Revoke, "privilegeWithdrawn", "", identity.Revoked, enroll.StatusRevoked, "privilegeWithdrawn"},
		}},
		{"reasons that do not fit", []step{
			{identity.Revoke, "certificateHold", enroll.BadRequest, identity.Active, enroll.StatusGood, "unspecified"},
			{identity.Revoke, "removeFromCRL", enroll.BadRequest, identity.Active, enroll.StatusGood, "unspecified"},
			{identity.Revoke, "cACompromise", enroll.BadRequest, identity.Active, enroll.StatusGood, "unspecified"},
			{identity.Revoke, "because", enroll.BadRequest, identity.Active, enroll.StatusGood, "unspecified"},
			{identity.Hold, "superseded", enroll.BadRequest, identity.Active, enroll.StatusGood, "unspecified"},
			{identity.Release, "superseded", enroll.BadRequest, identity.Active, enroll.StatusGood, "unspecified"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			current, _ := r.enrolled("SN1")
			told := 0
			r.OnWithdrawn(func(...ca.Serial) { told++ })
			for i, step := range test.steps {
				before, events := r.device(current.Device), len(r.log())
				toldBefore := told
				_, err := r.Act(t.Context(), r.admin, string(current.Device), step.action, step.reason, "")
				if step.want != "" {
					wantCode(t, err, step.want)
				} else {
					check(t, err)
				}
				d := r.device(current.Device)
				c := d.Certificates[0]
				if d.State != step.state || c.Status != step.status || c.Reason.String() != step.says {
					t.Fatalf("step %d: %s, %s, %s", i, d.State, c.Status, c.Reason)
				}
				if changed := before.Version != d.Version; changed != (told > toldBefore) || changed != (len(r.log()) > events) {
					t.Errorf("step %d: changed %v, told %v, %d new events", i, changed, told > toldBefore, len(r.log())-events)
				}
			}
		})
	}
}

func TestCRLSaysWhatWasDone(t *testing.T) {
	r := newRig(t)
	order := r.order(2)
	bad, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	_, err = r.vouch(order, "SN2", newKey(t))
	check(t, err)
	if n := len(r.revokedIn(bad)); n != 0 {
		t.Fatalf("%d entries in the first CRL", n)
	}
	r.act(bad.Device, identity.Hold, "")
	r.publish()
	if entries := r.revokedIn(bad); len(entries) != 1 || entries[0].ReasonCode != int(ca.CertificateHold) {
		t.Fatalf("held: %+v", entries)
	}
	r.act(bad.Device, identity.Release, "")
	r.publish()
	if n := len(r.revokedIn(bad)); n != 0 {
		t.Fatalf("%d entries after the release", n)
	}
	r.act(bad.Device, identity.Revoke, "keyCompromise")
	r.publish()
	entries := r.revokedIn(bad)
	if len(entries) != 1 || entries[0].SerialNumber.Cmp(bad.Serial.Int()) != 0 || entries[0].ReasonCode != int(ca.KeyCompromise) {
		t.Fatalf("revoked: %+v", entries)
	}
}

// Entries stay until one CRL after expiry, shards until that CRL has run out.
func TestCRLForgets(t *testing.T) {
	r := newRig(t)
	current, _ := r.enrolled("SN1")
	r.act(current.Device, identity.Revoke, "")
	r.publish()
	number := func() int64 {
		der, _, err := r.CRL(t.Context(), current.Issuer, string(current.Shard))
		check(t, err)
		crl, err := x509.ParseRevocationList(der)
		check(t, err)
		return crl.Number.Int64()
	}
	before := number()
	r.clock.advance(13 * time.Hour)
	r.publish()
	if number() != before+1 || len(r.revokedIn(current)) != 1 {
		t.Fatal("a CRL past half its time is signed again, with its entries")
	}
	r.clock.advance(13 * time.Hour) // expired; this CRL is the one after
	r.publish()
	if len(r.revokedIn(current)) != 1 {
		t.Fatal("the entry is missing from the CRL after expiry")
	}
	r.clock.advance(13 * time.Hour)
	r.publish()
	if len(r.revokedIn(current)) != 0 {
		t.Fatal("the entry is still there")
	}
	for range 6 {
		r.clock.advance(13 * time.Hour)
		r.publish()
	}
	_, _, err := r.CRL(t.Context(), current.Issuer, string(current.Shard))
	wantCode(t, err, enroll.NotFound)
}

func TestKeyCompromiseTakesEveryCertificateOfTheKey(t *testing.T) {
	r := newRig(t)
	first, key := r.enrolled("SN1")
	second, err := r.renew(first, key)
	check(t, err)
	third, err := r.renew(second, newKey(t))
	check(t, err)
	_, err = r.ActOnCertificate(t.Context(), r.admin, first.Serial.String(), identity.Revoke, "keyCompromise", "")
	check(t, err)
	want := map[string]enroll.Status{
		first.Serial.String(): enroll.StatusRevoked, second.Serial.String(): enroll.StatusRevoked, third.Serial.String(): enroll.StatusGood,
	}
	for _, c := range r.device(first.Device).Certificates {
		if c.Status != want[c.Serial.String()] {
			t.Errorf("%s is %s", c.Serial, c.Status)
		}
	}
}

// A certificate that was held by itself is not released with its device.
func TestHeldAlone(t *testing.T) {
	r := newRig(t)
	current, _ := r.enrolled("SN1")
	serial := current.Serial.String()
	_, err := r.ActOnCertificate(t.Context(), r.admin, serial, identity.Hold, "", "")
	check(t, err)
	r.act(current.Device, identity.Hold, "")
	_, err = r.ActOnCertificate(t.Context(), r.admin, serial, identity.Release, "", "")
	wantCode(t, err, enroll.WrongState)
	if d := r.act(current.Device, identity.Release, ""); d.Certificates[0].Status != enroll.StatusHeld {
		t.Errorf("the certificate is %s", d.Certificates[0].Status)
	}
	_, err = r.ActOnCertificate(t.Context(), r.admin, serial, identity.Release, "", "")
	check(t, err)
	if d := r.device(current.Device); d.Certificates[0].Status != enroll.StatusGood {
		t.Errorf("the certificate is %s", d.Certificates[0].Status)
	}
}

// Revoked outranks expired; held and good ones expire.
func TestStatusAfterExpiry(t *testing.T) {
	r := newRig(t)
	good, _ := r.enrolled("SN1")
	revoked, _ := r.enrolled("SN2")
	r.act(revoked.Device, identity.Revoke, "")
	r.clock.advance(25 * time.Hour)
	for serial, want := range map[ca.Serial]enroll.Status{good.Serial: enroll.StatusExpired, revoked.Serial: enroll.StatusRevoked} {
		c, err := r.Certificate(t.Context(), r.admin, serial.String())
		check(t, err)
		if c.StatusNow != want {
			t.Errorf("%s, want %s", c.StatusNow, want)
		}
	}
}

// A device whose certificates rely on expiry alone is in no CRL, and its renewal
// stops all the same.
func TestNoRevAvail(t *testing.T) {
	r := newRig(t)
	order := r.order(1, func(o *enroll.NewOrder) { o.Profile = "unrevocable" })
	current, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	if current.Shard != "" {
		t.Errorf("shard %s", current.Shard)
	}
	r.act(current.Device, identity.Revoke, "")
	_, err = r.renew(current, newKey(t))
	wantCode(t, err, enroll.WrongState)
}
