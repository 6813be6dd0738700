package enroll_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestEnrolmentRefused(t *testing.T) {
	tests := []struct {
		name string
		want enroll.Code
		try  func(t *testing.T, r *rig) error
	}{
		{"no evidence", enroll.Unauthenticated, func(t *testing.T, r *rig) error {
			_, err := r.Issue(t.Context(), enroll.Request{CSR: csr(t, newKey(t))})
			return err
		}},
		{"a ticket of another device", enroll.Unauthenticated, func(t *testing.T, r *rig) error {
			order := r.order(2)
			r.ticket(order, "SN2")
			_, err := r.enrol("SN2", r.ticket(order, "SN1"), newKey(t))
			return err
		}},
		{"a ticket drawn again", enroll.Unauthenticated, func(t *testing.T, r *rig) error {
			order := r.order(1)
			old := r.ticket(order, "SN1")
			r.ticket(order, "SN1")
			_, err := r.enrol("SN1", old, newKey(t))
			return err
		}},
		{"a label of another order", enroll.Unauthenticated, func(t *testing.T, r *rig) error {
			order, other := r.order(1), r.order(1)
			evidence := enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1"), Label: string(other.ID)}
			_, err := r.Issue(t.Context(), enroll.Request{Evidence: evidence, CSR: csr(t, newKey(t))})
			return err
		}},
		{"a full order", enroll.OrderFull, func(t *testing.T, r *rig) error {
			order := r.order(1)
			ticket := r.ticket(order, "SN2")
			_, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
			check(t, err)
			_, err = r.enrol("SN2", ticket, newKey(t))
			return err
		}},
		{"a closed order", enroll.OrderClosed, func(t *testing.T, r *rig) error {
			order := r.order(1)
			ticket := r.ticket(order, "SN1")
			_, err := r.CloseOrder(t.Context(), r.admin, string(order.ID))
			check(t, err)
			_, err = r.enrol("SN1", ticket, newKey(t))
			return err
		}},
		{"an order that is over", enroll.OrderClosed, func(t *testing.T, r *rig) error {
			order := r.order(1, func(o *enroll.NewOrder) { o.Closes = r.clock.Now().Add(time.Hour) })
			ticket := r.ticket(order, "SN1")
			r.clock.advance(time.Hour)
			_, err := r.enrol("SN1", ticket, newKey(t))
			return err
		}},
		{"an order that is not open yet", enroll.OrderClosed, func(t *testing.T, r *rig) error {
			order := r.order(1, func(o *enroll.NewOrder) { o.Opens = r.clock.Now().Add(time.Hour) })
			_, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
			return err
		}},
		{"a second key", enroll.CloneSuspected, func(t *testing.T, r *rig) error {
			order := r.order(1)
			ticket := r.ticket(order, "SN1")
			_, err := r.enrol("SN1", ticket, newKey(t))
			check(t, err)
			_, err = r.enrol("SN1", ticket, newKey(t))
			return err
		}},
		{"a second key with a new ticket", enroll.CloneSuspected, func(t *testing.T, r *rig) error {
			order := r.order(1)
			_, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
			check(t, err)
			_, err = r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
			return err
		}},
		{"the key of another device", enroll.KeyInUse, func(t *testing.T, r *rig) error {
			order, key := r.order(2), newKey(t)
			_, err := r.enrol("SN1", r.ticket(order, "SN1"), key)
			check(t, err)
			_, err = r.enrol("SN2", r.ticket(order, "SN2"), key)
			return err
		}},
		{"recall after a renewal", enroll.AlreadyEnrolled, func(t *testing.T, r *rig) error {
			order, key := r.order(1), newKey(t)
			ticket := r.ticket(order, "SN1")
			first, err := r.enrol("SN1", ticket, key)
			check(t, err)
			_, err = r.renew(first, key)
			check(t, err)
			_, err = r.enrol("SN1", ticket, key)
			return err
		}},
		{"recall after expiry", enroll.AlreadyEnrolled, func(t *testing.T, r *rig) error {
			order, key := r.order(1), newKey(t)
			ticket := r.ticket(order, "SN1")
			_, err := r.enrol("SN1", ticket, key)
			check(t, err)
			r.clock.advance(25 * time.Hour)
			_, err = r.enrol("SN1", ticket, key)
			return err
		}},
		{"recall of a held device", enroll.WrongState, func(t *testing.T, r *rig) error {
			order, key := r.order(1), newKey(t)
			ticket := r.ticket(order, "SN1")
			_, err := r.enrol("SN1", ticket, key)
			check(t, err)
			r.act("TH20-SN1", identity.Hold, "")
			_, err = r.enrol("SN1", ticket, key)
			return err
		}},
		{"recall of a revoked device", enroll.WrongState, func(t *testing.T, r *rig) error {
			order, key := r.order(1), newKey(t)
			ticket := r.ticket(order, "SN1")
			_, err := r.enrol("SN1", ticket, key)
			check(t, err)
			r.act("TH20-SN1", identity.Revoke, "")
			_, err = r.enrol("SN1", ticket, key)
			return err
		}},
		{"recall of a certificate revoked alone", enroll.WrongState, func(t *testing.T, r *rig) error {
			order, key := r.order(1), newKey(t)
			ticket := r.ticket(order, "SN1")
			first, err := r.enrol("SN1", ticket, key)
			check(t, err)
			_, err = r.ActOnCertificate(t.Context(), r.admin, first.Serial.String(), identity.Revoke, "", "")
			check(t, err)
			_, err = r.enrol("SN1", ticket, key)
			return err
		}},
		{"a device revoked before it was made", enroll.Unauthenticated, func(t *testing.T, r *rig) error {
			order := r.order(1)
			ticket := r.ticket(order, "SN1")
			r.act("TH20-SN1", identity.Revoke, "")
			_, err := r.enrol("SN1", ticket, newKey(t))
			return err
		}},
		{"a serial number that is not on the manifest", enroll.Forbidden, func(t *testing.T, r *rig) error {
			order := r.order(2, func(o *enroll.NewOrder) { o.Serials = []string{"SN1"} })
			_, err := r.vouch(order, "SN2", newKey(t))
			return err
		}},
		{"a device that another open order expects", enroll.Conflict, func(t *testing.T, r *rig) error {
			r.order(2, func(o *enroll.NewOrder) { o.Serials = []string{"SN1"} })
			_, err := r.vouch(r.order(1), "SN1", newKey(t))
			return err
		}},
		{"a weak RSA key", enroll.WeakKey, func(t *testing.T, r *rig) error {
			weak, err := rsa.GenerateKey(rand.Reader, 1024)
			check(t, err)
			order := r.order(1)
			_, err = r.enrol("SN1", r.ticket(order, "SN1"), weak)
			return err
		}},
		{"a curve that is not taken", enroll.WeakKey, func(t *testing.T, r *rig) error {
			key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
			check(t, err)
			order := r.order(1)
			_, err = r.enrol("SN1", r.ticket(order, "SN1"), key)
			return err
		}},
		{"a CSR signed by another key", enroll.BadCSR, func(t *testing.T, r *rig) error {
			order := r.order(1)
			request := csr(t, newKey(t))
			request[len(request)-1] ^= 1
			_, err := r.Issue(t.Context(), enroll.Request{
				Evidence: enroll.TicketEvidence{User: "SN1", Secret: r.ticket(order, "SN1")}, CSR: request,
			})
			return err
		}},
		{"a bad CSR of nobody", enroll.Unauthenticated, func(t *testing.T, r *rig) error {
			_, err := r.Issue(t.Context(), enroll.Request{
				Evidence: enroll.TicketEvidence{User: "SN1", Secret: "guess"}, CSR: []byte("nothing"),
			})
			return err
		}},
		{"a person's word", enroll.Forbidden, func(t *testing.T, r *rig) error {
			_, err := r.Issue(t.Context(), enroll.Request{
				Principal: r.admin, Evidence: enroll.VouchEvidence{Order: r.order(1).ID, Serial: "SN1"}, CSR: csr(t, newKey(t)),
			})
			return err
		}},
		{"a malformed serial number", enroll.BadRequest, func(t *testing.T, r *rig) error {
			_, err := r.vouch(r.order(1), "SN/1", newKey(t))
			return err
		}},
		{"an unknown order", enroll.NotFound, func(t *testing.T, r *rig) error {
			_, err := r.vouch(enroll.OrderInfo{Order: enroll.Order{ID: "none"}}, "SN1", newKey(t))
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			wantCode(t, test.try(t, r), test.want)
			r.log()
		})
	}
}

