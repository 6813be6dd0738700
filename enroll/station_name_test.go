package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A station that shows a certificate needs nothing but its name in an order, so that
// whoever may write orders alone would let devices in by naming one of their own.
func TestNamingAStationTakesThePowerToLetDevicesIn(t *testing.T) {
	r := newTokenRig(t)
	_, err := r.PutRole(t.Context(), r.admin, "planner", []string{"order.create", "order.edit", "order.read"})
	check(t, err)
	_, err = r.CreateGrant(t.Context(), r.admin, enroll.NewGrant{For: person("ed").ID(), Role: "planner", Fleet: "/berlin"})
	check(t, err)
	ed, operator := person("ed"), person("olga", "operator@/berlin")
	r.enrolled("SN1")
	r.enrolled("SN2")
	named := []string{"device:TH20-SN1"}
	write := func(p identity.Principal, stations ...string) error {
		_, err := r.EditOrder(t.Context(), p, string(r.berlin.ID), enroll.OrderEdit{Stations: &stations})
		return err
	}
	_, err = r.CreateOrder(t.Context(), ed, enroll.NewOrder{Fleet: "/berlin/line-3", Model: "GW", Quantity: 5, Stations: named})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.CreateOrder(t.Context(), ed, enroll.NewOrder{Fleet: "/berlin/line-3", Model: "GW", Quantity: 5})
	check(t, err)
	wantCode(t, write(ed, named...), enroll.Forbidden)
	check(t, write(operator, append(named, "device:TH20-SN2")...))
	check(t, write(ed, named...)) // fewer
	check(t, write(ed, named...))
	wantCode(t, write(ed, "device:TH20-SN2"), enroll.Forbidden)
}
