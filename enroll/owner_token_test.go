package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// An operator may assign devices and not hold them, and comes to hold none by a token
// that gives them to a group that the operator is in.
func TestNobodyAssignsTheirGroupByAToken(t *testing.T) {
	r := newTokenRig(t)
	issued, err := r.vouch(r.berlin, "SN1", newKey(t))
	check(t, err)
	device, leads := string(issued.Device), groupOf("line-leads")
	olga := person("olga", "line-leads", "operator@/berlin")
	may := func(n *enroll.NewToken) { n.Permissions = []string{"device.assign", "device.read", "order.edit"} }
	holder := r.holder(r.token(olga, may))
	for name, p := range map[string]identity.Principal{"herself": olga, "her token": holder} {
		t.Run(name, func(t *testing.T) {
			_, err := r.AssignOwner(t.Context(), p, device, enroll.NewOwner{Group: &leads})
			wantCode(t, err, enroll.Forbidden)
			_, err = r.EditOrder(t.Context(), p, string(r.berlin.ID), enroll.OrderEdit{OwnerGroup: &leads})
			wantCode(t, err, enroll.Forbidden)
		})
	}
	// Long unseen she is still who she is.
	r.clock.advance(60 * day)
	_, err = r.AssignOwner(t.Context(), holder, device, enroll.NewOwner{Group: &leads})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Act(t.Context(), olga, device, identity.Hold, "", "")
	wantCode(t, err, enroll.Forbidden)

	// Of others' groups, and of groups whose maker holds the devices anyhow, she and
	// the admin's token may say so.
	kitchen := groupOf("kitchen")
	_, err = r.AssignOwner(t.Context(), olga, device, enroll.NewOwner{Group: &kitchen})
	check(t, err)
	ada := person("ada", "line-leads", "admin@/berlin")
	admins := r.holder(r.token(ada, func(n *enroll.NewToken) {
		n.Permissions, n.Until = []string{"device.assign", "device.read", "device.hold", "certificate.read"}, r.clock.Now().Add(day)
	}))
	_, err = r.AssignOwner(t.Context(), admins, device, enroll.NewOwner{Group: &leads})
	check(t, err)
}
