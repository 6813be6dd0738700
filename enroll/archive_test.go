package enroll_test

import (
	"crypto/ecdsa"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/enroll/audit"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/store/bolt"
)

// Months of daily renewals: the store stops growing, and everything is found.
func TestMonthsOfRenewals(t *testing.T) {
	const devices, days = 12, 60
	r := newArchivedRig(t)
	current, keys := make([]enroll.Issued, devices), make([]*ecdsa.PrivateKey, devices)
	for i := range current {
		current[i], keys[i] = r.enrolledDevice(serialOf(i))
	}
	var checkpoints []audit.Checkpoint
	var most int
	for today := range days {
		r.clock.advance(16 * time.Hour)
		for i := range current {
			if today%3 == 0 {
				keys[i] = newKey(t)
			}
			current[i] = r.renewed(current[i], keys[i])
		}
		r.fill(8)
		r.archiveSmall()
		certificates, known, records := r.hot()
		if today%7 == 0 {
			checkpoints = append(checkpoints, r.checkpoint())
		}
		if today == 30 {
			most = certificates
			continue
		}
		if today > 30 && (certificates > most*6/5 || known > most || records > 1_600) {
			t.Fatalf("after %d renewals the store has %d certificates, %d keys and %d records", today, certificates, known, records)
		}
	}
	if certificates, _, _ := r.hot(); certificates >= len(r.issued)/2 {
		t.Errorf("%d of %d certificates are in the store", certificates, len(r.issued))
	}
	r.clock.advance(40 * day)
	r.archiveSmall()
	certificates, known, records := r.hot()
	if certificates != 0 || known != devices || records > 2*512 {
		t.Errorf("40 days later the store has %d certificates, %d keys of %d devices, and %d records", certificates, known, devices, records)
	}
	r.verify(checkpoints...)
	r.archiveSmall() // nothing is left to do
	files, err := filepath.Glob(filepath.Join(r.dir, "certificates", "*"))
	check(t, err)
	if len(files) > days {
		t.Errorf("%d files for %d days", len(files), days)
	}
}

// The same on a store that keeps what it is told.
func TestArchiveOnBolt(t *testing.T) {
	store, err := bolt.Open(t.Context(), bolt.Config{Path: filepath.Join(t.TempDir(), "touchmark.db")})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	r := newArchivedRigOn(t, strict{store}, t.TempDir(), newIssuer(t, nil))
	for i := range 3 {
		current, _ := r.enrolledDevice(serialOf(i))
		for range 3 {
			r.clock.advance(16 * time.Hour)
			current = r.renewed(current, newKey(t))
		}
	}
	r.fill(700)
	before := r.checkpoint()
	r.clock.advance(40 * day)
	r.archiveSmall()
	certificates, known, records := r.hot()
	if certificates != 0 || known != 3 || records > 512 {
		t.Errorf("the store has %d certificates, %d keys and %d records", certificates, known, records)
	}
	r.verify(before)
	current, _ := r.enrolledDevice("SN9")
	r.renewed(current, newKey(t))
	r.verify(before)
}

// gone is a device that went offline, with its certificates in the archive.
func gone(t *testing.T, options ...rigOption) (*archivedRig, enroll.Issued, *ecdsa.PrivateKey) {
	t.Helper()
	r := newArchivedRig(t, options...)
	first, key := r.enrolledDevice("SN1")
	r.clock.advance(16 * time.Hour)
	last := r.renewed(first, key)
	r.clock.advance(30 * day)
	r.archiveDue()
	for _, issued := range r.issued {
		if r.inStore(issued.Serial) {
			t.Fatalf("certificate %s is still in the store", issued.Serial)
		}
	}
	return r, last, key
}

