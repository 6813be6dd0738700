package rest_test

import (
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// TestOnlyNullIsNoTime has the first and the last times that a request may name.
func TestOnlyNullIsNoTime(t *testing.T) {
	r := newRig(t)
	order := r.call("operator", "POST", "/api/v1/orders", m{
		"fleet": "/berlin", "model": "TH20", "quantity": 1, "opens": "2000-01-01T00:00:00Z", "closes": "9998-12-31T23:59:59Z",
	}).want(t, 201)
	path := "/api/v1/orders/" + order["id"].(string)
	for _, edit := range []struct {
		body m
		want any
	}{
		{m{"closes": nil}, nil},
		{m{"closes": "9998-12-31T23:59:59Z"}, "9998-12-31T23:59:59Z"},
		{m{}, "9998-12-31T23:59:59Z"},
	} {
		if got := r.call("operator", "PATCH", path, edit.body).want(t, 200)["closes"]; got != edit.want {
			t.Errorf("%v: closes %v, want %v", edit.body, got, edit.want)
		}
	}
	none := r.call("operator", "POST", "/api/v1/orders", m{"fleet": "/berlin", "model": "TH20", "quantity": 1, "closes": nil}).want(t, 201)
	if none["closes"] != nil {
		t.Errorf("closes %v", none["closes"])
	}
	r.call("auditor", "GET", "/api/v1/devices?expiring_before=9998-12-31T23:59:59Z", nil).want(t, 200)
	r.call("auditor", "GET", "/api/v1/certificates?expiring_after=2000-01-01T00:00:00Z", nil).want(t, 200)
}

// TestTimesBeyondReachAreTold has an order from before requests were checked.
func TestTimesBeyondReachAreTold(t *testing.T) {
	r := newRig(t)
	id := r.order()
	for name, c := range map[string]struct {
		opens time.Time
		want  any
	}{
		"beyond 9999": {time.Date(10000, 1, 1, 23, 58, 58, 0, time.UTC), "9999-12-31T23:59:59Z"},
		"before 0":    {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "0000-01-01T00:00:00Z"},
		"the last":    {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "9999-12-31T23:59:59Z"},
	} {
		t.Run(name, func(t *testing.T) {
			must0(t, r.Store.Update(t.Context(), func(tx enroll.Tx) error {
				order, err := tx.Order(enroll.OrderID(id))
				if err != nil {
					return err
				}
				order.Opens = c.opens
				return tx.PutOrder(order)
			}))
			if got := r.call("auditor", "GET", "/api/v1/orders/"+id, nil).want(t, 200)["opens"]; got != c.want {
				t.Errorf("opens %v, want %v", got, c.want)
			}
		})
	}
}
