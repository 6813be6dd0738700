package enroll_test

import (
	"slices"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// Who may say who owns a device does not come to hold it that way.
func TestNobodyAssignsThemselvesWhatTheyDoNotHold(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	id := string(issued.Device)
	operator := holding("olga", identity.Operator, "/berlin")
	operator.Groups = []string{"line"}
	token := identity.Principal{Kind: identity.ScopedToken, Token: "t1", Maker: r.admin.ID(), Grants: r.admin.Grants}
	for name, try := range map[string]func() error{
		"oneself": func() error {
			_, err := r.AssignOwner(t.Context(), operator, id, enroll.NewOwner{User: ptr(operator.ID())})
			return err
		},
		"one's group": func() error {
			_, err := r.AssignOwner(t.Context(), operator, id, enroll.NewOwner{Group: ptr(groupOf("line"))})
			return err
		},
		"by an order": func() error {
			_, err := r.CreateOrder(t.Context(), operator, enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Owner: operator.ID()})
			return err
		},
		"by an order's group": func() error {
			_, err := r.EditOrder(t.Context(), operator, string(r.order(1).ID), enroll.OrderEdit{OwnerGroup: ptr(groupOf("line"))})
			return err
		},
		"by a token": func() error {
			_, err := r.AssignOwner(t.Context(), token, id, enroll.NewOwner{User: ptr(r.admin.ID())})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, try(), enroll.Forbidden) })
	}
	if info := r.give(issued.Device, r.admin); info.Owner == "" { // who may hold it anyway
		t.Error("an administrator does not own it")
	}
}

func TestTheOrderGivesDevicesToTheirOwner(t *testing.T) {
	r := newRig(t)
	bob, ann := person("bob"), person("ann", "kitchen")
	issued := r.devices(2, func(o *enroll.NewOrder) { o.Owner, o.OwnerGroup = bob.ID(), groupOf("kitchen") })
	if got := r.owned(bob); len(got) != 2 {
		t.Fatalf("bob is shown %v", got)
	}
	if got := r.owned(ann); len(got) != 2 {
		t.Fatalf("ann is shown %v", got)
	}
	d := r.device(issued[0].Device)
	if event := r.last(enroll.OwnerChanged); event.For != groupOf("kitchen") || event.Operation != "vouch" || event.Actor != "break-glass" {
		t.Errorf("recorded as %+v", event)
	}
	order, err := r.Order(t.Context(), r.admin, d.Order)
	check(t, err)
	if order.Owner != d.Owner || order.OwnerGroup != d.OwnerGroup {
		t.Errorf("the order says %q %q, the device %q %q", order.Owner, order.OwnerGroup, d.Owner, d.OwnerGroup)
	}
	check(t, r.ReleaseOwner(t.Context(), bob, string(issued[0].Device), ""))
	if _, err = r.vouch(order, serialOf(0), newKey(t)); err == nil {
		t.Fatal("a second key was taken")
	}
	if d := r.device(issued[0].Device); d.Owner != "" {
		t.Error("a refused enrolment made it his again")
	}
	_, err = r.CreateOrder(t.Context(), holding("station", identity.Station, "/"), enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Owner: bob.ID()})
	wantCode(t, err, enroll.Forbidden)
}

func TestDevicesExpectedByAnOrderKeepTheOwnerTheyWereGiven(t *testing.T) {
	r := newRig(t)
	bob, ann := person("bob"), person("ann")
	order := r.order(1, func(o *enroll.NewOrder) { o.Owner, o.Serials = bob.ID(), []string{"SN1"} })
	r.give("TH20-SN1", ann)
	_, err := r.vouch(order, "SN1", newKey(t))
	check(t, err)
	if got := r.owned(ann); len(got) != 1 {
		t.Errorf("ann is shown %v", got)
	}
	_, err = r.Devices(t.Context(), bob, enroll.DeviceQuery{})
	wantCode(t, err, enroll.Forbidden)
}

// What belongs to one is found part by part, without looking at what belongs to
// others.
func TestOwnedDevicesArePagedByTheirIndex(t *testing.T) {
	r := newRig(t)
	bob, order := person("bob", "kitchen", "garden"), r.order(30)
	var want []identity.DeviceID
	for i := range 30 {
		issued, err := r.vouch(order, serialOf(i), newKey(t))
		check(t, err)
		to := []enroll.NewOwner{{User: ptr(person("eve").ID())}, {User: ptr(bob.ID()), Group: ptr(groupOf("kitchen"))}, {Group: ptr(groupOf("garden"))}}[i%3]
		_, err = r.AssignOwner(t.Context(), r.admin, string(issued.Device), to)
		check(t, err)
		if i%3 > 0 {
			want = append(want, issued.Device)
		}
	}
	for _, limit := range []int{1, 3, 7, 100} {
		var got []identity.DeviceID
		page := enroll.Page{Limit: limit}
		for {
			part, err := r.Devices(t.Context(), bob, enroll.DeviceQuery{Page: page})
			check(t, err)
			if len(part.Items) > limit {
				t.Fatalf("%d items, asked for %d", len(part.Items), limit)
			}
			got = append(got, idsOf(part.Items)...)
			if page.After = part.Next; page.After == "" {
				break
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	_, err := r.Devices(t.Context(), bob, enroll.DeviceQuery{Page: enroll.Page{After: "x"}})
	wantCode(t, err, enroll.BadRequest)

	eves, err := r.UserDevices(t.Context(), holding("olga", identity.Operator, "/berlin"), person("eve").ID(), enroll.Page{})
	check(t, err)
	if len(eves.Items) != 10 {
		t.Errorf("an operator sees %d of eve's", len(eves.Items))
	}
	eves, err = r.UserDevices(t.Context(), holding("olga", identity.Operator, "/hamburg"), person("eve").ID(), enroll.Page{})
	check(t, err)
	if len(eves.Items) != 0 {
		t.Errorf("an operator of another branch sees %d of eve's", len(eves.Items))
	}
	eves, err = r.UserDevices(t.Context(), bob, person("eve").ID(), enroll.Page{})
	check(t, err)
	if len(eves.Items) != 0 {
		t.Errorf("bob sees %d of eve's", len(eves.Items))
	}
	held, err := r.Act(t.Context(), bob, string(want[0]), identity.Hold, "", "")
	check(t, err)
	list, err := r.Devices(t.Context(), bob, enroll.DeviceQuery{State: "held", Model: "TH20", Query: string(held.ID), Owner: "me"})
	check(t, err)
	if got := idsOf(list.Items); !slices.Equal(got, want[:1]) {
		t.Errorf("held ones of bob's: %v", got)
	}
	certificates, err := r.Certificates(t.Context(), bob, enroll.CertificateQuery{Page: enroll.Page{Limit: 1000}})
	check(t, err)
	if len(certificates.Items) != len(want) {
		t.Errorf("bob is shown %d certificates of %d devices", len(certificates.Items), len(want))
	}
}
