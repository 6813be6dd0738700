package enroll_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// What was asked for a fleet is done there, though its path names another by the time
// of the approval.
func TestApprovalDoesNotFollowAPathToAnotherFleet(t *testing.T) {
	r := newGuarded(t, policy.Config{})
	for _, path := range []string{"/berlin/x/lab", "/berlin/z/lab"} {
		_, err := r.CreateFleet(t.Context(), r.admin, path)
		check(t, err)
	}
	r.say("/berlin/x/lab", protected(policy.SubjectAuthority))
	_, err := r.CreateGrant(t.Context(), r.boss, enroll.NewGrant{For: person("eve").ID(), Role: "operator", Fleet: "/berlin/x/lab"})
	asked := waits(t, err)
	for _, edit := range [][2]string{{"/berlin/x", "y"}, {"/berlin/z", "x"}} {
		_, err := r.EditFleet(t.Context(), identity.NewBreakGlass(), edit[0], enroll.FleetEdit{Name: edit[1]})
		check(t, err)
	}
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	held, err := r.Holdings(t.Context(), person("eve"))
	check(t, err)
	if len(held) != 1 || held[0].Fleet != "/berlin/y/lab" {
		t.Errorf("eve holds %v", held)
	}
}

// A job is approved over as many devices as its request says, and no more.
func TestApprovalDoesNotCoverDevicesThatCameLater(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	bob := person("bob")
	first := r.devices(2)
	give := func(i int) {
		_, err := r.AssignOwner(t.Context(), identity.NewBreakGlass(), string(first[i].Device), enroll.NewOwner{User: ptr(bob.ID())})
		check(t, err)
	}
	give(0)
	_, err := r.StartJob(t.Context(), r.boss, bob.ID(), enroll.NewJob{Action: "revoke"})
	asked := waits(t, err)
	give(1)
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
	check(t, r.ReleaseOwner(t.Context(), bob, string(first[1].Device), ""))
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	check(t, r.JobsDue(t.Context()))
	if state := r.rig.device(first[1].Device).State; state != identity.Active {
		t.Errorf("the device that came later is %s", state)
	}
}

// Whoever has somebody's token neither sees nor ends what that person asked for.
func TestATokenKnowsNothingOfItsMakersRequests(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Revoke, "", "")
	asked := waits(t, err)
	token := func(permissions ...string) identity.Principal {
		made, err := r.CreateToken(t.Context(), r.boss, enroll.NewToken{
			Name: "x", Fleet: "/berlin", Permissions: permissions, Until: r.clock.Now().Add(time.Hour),
		})
		check(t, err)
		p, err := r.TokenPrincipal(t.Context(), made.Text, "192.0.2.30")
		check(t, err)
		return p
	}
	line, other := token("order.read"), token("device.hold", "device.read")
	_, err = r.Approval(t.Context(), line, string(asked.ID))
	wantCode(t, err, enroll.NotFound)
	_, err = r.Withdraw(t.Context(), line, string(asked.ID), "")
	wantCode(t, err, enroll.NotFound)
	if list, err := r.Approvals(t.Context(), line, false, enroll.Page{}); err != nil || len(list.Items) != 0 {
		t.Errorf("it is told of %v, %v", list.Items, err)
	}

	// Its own requests are its own, and its maker's.
	_, err = r.Act(t.Context(), other, string(r.device.Device), identity.Hold, "", "")
	own := waits(t, err)
	list, err := r.Approvals(t.Context(), r.boss, true, enroll.Page{})
	check(t, err)
	if !slices.ContainsFunc(list.Items, func(a enroll.Approval) bool { return a.ID == own.ID }) {
		t.Errorf("the maker is told of %v", list.Items)
	}
	_, err = r.Withdraw(t.Context(), line, string(own.ID), "")
	wantCode(t, err, enroll.NotFound)
	_, err = r.Withdraw(t.Context(), other, string(own.ID), "")
	check(t, err)
}

// Whoever drew a ticket is known, however late the policy came.
func TestWhoDrewATicketBeforeThePolicyDoesNotApprove(t *testing.T) {
	r := newGuarded(t, policy.Config{})
	order := r.order(5)
	drawn, err := r.DrawTickets(t.Context(), r.boss, string(order.ID), []string{"SN2"})
	check(t, err)
	r.say("/berlin", protected(policy.SubjectEnrolment))
	_, err = r.enrol("SN2", drawn[0].Ticket, newKey(t))
	asked := waits(t, err)
	_, err = r.Approve(t.Context(), r.boss, string(asked.ID), "")
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
}

// A certificate is nobody's second pair of eyes: whoever gave it its power has it.
func TestNoCertificateApproves(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	station := r.certified(r.device)
	r.grant(station.ID(), "security", "/berlin", time.Time{})
	_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Hold, "", "")
	asked := waits(t, err)
	for _, decide := range []func(*enroll.Service, context.Context, identity.Principal, string, string) (enroll.Approval, error){
		(*enroll.Service).Approve, (*enroll.Service).Deny,
	} {
		_, err := decide(r.Service, t.Context(), station, string(asked.ID), "")
		wantCode(t, err, enroll.Forbidden)
	}
}

// A ticket in a thief's hands makes one request, however many keys they make.
func TestADeviceWaitsWithOneKeyAtATime(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectEnrolment))
	order := r.order(5)
	drawn, err := r.DrawTickets(t.Context(), r.boss, string(order.ID), []string{"SN2"})
	check(t, err)
	enrol := func() error { _, err := r.enrol("SN2", drawn[0].Ticket, newKey(t)); return err }
	asked := waits(t, enrol())
	wantCode(t, enrol(), enroll.Conflict)
	list, err := r.Approvals(t.Context(), r.deputy, true, enroll.Page{})
	check(t, err)
	if len(list.Items) != 1 {
		t.Errorf("%d requests wait", len(list.Items))
	}
	_, err = r.Deny(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	next := waits(t, enrol())
	r.clock.advance(25 * time.Hour) // it expires
	if again := waits(t, enrol()); again.ID == next.ID {
		t.Error("what expired waits on")
	}
}
