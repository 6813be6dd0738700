package enroll_test

import (
	"slices"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

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