// A refusal of a caller who proved who it is stands in the log and is counted in
// its order; nothing else changes.
func TestRefusalRecorded(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	ticket := r.ticket(order, "SN1")
	_, err := r.enrol("SN1", ticket, newKey(t))
	check(t, err)
	_, err = r.enrol("SN1", ticket, newKey(t))
	wantCode(t, err, enroll.CloneSuspected)
	if n := r.count(enroll.CloneWasSuspected); n != 1 {
		t.Errorf("%d events of the suspicion, want 1", n)
	}
	if d := r.device("TH20-SN1"); d.CloneSuspectedAt.IsZero() || d.State != identity.Active || len(d.Certificates) != 1 {
		t.Errorf("the device should be flagged and otherwise as it was: %+v", d)
	}
	got, err := r.Order(t.Context(), r.admin, string(order.ID))
	check(t, err)
	if got.Refused[enroll.CloneSuspected] != 1 || got.Enrolled != 1 {
		t.Errorf("refused %v, enrolled %d", got.Refused, got.Enrolled)
	}
}

func TestRecall(t *testing.T) {
	r := newRig(t)
	order, key := r.order(1), newKey(t)
	ticket := r.ticket(order, "SN1")
	first, err := r.enrol("SN1", ticket, key)
	check(t, err)
	_, err = r.CloseOrder(t.Context(), r.admin, string(order.ID))
	check(t, err)
	again, err := r.enrol("SN1", ticket, key)
	check(t, err)
	if !again.Recalled || again.Serial != first.Serial {
		t.Errorf("an answer that was lost is given again, also after the order closed: %+v", again.Certificate)
	}
	if got, _ := r.Order(t.Context(), r.admin, string(order.ID)); got.Enrolled != 1 {
		t.Errorf("a retry cost quota: %d enrolled", got.Enrolled)
	}
}

