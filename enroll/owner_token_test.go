package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// A token is no way to become an owner by one's group where one could not in person.
func TestATokenMakesItsMakersGroupNoOwner(t *testing.T) {
	r := newTokenRig(t)
	issued, _ := r.enrolled("SN1")
	olga := person("olga", "operator", "ops")
	holder := r.holder(r.token(olga, func(n *enroll.NewToken) { n.Permissions = []string{"device.assign", "device.read"} }))
	for _, p := range []identity.Principal{olga, person("olga", "operator"), holder} {
		_, err := r.AssignOwner(t.Context(), p, string(issued.Device), enroll.NewOwner{Group: ptr(groupOf("ops"))})
		wantCode(t, err, enroll.Forbidden)
	}
	_, err := r.AssignOwner(t.Context(), holder, string(issued.Device), enroll.NewOwner{Group: ptr(groupOf("others"))})
	check(t, err)
}
