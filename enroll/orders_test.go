package enroll_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestOrderRefused(t *testing.T) {
	hour := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	tests := []struct {
		name, field string
		order       enroll.NewOrder
	}{
		{"no fleet", "fleet", enroll.NewOrder{Model: "TH20", Quantity: 1}},
		{"a fleet with dots", "fleet", enroll.NewOrder{Fleet: "/berlin/../line", Model: "TH20", Quantity: 1}},
		{"a fleet in upper case", "fleet", enroll.NewOrder{Fleet: "/Berlin", Model: "TH20", Quantity: 1}},
		{"a fleet that ends in a slash", "fleet", enroll.NewOrder{Fleet: "/berlin/", Model: "TH20", Quantity: 1}},
		{"a model with a hyphen", "model", enroll.NewOrder{Fleet: "/berlin", Model: "TH-20", Quantity: 1}},
		{"a long model", "model", enroll.NewOrder{Fleet: "/berlin", Model: strings.Repeat("M", 33), Quantity: 1}},
		{"no quantity", "quantity", enroll.NewOrder{Fleet: "/berlin", Model: "TH20"}},
		{"a negative quantity", "quantity", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: -1}},
		{"too large a quantity", "quantity", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: enroll.MaxQuantity + 1}},
		{"an unknown profile", "profile", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Profile: "other"}},
		{"closing as it opens", "closes", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Opens: hour, Closes: hour}},
		{"closing in the past", "closes", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Closes: hour.Add(-2 * time.Hour)}},
		{"a serial number twice", "serials[1]", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 2, Serials: []string{"A", "A"}}},
		{"a malformed serial number", "serials[0]", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 2, Serials: []string{"A B"}}},
		{"more serial numbers than devices", "serials", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Serials: []string{"A", "B"}}},
		{"an empty station", "stations[0]", enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Stations: []string{""}}},
	}
	r := newRig(t)
	before := len(r.log())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.CreateOrder(t.Context(), r.admin, test.order)
			wantCode(t, err, enroll.BadRequest)
			if got := enroll.AsRefusal(err).Field; got != test.field {
				t.Errorf("field %q, want %q", got, test.field)
			}
		})
	}
	if got := len(r.log()); got != before {
		t.Errorf("bad input wrote %d events", got-before)
	}
}

func TestOrderEdited(t *testing.T) {
	r := newRig(t)
	order := r.order(1)
	_, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	edit := func(change enroll.OrderEdit) (enroll.OrderInfo, error) {
		return r.EditOrder(t.Context(), r.admin, string(order.ID), change)
	}
	none, two := 0, 2
	_, err = edit(enroll.OrderEdit{Quantity: &none})
	wantCode(t, err, enroll.Conflict)
	got, err := edit(enroll.OrderEdit{Quantity: &two})
	check(t, err)
	if got.Quantity != 2 || got.Enrolled != 1 {
		t.Errorf("edited: %+v", got)
	}
	_, err = r.vouch(order, "SN2", newKey(t))
	check(t, err)
	_, err = r.CloseOrder(t.Context(), r.admin, string(order.ID))
	check(t, err)
	_, err = edit(enroll.OrderEdit{Quantity: &two})
	wantCode(t, err, enroll.OrderClosed)
	again, err := r.CloseOrder(t.Context(), r.admin, string(order.ID))
	check(t, err)
	if again.State != enroll.OrderEnded || r.count(enroll.OrderWasClosed) != 1 {
		t.Error("closing again should change nothing")
	}
}

func TestManifest(t *testing.T) {
	r := newRig(t)
	order := r.order(3, func(o *enroll.NewOrder) { o.Serials = []string{"SN1", "SN2"} })
	if d := r.device("TH20-SN1"); d.State != identity.Expected || d.FleetPath != "/berlin/line-3" {
		t.Errorf("on the manifest: %+v", d)
	}
	_, err := r.DrawTickets(t.Context(), r.admin, string(order.ID), []string{"SN1", "SN3"})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.enrol("SN1", r.ticket(order, "SN1"), newKey(t))
	check(t, err)
	_, err = r.CreateOrder(t.Context(), r.admin, enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Serials: []string{"SN1"}})
	wantCode(t, err, enroll.Conflict)
	// What an order did not make goes to another once it is closed.
	_, err = r.CloseOrder(t.Context(), r.admin, string(order.ID))
	check(t, err)
	_, err = r.vouch(r.order(1), "SN2", newKey(t))
	check(t, err)
}

func TestListsByBranch(t *testing.T) {
	r := newRig(t)
	for _, fleet := range []string{"/berlin/line-3", "/berlin/line-4", "/bern"} {
		order := r.order(1, func(o *enroll.NewOrder) { o.Fleet = fleet })
		_, err := r.vouch(order, strings.ReplaceAll(fleet[1:], "/", "."), newKey(t))
		check(t, err)
	}
	for fleet, want := range map[string]int{"": 3, "/": 3, "/berlin": 2, "/berlin/line-4": 1, "/bern": 1} {
		devices, err := r.Devices(t.Context(), r.admin, enroll.DeviceQuery{Fleet: fleet, Page: enroll.Page{Limit: 10}})
		check(t, err)
		orders, err := r.Orders(t.Context(), r.admin, enroll.OrderQuery{Fleet: fleet, Page: enroll.Page{Limit: 10}})
		check(t, err)
		if len(devices.Items) != want || len(orders.Items) != want {
			t.Errorf("%q: %d devices, %d orders, want %d", fleet, len(devices.Items), len(orders.Items), want)
		}
	}
	_, err := r.Devices(t.Context(), r.admin, enroll.DeviceQuery{Fleet: "/ber", Page: enroll.Page{Limit: 10}})
	wantCode(t, err, enroll.NotFound)
	_, err = r.Devices(t.Context(), r.admin, enroll.DeviceQuery{Page: enroll.Page{After: "nonsense", Limit: 10}})
	wantCode(t, err, enroll.BadRequest)
}

// Orders sort by age, so that a list goes from the oldest to the newest.
func TestOrdersSortByAge(t *testing.T) {
	r := newRig(t)
	var made []enroll.OrderID
	for range 50 {
		made = append(made, r.order(1).ID)
		r.clock.advance(37 * time.Minute)
	}
	if !slices.IsSorted(made) {
		t.Errorf("ids out of order: %v", made)
	}
}