// A device that was offline for a month is listed, shown, and judged as before.
func TestDeviceOfflineForAMonth(t *testing.T) {
	t.Run("it is listed and shown", func(t *testing.T) {
		r, last, _ := gone(t)
		list, err := r.Devices(t.Context(), r.admin, enroll.DeviceQuery{})
		check(t, err)
		if len(list.Items) != 1 || len(list.Items[0].Certificates) != 1 || list.Items[0].Certificates[0].Serial != last.Serial {
			t.Errorf("listed: %+v", list.Items)
		}
		d := r.device(last.Device)
		if len(d.Certificates) != 1 || d.Certificates[0].StatusNow != enroll.StatusExpired || !d.More {
			t.Errorf("shown: %+v, more: %v", d.Certificates, d.More)
		}
		r.verify()
	})
	t.Run("its certificate does not renew", func(t *testing.T) {
		r, last, _ := gone(t)
		_, err := r.renew(last, newKey(t))
		wantCode(t, err, enroll.Unauthenticated)
		if _, err = r.CertificatePrincipal(t.Context(), last.DER); err == nil {
			t.Error("it signs in with an expired certificate")
		}
	})
	t.Run("its key is its own", func(t *testing.T) {
		r, _, key := gone(t)
		order := r.order(1)
		_, err := r.vouch(order, "SN2", key)
		wantCode(t, err, enroll.KeyInUse)
	})
	t.Run("it is held and released", func(t *testing.T) {
		r, last, _ := gone(t)
		if d := r.act(last.Device, identity.Hold, ""); d.State != identity.Held || len(d.Certificates) != 1 {
			t.Errorf("%+v", d)
		}
		if d := r.act(last.Device, identity.Release, ""); d.State != identity.Active {
			t.Errorf("%+v", d)
		}
	})
	t.Run("it is revoked", func(t *testing.T) {
		r, last, _ := gone(t)
		if d := r.act(last.Device, identity.Revoke, "keyCompromise"); d.State != identity.Revoked {
			t.Errorf("%+v", d)
		}
		r.verify()
	})
	t.Run("it is enrolled again where an operator allows it", func(t *testing.T) {
		r, last, key := gone(t)
		order := r.order(1)
		_, err := r.vouch(order, "SN1", newKey(t))
		wantCode(t, err, enroll.CloneSuspected)
		_, err = r.vouch(order, "SN1", key)
		wantCode(t, err, enroll.AlreadyEnrolled)
		_, err = r.AllowReenrol(t.Context(), r.admin, string(last.Device), "")
		check(t, err)
		again, err := r.vouch(order, "SN1", newKey(t))
		check(t, err)
		if d := r.device(again.Device); len(d.Certificates) != 1 || d.Certificates[0].Serial != again.Serial {
			t.Errorf("%+v", d.Certificates)
		}
	})
}

// The enrolment of a device whose first certificate is in the archive is not
// recalled.
func TestRecallOfAnArchivedEnrolment(t *testing.T) {
	for _, test := range []struct {
		name   string
		revoke bool
		want   enroll.Code
	}{{"expired", false, enroll.AlreadyEnrolled}, {"revoked", true, enroll.WrongState}} {
		t.Run(test.name, func(t *testing.T) {
			r := newArchivedRig(t)
			order, key := r.order(1), newKey(t)
			ticket := r.ticket(order, "SN1")
			issued, err := r.enrol("SN1", ticket, key)
			check(t, err)
			if test.revoke {
				_, err := r.ActOnCertificate(t.Context(), r.admin, issued.Serial.String(), identity.Revoke, "superseded", "")
				check(t, err)
			}
			r.clock.advance(30 * day)
			_, err = r.enrol("SN1", ticket, key)
			wantCode(t, err, test.want)
			r.archiveDue()
			if r.inStore(issued.Serial) {
				t.Fatal("it was not archived")
			}
			_, err = r.enrol("SN1", ticket, key)
			wantCode(t, err, test.want)
		})
	}
}

