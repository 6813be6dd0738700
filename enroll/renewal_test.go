package enroll_test

import (
	"crypto/ecdsa"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestRenewalRefused(t *testing.T) {
	tests := []struct {
		name string
		want enroll.Code
		try  func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error
	}{
		{"expired", enroll.Unauthenticated, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			r.clock.advance(24*time.Hour + time.Second)
			_, err := r.renew(current, key)
			return err
		}},
		{"of a held device", enroll.WrongState, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			r.act(current.Device, identity.Hold, "")
			_, err := r.renew(current, key)
			return err
		}},
		{"of a revoked device", enroll.WrongState, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			r.act(current.Device, identity.Revoke, "")
			_, err := r.renew(current, key)
			return err
		}},
		{"revoked alone", enroll.WrongState, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			_, err := r.ActOnCertificate(r.tb.Context(), r.admin, current.Serial.String(), identity.Revoke, "", "")
			check(r.tb, err)
			_, err = r.renew(current, key)
			return err
		}},
		{"changed by one bit", enroll.Unauthenticated, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			current.DER = append([]byte(nil), current.DER...)
			current.DER[len(current.DER)-1] ^= 1
			_, err := r.renew(current, key)
			return err
		}},
		{"of another CA", enroll.Unauthenticated, func(r *rig, _ enroll.Issued, key *ecdsa.PrivateKey) error {
			foreign, _ := newRig(r.tb).enrolled("SN1")
			_, err := r.renew(foreign, key)
			return err
		}},
		{"garbage", enroll.Unauthenticated, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			current.DER = []byte("garbage")
			_, err := r.renew(current, key)
			return err
		}},
		{"with the key of another device", enroll.KeyInUse, func(r *rig, current enroll.Issued, _ *ecdsa.PrivateKey) error {
			_, theirs := r.enrolled("SN2")
			_, err := r.renew(current, theirs)
			return err
		}},
		{"with a compromised key", enroll.WeakKey, func(r *rig, current enroll.Issued, old *ecdsa.PrivateKey) error {
			renewed, err := r.renew(current, newKey(r.tb))
			check(r.tb, err)
			_, err = r.ActOnCertificate(r.tb.Context(), r.admin, current.Serial.String(), identity.Revoke, "keyCompromise", "")
			check(r.tb, err)
			_, err = r.renew(renewed, old)
			return err
		}},
		{"a fork by another key", enroll.CloneSuspected, func(r *rig, current enroll.Issued, _ *ecdsa.PrivateKey) error {
			_, err := r.renew(current, newKey(r.tb))
			check(r.tb, err)
			_, err = r.renew(current, newKey(r.tb))
			return err
		}},
		{"no longer the newest", enroll.CloneSuspected, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			second, err := r.renew(current, key)
			check(r.tb, err)
			_, err = r.renew(second, key)
			check(r.tb, err)
			_, err = r.renew(current, key)
			return err
		}},
		{"in a loop", enroll.RateLimited, func(r *rig, current enroll.Issued, key *ecdsa.PrivateKey) error {
			var err error
			for range 11 {
				current, err = r.renew(current, key)
				check(r.tb, err)
			}
			_, err = r.renew(current, key)
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, func(c *enroll.Config) { c.Limits.Live = 12 })
			current, key := r.enrolled("SN1")
			wantCode(t, test.try(r, current, key), test.want)
			r.log()
		})
	}
}

func TestRenewalRecalled(t *testing.T) {
	r := newRig(t)
	current, key := r.enrolled("SN1")
	lost, err := r.renew(current, key)
	check(t, err)
	again, err := r.renew(current, key)
	check(t, err)
	if !again.Recalled || again.Serial != lost.Serial {
		t.Error("a lost answer was not given again")
	}
	r.act(current.Device, identity.Hold, "")
	_, err = r.renew(current, key)
	wantCode(t, err, enroll.WrongState)
	r.act(current.Device, identity.Release, "")
	again, err = r.renew(current, key)
	check(t, err)
	if again.Serial != lost.Serial {
		t.Error("after the release the answer stands again")
	}
}

// A fork is recorded and flagged, and the rightful lineage goes on.
func TestFork(t *testing.T) {
	r := newRig(t)
	current, _ := r.enrolled("SN1")
	mine, err := r.renew(current, newKey(t))
	check(t, err)
	_, err = r.renew(current, newKey(t))
	wantCode(t, err, enroll.CloneSuspected)
	if n := r.count(enroll.RenewalForked); n != 1 {
		t.Errorf("%d events of the fork, want 1", n)
	}
	if d := r.device(current.Device); d.ForkedAt.IsZero() || len(d.Certificates) != 2 {
		t.Errorf("the device should be flagged: %+v", d)
	}
	_, err = r.renew(mine, newKey(t))
	check(t, err)
}

// Devices renew for years, and their records stay small.
func TestRenewalForYears(t *testing.T) {
	r := newRig(t)
	current, key := r.enrolled("SN1")
	for range 400 {
		r.clock.advance(16 * time.Hour)
		var err error
		current, err = r.renew(current, key)
		check(t, err)
	}
	d := r.device(current.Device)
	if len(d.Live) > 2 {
		t.Errorf("%d certificates are kept in the record; only unexpired ones should be", len(d.Live))
	}
	if d.Issued != 401 || !d.More {
		t.Errorf("issued %d, more %v", d.Issued, d.More)
	}
}
