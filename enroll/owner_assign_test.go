package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

func TestAssigning(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	id := string(issued.Device)
	operator := holding("olga", identity.Operator, "/berlin")
	elsewhere := holding("otto", identity.Operator, "/hamburg")
	bob := person("bob")
	_, err := r.AssignOwner(t.Context(), elsewhere, id, enroll.NewOwner{User: ptr(bob.ID())})
	wantCode(t, err, enroll.NotFound)
	_, err = r.AssignOwner(t.Context(), holding("sam", identity.Security, "/berlin"), id, enroll.NewOwner{User: ptr(bob.ID())})
	wantCode(t, err, enroll.Forbidden)
	for name, to := range map[string]enroll.NewOwner{
		"nobody named":         {},
		"unknown pseudonym":    {User: ptr("person:0123456789abcdef0123456789abcdef")},
		"an address":           {User: ptr("bob@example.com")},
		"a subject of nowhere": {User: ptr("oidc:bob")},
		"a device":             {User: ptr("device:TH20-SN00000")},
		"a group as a person":  {User: ptr(groupOf("kitchen"))},
		"a person as a group":  {Group: ptr(bob.ID())},
		"a group of nowhere":   {Group: ptr("group:kitchen")},
		"a group too long":     {Group: ptr(groupOf(string(make([]byte, 600))))},
		"a comment too long":   {User: ptr(bob.ID()), Comment: string(make([]byte, 2000))},
	} {
		_, err := r.AssignOwner(t.Context(), operator, id, to)
		if err == nil {
			t.Errorf("%s was taken", name)
			continue
		}
		wantCode(t, err, enroll.BadRequest)
	}
	info, err := r.AssignOwner(t.Context(), operator, id, enroll.NewOwner{User: ptr(bob.ID())})
	check(t, err)
	known, err := r.User(t.Context(), operator, info.Owner)
	check(t, err)
	if known.ID != bob.ID() || known.Name != "" || !known.FirstSeen.IsZero() {
		t.Errorf("one who never came is known as %+v", known)
	}
	_, err = r.Act(t.Context(), bob, id, identity.Hold, "", "") // the first that he does
	check(t, err)
	if known, err = r.User(t.Context(), operator, info.Owner); err != nil || known.Name != "bob" || known.FirstSeen.IsZero() {
		t.Errorf("after he came he is known as %+v, %v", known, err)
	}
	_, err = r.AssignOwner(t.Context(), operator, id, enroll.NewOwner{User: ptr(info.Owner)})
	check(t, err)
	_, err = r.User(t.Context(), person("eve"), info.Owner)
	wantCode(t, err, enroll.Forbidden)
	_, err = r.User(t.Context(), operator, "person:0123456789abcdef0123456789abcdef")
	wantCode(t, err, enroll.NotFound)
	me, err := r.User(t.Context(), person("eve"), "me")
	check(t, err)
	if me.ID != person("eve").ID() {
		t.Errorf("eve is told that she is %+v", me)
	}
	event := r.last(enroll.OwnerChanged)
	if event.For != info.Owner || event.Device != issued.Device || event.Operation != "assign" || event.Fleet != "/berlin/line-3" || event.Grant != "configuration:operator" {
		t.Errorf("recorded as %+v", event)
	}
}

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
