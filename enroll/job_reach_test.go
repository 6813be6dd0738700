package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// A job by a token that was revoked meanwhile ends, and stops nobody else's.
func TestAJobEndsWithItsMakersPower(t *testing.T) {
	r := newTokenRig(t)
	bob := person("bob")
	issued := r.devices(2, func(o *enroll.NewOrder) { o.Owner = bob.ID() })
	sam := person("sam", "security", "operator")
	made := r.token(sam, func(n *enroll.NewToken) { n.Permissions = []string{"device.hold", "device.read"} })
	job := r.start(r.holder(made), bob.ID(), enroll.NewJob{Action: "hold"})
	_, err := r.RevokeToken(t.Context(), sam, string(made.ID))
	check(t, err)
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, 0, 0, 2)
	if state := r.rig.device(issued[0].Device).State; state != identity.Active {
		t.Errorf("a device is %s", state)
	}
}

// What comes to a person after a job was weighed is not done where it would have had to
// wait.
func TestAJobDoesNotReachProtectedBranchesUnasked(t *testing.T) {
	r := newRig(t)
	bob := person("bob")
	free := r.devices(1, func(o *enroll.NewOrder) { o.Fleet, o.Owner = "/paris", bob.ID() })
	kept := r.devices(1, func(o *enroll.NewOrder) { o.Model = "GW" })
	r.say("/berlin", protected(policy.SubjectActions))
	job := r.start(r.admin, bob.ID(), enroll.NewJob{Action: "hold"})
	_, err := r.AssignOwner(t.Context(), identity.NewBreakGlass(), string(kept[0].Device), enroll.NewOwner{User: ptr(bob.ID())})
	check(t, err)
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, 1, 1, 0)
	if held, not := r.device(free[0].Device).State, r.device(kept[0].Device).State; held != identity.Held || not != identity.Active {
		t.Errorf("they are %s and %s", held, not)
	}
}
