package enroll_test

import (
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A station of one order has no say over the devices of another: it neither
// takes them over nor learns how they stand, and none is flagged by it.
func TestStationStaysWithItsOrders(t *testing.T) {
	r := newRig(t)
	station := identity.Principal{
		Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "line-3",
		Grants: []identity.Grant{{Role: identity.Station, Fleet: identity.RootFleet}},
	}
	named := func(o *enroll.NewOrder) { o.Stations = []string{station.ID()} }
	mine, theirs := r.order(9, named), r.order(9, func(o *enroll.NewOrder) { o.Fleet = "/bern" })
	first, err := r.vouch(theirs, "SN1", newKey(t))
	check(t, err)
	vouch := func(order enroll.OrderInfo) error {
		_, err := r.Issue(t.Context(), enroll.Request{
			Principal: station, Evidence: enroll.VouchEvidence{Order: order.ID, Serial: "SN1"}, CSR: csr(t, newKey(t)),
		})
		return err
	}
	wantCode(t, vouch(mine), enroll.AlreadyEnrolled)
	_, err = r.AllowReenrol(t.Context(), r.admin, string(first.Device), "")
	check(t, err)
	wantCode(t, vouch(mine), enroll.AlreadyEnrolled)
	_, err = r.ActOnCertificate(t.Context(), r.admin, first.Serial.String(), identity.Revoke, "", "")
	check(t, err)
	wantCode(t, vouch(mine), enroll.AlreadyEnrolled)
	if d := r.device(first.Device); !d.CloneSuspectedAt.IsZero() || d.Issued != 1 {
		t.Errorf("the device of another order was touched: %+v", d)
	}
	// Where it is named on the device's own order too, it may.
	both := []string{station.ID()}
	_, err = r.EditOrder(t.Context(), r.admin, string(theirs.ID), enroll.OrderEdit{Stations: &both})
	check(t, err)
	check(t, vouch(mine))
}

// An operator of one branch draws no ticket for a device of another.
func TestTicketsStayInTheBranch(t *testing.T) {
	r := newRig(t)
	theirs := r.order(1, func(o *enroll.NewOrder) { o.Fleet = "/bern" })
	_, err := r.vouch(theirs, "SN1", newKey(t))
	check(t, err)
	operator := identity.Principal{
		Kind: identity.OIDC, Issuer: "https://idp.example", Subject: "oscar",
		Grants: []identity.Grant{{Role: identity.Operator, Fleet: "/berlin"}},
	}
	_, err = r.DrawTickets(t.Context(), operator, string(r.order(1).ID), []string{"SN1"})
	wantCode(t, err, enroll.AlreadyEnrolled)
}

// Whoever renewed in a loop, perhaps a thief, cannot keep the device from
// renewing once it was enrolled again.
func TestReenrolCuresALoop(t *testing.T) {
	r := newRig(t, func(c *enroll.Config) { c.Limits.Live = 12 })
	order := r.order(1)
	current, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	thief := newKey(t)
	for err == nil {
		var next enroll.Issued
		if next, err = r.renew(current, thief); err == nil {
			current = next
		}
	}
	wantCode(t, err, enroll.RateLimited)
	_, err = r.AllowReenrol(t.Context(), r.admin, string(current.Device), "")
	check(t, err)
	rebuilt, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	renewed, err := r.renew(rebuilt, newKey(t))
	check(t, err)
	if d := r.device(renewed.Device); len(d.Live) != 2 {
		t.Errorf("%d certificates are kept in the record, want the 2 that stand", len(d.Live))
	}
	// What was superseded is still told to be compromised where it was.
	r.act(renewed.Device, identity.Revoke, "keyCompromise")
	old, err := r.Certificate(t.Context(), r.admin, current.Serial.String())
	check(t, err)
	if old.Reason.String() != "keyCompromise" {
		t.Errorf("the thief's certificate is revoked for %s", old.Reason)
	}
}

// What stands in an order can be written in every format that tells of it.
func TestOrderBounds(t *testing.T) {
	far := time.Date(9999, 12, 31, 23, 59, 58, 0, time.FixedZone("", -24*3600+60))
	for name, change := range map[string]func(*enroll.NewOrder){
		"opens beyond the calendar":  func(o *enroll.NewOrder) { o.Opens = far },
		"closes beyond the calendar": func(o *enroll.NewOrder) { o.Closes = far },
		"opens before there were":    func(o *enroll.NewOrder) { o.Opens = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC) },
		"a station in control":       func(o *enroll.NewOrder) { o.Stations = []string{"device:\x1b[31m"} },
		"a station backwards":        func(o *enroll.NewOrder) { o.Stations = []string{"device:\u202eGW"} },
		"a station twice":            func(o *enroll.NewOrder) { o.Stations = []string{"device:GW-1", "device:GW-1"} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			asked := enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1}
			change(&asked)
			_, err := r.CreateOrder(t.Context(), r.admin, asked)
			wantCode(t, err, enroll.BadRequest)
		})
	}
}

// A page of the log is bounded by its size too, and goes on where it ended.
func TestAuditPartsAreBounded(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	serials := make([]string, 1000)
	for i := range serials {
		serials[i] = strings.Repeat("S", 40) + serialOf(i)
	}
	for range 40 {
		_, err := r.DrawTickets(t.Context(), r.admin, string(order.ID), serials)
		check(t, err)
	}
	whole, parts, page := 0, 0, enroll.Page{Limit: enroll.MaxPage}
	for {
		part, err := r.AuditLines(t.Context(), r.admin, page)
		check(t, err)
		size := 0
		for _, line := range part.Items {
			size += len(line)
		}
		if size > 4<<20 {
			t.Errorf("a part of %d bytes", size)
		}
		whole, parts = whole+len(part.Items), parts+1
		if page.After = part.Next; page.After == "" {
			break
		}
	}
	if whole != len(r.log()) || parts < 2 {
		t.Errorf("%d records in %d parts, the log has %d", whole, parts, len(r.log()))
	}
}