func TestReenrol(t *testing.T) {
	setUp := func(t *testing.T) (*rig, enroll.OrderInfo, enroll.Issued) {
		r := newRig(t)
		order := r.order(1)
		first, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
		check(t, err)
		_, err = r.AllowReenrol(t.Context(), r.admin, "TH20-SN1", "flash was wiped")
		check(t, err)
		return r, order, first
	}
	t.Run("once, without quota, and the old lineage ends", func(t *testing.T) {
		r, order, first := setUp(t)
		key := newKey(t)
		ticket := r.ticket(order, "SN1")
		second, err := r.enrol("SN1", ticket, key)
		check(t, err)
		if !second.Predecessor.IsZero() {
			t.Error("a new lineage has no predecessor")
		}
		old, err := r.Certificate(t.Context(), r.admin, first.Serial.String())
		check(t, err)
		if old.Status != enroll.StatusRevoked || old.Reason.String() != "superseded" {
			t.Errorf("the old certificate is %s (%s)", old.Status, old.Reason)
		}
		again, err := r.enrol("SN1", ticket, key)
		check(t, err)
		if again.Serial != second.Serial {
			t.Error("a retry was not recalled")
		}
		_, err = r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
		wantCode(t, err, enroll.CloneSuspected)
	})
	t.Run("by a station", func(t *testing.T) {
		r, order, _ := setUp(t)
		_, err := r.vouch(order, "SN1", newKey(t))
		check(t, err)
	})
	t.Run("not with the old ticket", func(t *testing.T) {
		r := newRig(t)
		order := r.order(1)
		ticket := r.ticket(order, "SN1")
		_, err := r.enrol("SN1", ticket, newKey(t))
		check(t, err)
		_, err = r.AllowReenrol(t.Context(), r.admin, "TH20-SN1", "")
		check(t, err)
		_, err = r.enrol("SN1", ticket, newKey(t))
		wantCode(t, err, enroll.CloneSuspected)
	})
	t.Run("not after 24 hours", func(t *testing.T) {
		r, order, _ := setUp(t)
		r.clock.advance(24 * time.Hour)
		_, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
		wantCode(t, err, enroll.CloneSuspected)
	})
	t.Run("the old key renews until then", func(t *testing.T) {
		r, order, first := setUp(t)
		renewed, err := r.renew(first, newKey(t))
		check(t, err)
		_, err = r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
		check(t, err)
		_, err = r.renew(renewed, newKey(t))
		wantCode(t, err, enroll.WrongState)
	})
	t.Run("a certificate revoked alone needs new evidence only", func(t *testing.T) {
		r := newRig(t)
		order := r.order(1)
		first, err := r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
		check(t, err)
		_, err = r.ActOnCertificate(t.Context(), r.admin, first.Serial.String(), identity.Revoke, "keyCompromise", "")
		check(t, err)
		if d := r.device("TH20-SN1"); d.State != identity.Active {
			t.Fatalf("the device is %s", d.State)
		}
		_, err = r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
		check(t, err)
	})
}