// A certificate in the archive is seen by those who may see its device, and
// changed by nobody.
func TestCertificateInTheArchive(t *testing.T) {
	r := newArchivedRig(t)
	good, key := r.enrolledDevice("SN1")
	revoked := r.renewed(good, key)
	_, err := r.ActOnCertificate(t.Context(), r.admin, revoked.Serial.String(), identity.Revoke, "superseded", "")
	check(t, err)
	own := r.own()
	r.clock.advance(30 * day)
	r.archiveDue()
	r.verify()
	for name, test := range map[string]struct {
		c      enroll.Issued
		action identity.Action
		want   enroll.Code
	}{
		"revoking what expired":        {good, identity.Revoke, enroll.WrongState},
		"holding what expired":         {good, identity.Hold, enroll.WrongState},
		"revoking what is revoked":     {revoked, identity.Revoke, ""},
		"releasing what is revoked":    {revoked, identity.Release, enroll.WrongState},
		"releasing what is good":       {good, identity.Release, ""},
		"revoking Touchmark's own":     {own, identity.Revoke, enroll.WrongState},
		"revoking what is not there":   {enroll.Issued{Certificate: enroll.Certificate{Serial: between(good, revoked)}}, identity.Revoke, enroll.NotFound},
		"revoking what never was here": {enroll.Issued{Certificate: enroll.Certificate{Serial: [20]byte{0x40}}}, identity.Revoke, enroll.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.ActOnCertificate(t.Context(), r.admin, test.c.Serial.String(), test.action, "", "")
			if test.want == "" {
				check(t, err)
				return
			}
			wantCode(t, err, test.want)
		})
	}
	info, err := r.Certificate(t.Context(), r.admin, revoked.Serial.String())
	check(t, err)
	if info.StatusNow != enroll.StatusRevoked || info.RevokedAt.IsZero() || info.Reason.String() != "superseded" {
		t.Errorf("%+v", info)
	}
	elsewhere := r.admin
	elsewhere.Grants = []identity.Grant{{Role: identity.Admin, Fleet: "/hamburg"}}
	_, err = r.Certificate(t.Context(), elsewhere, good.Serial.String())
	wantCode(t, err, enroll.NotFound)
	_, err = r.ActOnCertificate(t.Context(), elsewhere, good.Serial.String(), identity.Revoke, "", "")
	wantCode(t, err, enroll.NotFound)
	auditor := r.admin
	auditor.Grants = []identity.Grant{{Role: identity.Auditor, Fleet: "/"}, {Role: identity.Security, Fleet: "/hamburg"}}
	_, err = r.ActOnCertificate(t.Context(), auditor, good.Serial.String(), identity.Revoke, "", "")
	wantCode(t, err, enroll.Forbidden)
}

// A lineage's cursor is good for its own device alone.
func TestLineageCursors(t *testing.T) {
	r, last, _ := gone(t)
	other, _ := r.enrolledDevice("SN2")
	for name, after := range map[string]string{
		"another device's":             "archive." + other.Serial.String(),
		"no serial number":             "archive.x",
		"what is nowhere":              "archive.40" + "00000000000000000000000000000000000000",
		"another list's":               "log.7",
		"another device's, in archive": "archive." + last.Serial.String(),
	} {
		device := string(last.Device)
		if name == "another device's, in archive" {
			device = string(other.Device)
		}
		t.Run(name, func(t *testing.T) {
			_, err := r.Certificates(t.Context(), r.admin, enroll.CertificateQuery{Device: device, Page: enroll.Page{After: after}})
			wantCode(t, err, enroll.BadRequest)
		})
	}
}

// Without its files nothing is answered wrongly, not unknown and not 404, and a list
// still shows every device.
func TestFilesThatAreMissing(t *testing.T) {
	r, last, _ := gone(t)
	r.fill(700)
	r.clock.advance(40 * day)
	r.archiveSmall()
	r.verify()
	store, issuer := r.store, r.issuer
	check(t, os.RemoveAll(r.dir))
	for name, options := range map[string][]rigOption{
		"the folder is empty": nil,
		"no archive at all":   {withArchive(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			again := newArchivedRigOn(t, store, t.TempDir(), issuer, options...)
			again.clock.now = r.clock.Now()
			for what, err := range map[string]error{
				"OCSP":        second(again.OCSPStatus(t.Context(), last.Serial)),
				"certificate": second(again.Certificate(t.Context(), again.admin, last.Serial.String())),
				"device":      second(again.Device(t.Context(), again.admin, string(last.Device))),
				"lineage":     second(again.Certificates(t.Context(), again.admin, enroll.CertificateQuery{Device: string(last.Device), Page: enroll.Page{After: "archive." + last.Serial.String()}})),
				"log":         second(again.AuditLines(t.Context(), again.admin, enroll.Page{})),
			} {
				if err == nil || enroll.AsRefusal(err).Code != enroll.Internal {
					t.Errorf("%s: error %v, want one that tells the client nothing", what, err)
				}
			}
			listed, err := again.Devices(t.Context(), again.admin, enroll.DeviceQuery{Query: string(last.Device)})
			if err != nil || len(listed.Items) != 1 || len(listed.Items[0].Certificates) != 0 {
				t.Errorf("devices: %+v, %v; want the one without its newest certificate", listed.Items, err)
			}
			if status, err := again.OCSPStatus(t.Context(), [20]byte{0x40, 0xff}); err != nil || status.Known {
				t.Errorf("what was never issued: %+v, %v", status, err)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }
