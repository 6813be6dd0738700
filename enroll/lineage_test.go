package enroll_test

import (
	"crypto"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// anew enrols a device once more, with another key, as an operator can alone.
func (r *rig) anew(serial string) (enroll.Issued, crypto.Signer) {
	r.tb.Helper()
	id := identity.NewDeviceID("TH20", identity.SerialNumber(serial))
	_, err := r.AllowReenrol(r.tb.Context(), r.admin, string(id), "")
	check(r.tb, err)
	order, err := r.Order(r.tb.Context(), r.admin, r.device(id).Order)
	check(r.tb, err)
	key := newKey(r.tb)
	issued, err := r.enrol(serial, r.ticket(order, serial), key)
	check(r.tb, err)
	return issued, key
}

func TestANewKeyDoesNotInheritADevicesGrants(t *testing.T) {
	r := newRig(t)
	first, key := r.enrolled("GW1")
	gateway := r.certified(first)
	granted := r.grant(gateway.ID(), "operator", "/berlin", time.Time{})
	reads := func(p identity.Principal) error {
		_, err := r.Device(t.Context(), p, string(first.Device))
		return err
	}
	check(t, reads(gateway))
	renewed, err := r.renew(first, key) // a renewal is the same lineage
	check(t, err)
	check(t, reads(r.certified(renewed)))

	second, _ := r.anew("GW1")
	anew := r.certified(second)
	wantCode(t, reads(anew), enroll.Forbidden)
	wantCode(t, reads(identity.Principal{Kind: identity.Certificate, Device: first.Device}), enroll.Forbidden)
	events := r.log()
	allowed := events[len(events)-1]
	for _, event := range events {
		if event.Kind == enroll.DeviceReenrolAllowed {
			allowed = event
		}
	}
	if allowed.Count != 1 {
		t.Errorf("the permission is told as %+v, want one grant that ends with it", allowed)
	}
	explained, err := r.Explain(t.Context(), r.admin, enroll.Question{As: gateway.ID(), Permission: "device.read", On: "/berlin"})
	check(t, err)
	if explained.Allowed || len(explained.Others) != 1 || explained.Others[0].Grant != string(granted.ID) || explained.Others[0].Why != "enrolled anew since" {
		t.Errorf("explained as %+v", explained)
	}
	if holds, err := r.Holdings(t.Context(), anew); err != nil || len(holds) != 0 {
		t.Errorf("it holds %+v, %v", holds, err)
	}
	again := r.grant(gateway.ID(), "operator", "/berlin", time.Time{})
	check(t, reads(anew))
	if again.Lineage == granted.Lineage || again.Lineage != second.Serial.String() {
		t.Errorf("the grants are for the lineages %s and %s", granted.Lineage, again.Lineage)
	}
}

func TestANewKeyIsNotTheStationThatWasNamed(t *testing.T) {
	r := newRig(t)
	first, _ := r.enrolled("GW1")
	id := r.certified(first).ID()
	order := r.order(5, func(o *enroll.NewOrder) { o.Stations = []string{id} })
	vouch := func(p identity.Principal, serial string) error {
		_, err := r.Issue(t.Context(), enroll.Request{
			Principal: p, Evidence: enroll.VouchEvidence{Order: order.ID, Serial: serial}, CSR: csr(t, newKey(t)),
		})
		return err
	}
	check(t, vouch(r.certified(first), "SN1"))
	second, _ := r.anew("GW1")
	station := r.certified(second)
	wantCode(t, vouch(station, "SN2"), enroll.NotFound)
	_, err := r.DrawClaimCode(t.Context(), station, "TH20-SN1", 0)
	wantCode(t, err, enroll.NotFound)

	// Whoever may not let devices in does not name it anew, even by what looks like no change.
	_, err = r.PutRole(t.Context(), r.admin, "planner", []string{"order.edit", "order.read", "device.read"})
	check(t, err)
	r.grant(person("ed").ID(), "planner", "/", time.Time{})
	edit := func(p identity.Principal) {
		edited, err := r.EditOrder(t.Context(), p, string(order.ID), enroll.OrderEdit{Stations: &[]string{id}})
		check(t, err)
		if ids := edited.StationIDs(); len(ids) != 1 || ids[0] != id {
			t.Errorf("the stations are %v", ids)
		}
	}
	edit(person("ed"))
	wantCode(t, vouch(station, "SN2"), enroll.NotFound)
	edit(r.admin)
	check(t, vouch(station, "SN2"))
}

func TestPowerIsGivenToEnrolledDevicesThatOneMayRead(t *testing.T) {
	r := newRig(t)
	r.enrolled("SN1") // in /berlin/line-3
	r.ticket(r.order(1), "SN2")
	gone, _ := r.enrolled("SN3")
	r.act(gone.Device, identity.Retire, "")
	r.fleet("/munich")
	boss := holding("boss", identity.Admin, "/munich")
	for name, c := range map[string]struct {
		by     identity.Principal
		device string
	}{
		"of another branch":    {boss, "TH20-SN1"},
		"that there is not":    {r.admin, "TH20-SN9"},
		"that is expected yet": {r.admin, "TH20-SN2"},
		"that was retired":     {r.admin, "TH20-SN3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.CreateGrant(t.Context(), c.by, enroll.NewGrant{For: "device:" + c.device, Role: "operator", Fleet: "/munich"})
			wantCode(t, err, enroll.BadRequest)
			_, err = r.CreateOrder(t.Context(), c.by, enroll.NewOrder{Fleet: "/munich", Model: "TH20", Quantity: 1, Stations: []string{"device:" + c.device}})
			wantCode(t, err, enroll.BadRequest)
		})
	}
	_, err := r.CreateOrder(t.Context(), r.admin, enroll.NewOrder{
		Fleet: "/munich", Model: "TH20", Quantity: 1, Stations: []string{"device:TH20-SN1#" + strings.Repeat("0", 40)},
	})
	wantCode(t, err, enroll.BadRequest)
}

func TestAGrantThatWaitsIsForTheKeyOfThen(t *testing.T) {
	r := newRig(t)
	first, _ := r.enrolled("GW1")
	id := r.certified(first).ID()
	r.say("/berlin", protected(policy.SubjectAuthority))
	ask := func() enroll.Approval {
		_, err := r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: id, Role: "operator", Fleet: "/berlin"})
		return waits(t, err)
	}
	asked := ask()
	r.anew("GW1")
	boss := holding("boss", identity.Admin, "/")
	_, err := r.Approve(t.Context(), boss, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
	again := ask()
	if again.ID == asked.ID {
		t.Error("the new key waits by the request for the old one")
	}
	_, err = r.Approve(t.Context(), boss, string(again.ID), "")
	check(t, err)
}

// What the version before gave noted no lineage. It counts for a device that was
// enrolled before it was given, and for no later enrolment.
func TestGrantsFromBeforeLineagesWereNoted(t *testing.T) {
	r := newRig(t)
	first, _ := r.enrolled("GW1")
	id := r.certified(first).ID()
	r.clock.advance(time.Minute)
	granted := r.grant(id, "operator", "/berlin", time.Time{})
	order := r.order(5, func(o *enroll.NewOrder) { o.Stations = []string{id} })
	forget := func() {
		check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
			old := granted.Grant
			old.Lineage = ""
			data, err := json.Marshal(old)
			check(t, err)
			o, err := tx.Order(order.ID)
			check(t, err)
			o.Stations = []string{id}
			for kind, key := range map[enroll.DocumentKind]string{
				enroll.GrantDocument: string(old.ID), enroll.GrantOfDocument: indexOf(id) + "/" + string(old.ID), enroll.GrantAtDocument: string(old.Fleet) + "/" + string(old.ID),
			} {
				check(t, tx.PutDocument(kind, key, data))
			}
			check(t, tx.PutDocument(enroll.RevisionDocument, "authority", []byte("before")))
			return tx.PutOrder(o)
		}))
	}
	forget()
	acts := func(p identity.Principal, serial string) (readErr, vouchErr error) {
		_, readErr = r.Device(t.Context(), p, string(first.Device))
		_, vouchErr = r.Issue(t.Context(), enroll.Request{
			Principal: p, Evidence: enroll.VouchEvidence{Order: order.ID, Serial: serial}, CSR: csr(t, newKey(t)),
		})
		return readErr, vouchErr
	}
	read, vouched := acts(r.certified(first), "SN1")
	check(t, read)
	check(t, vouched)
	second, _ := r.anew("GW1")
	read, vouched = acts(r.certified(second), "SN2")
	wantCode(t, read, enroll.Forbidden)
	wantCode(t, vouched, enroll.NotFound)
}