func TestStations(t *testing.T) {
	r := newRig(t)
	station := identity.Principal{
		Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "line-3",
		Grants: []identity.Grant{{Role: identity.Station, Fleet: identity.RootFleet}},
	}
	gateway, _ := r.enrolled("GW1")
	certified, err := r.CertificatePrincipal(t.Context(), gateway.DER)
	check(t, err)
	named := r.order(2, func(o *enroll.NewOrder) { o.Stations = []string{station.ID(), certified.ID()} })
	other := r.order(2)
	vouch := func(p identity.Principal, order enroll.OrderInfo, serial string) error {
		_, err := r.Issue(t.Context(), enroll.Request{
			Principal: p, Evidence: enroll.VouchEvidence{Order: order.ID, Serial: serial}, CSR: csr(t, newKey(t)),
		})
		return err
	}
	check(t, vouch(station, named, "SN1"))
	check(t, vouch(certified, named, "SN2"))
	wantCode(t, vouch(station, other, "SN3"), enroll.NotFound)
	wantCode(t, vouch(certified, other, "SN3"), enroll.NotFound)
	roleless := station
	roleless.Grants = nil
	wantCode(t, vouch(roleless, named, "SN3"), enroll.Forbidden)
	r.act("TH20-GW1", identity.Hold, "")
	_, err = r.CertificatePrincipal(t.Context(), gateway.DER)
	wantCode(t, err, enroll.Unauthenticated)
}

func TestGuessesAreLockedOut(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	ticket := r.ticket(order, "SN1")
	for range 10 {
		_, err := r.enrol("SN1", "guess", newKey(t))
		wantCode(t, err, enroll.Unauthenticated)
	}
	_, err := r.enrol("SN1", ticket, newKey(t))
	wantCode(t, err, enroll.RateLimited)
	_, err = r.Issue(t.Context(), enroll.Request{
		Evidence: enroll.TicketEvidence{User: "SN1", Secret: ticket}, CSR: csr(t, newKey(t)), Source: "198.51.100.9",
	})
	check(t, err) // from elsewhere nobody is locked out, and the ticket was not spent
	if n := r.count(enroll.RequestRefused); n != 0 {
		t.Errorf("%d refusals of nobody in the log, one by one", n)
	}
}
