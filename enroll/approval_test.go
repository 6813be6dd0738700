package enroll_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// guarded is a rig where the branch /berlin waits for a second person, and two people
// who hold everything there.
type guarded struct {
	*rig
	boss, deputy identity.Principal
	device       enroll.Issued
}

func newGuarded(t *testing.T, own policy.Config) *guarded {
	t.Helper()
	r := &guarded{rig: newRig(t, func(c *enroll.Config) { c.Standing = standing }), boss: person("boss"), deputy: person("deputy")}
	r.admin = person("alice", "admin")
	r.device, _ = r.enrolled("SN1")
	r.grant(r.boss.ID(), "admin", "/berlin", time.Time{})
	r.grant(r.deputy.ID(), "admin", "/berlin", time.Time{})
	r.say("/berlin", own)
	return r
}

func protected(subjects ...policy.Subject) policy.Config { return policy.Config{Approval: subjects} }

// waits fails unless err says that something waits, and returns the request.
func waits(t *testing.T, err error) enroll.Approval {
	t.Helper()
	var waiting *enroll.Waiting
	if !errors.As(err, &waiting) {
		t.Fatalf("got %v, and not that it waits", err)
	}
	return waiting.Approval
}

func TestActionsOnAProtectedBranchWait(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Revoke, "keyCompromise", "found on a market")
	asked := waits(t, err)
	if r.deviceState() != identity.Active {
		t.Fatal("it was done before anybody approved")
	}
	if asked.Words != "revoke TH20-SN1 for keyCompromise" || asked.Permission != identity.DeviceRevoke {
		t.Errorf("the request says %+v", asked)
	}
	id := string(asked.ID)
	// Nobody approves their own, with a token of theirs or without; nor who may not.
	made, err := r.CreateToken(t.Context(), r.boss, enroll.NewToken{
		Name: "x", Fleet: "/berlin", Permissions: []string{"device.revoke", "device.read"}, Until: r.clock.Now().Add(time.Hour),
	})
	check(t, err)
	token, err := r.TokenPrincipal(t.Context(), made.Text, "192.0.2.1")
	check(t, err)
	operator := person("operator")
	r.grant(operator.ID(), "operator", "/berlin", time.Time{})
	for who, want := range map[*identity.Principal]enroll.Code{&r.boss: enroll.Forbidden, &token: enroll.Forbidden, &operator: enroll.NotFound} {
		_, err = r.Approve(t.Context(), *who, id, "")
		wantCode(t, err, want)
		_, err = r.Deny(t.Context(), *who, id, "")
		wantCode(t, err, want)
	}
	_, err = r.Withdraw(t.Context(), r.deputy, id, "")
	wantCode(t, err, enroll.Forbidden)
	found, err := r.Approvals(t.Context(), operator, true, enroll.Page{Limit: 10})
	check(t, err)
	if len(found.Items) != 0 {
		t.Errorf("somebody who could not decide it sees %+v", found.Items)
	}

	approved, err := r.Approve(t.Context(), r.deputy, id, "seen it")
	check(t, err)
	if approved.State != enroll.RequestApproved || r.deviceState() != identity.Revoked {
		t.Errorf("the request is %s, the device %s", approved.State, r.deviceState())
	}
	_, err = r.Approve(t.Context(), r.deputy, id, "")
	wantCode(t, err, enroll.WrongState)
	var actors []string
	for _, event := range r.log() {
		if slices.Contains([]enroll.EventKind{enroll.ApprovalRequested, enroll.ApprovalGiven, enroll.DeviceRevoked}, event.Kind) {
			actors = append(actors, string(event.Kind)+" "+event.Actor)
		}
	}
	if len(actors) != 3 || actors[0][len("approval.requested "):] != actors[2][len("device.revoked "):] {
		t.Errorf("the log tells of %v", actors)
	}
}

func (r *guarded) deviceState() identity.State { return r.rig.device(r.device.Device).State }

// What is approved is weighed again: who asked must still be able to do it.
func TestApprovalDoesNotOutliveTheMakersPower(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	brief := person("brief")
	given := r.grant(brief.ID(), "security", "/berlin", time.Time{})
	_, err := r.Act(t.Context(), brief, string(r.device.Device), identity.Hold, "", "")
	asked := waits(t, err)
	check(t, r.DeleteGrant(t.Context(), r.admin, string(given.ID)))
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
	if r.deviceState() != identity.Active {
		t.Error("it was done for somebody who may not any more")
	}
}

func TestRequestsExpireAndAreWithdrawnAndDenied(t *testing.T) {
	r := newGuarded(t, policy.Config{Approval: []policy.Subject{policy.SubjectActions}, ApprovalLifetime: lasts(time.Hour)})
	ask := func(why string) string {
		t.Helper()
		_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Hold, "", why)
		return string(waits(t, err).ID)
	}
	late, taken, denied := ask("a"), ask("b"), ask("c")
	if again := ask("a"); again != late {
		t.Error("asking for the same again made another request")
	}
	_, err := r.Withdraw(t.Context(), r.boss, taken, "")
	check(t, err)
	_, err = r.Deny(t.Context(), r.deputy, denied, "no")
	check(t, err)
	r.clock.advance(time.Hour)
	for id, want := range map[string]enroll.ApprovalState{late: enroll.RequestExpired, taken: enroll.RequestWithdrawn, denied: enroll.RequestDenied} {
		found, err := r.Approval(t.Context(), r.boss, id)
		check(t, err)
		if found.State != want {
			t.Errorf("the request is %s, want %s", found.State, want)
		}
		_, err = r.Approve(t.Context(), r.deputy, id, "")
		wantCode(t, err, enroll.WrongState)
	}
}

// What was decided long ago is forgotten, by and by; the log keeps it.
func TestRequestsAreForgotten(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	ask := func() string {
		t.Helper()
		_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Hold, "", "")
		return string(waits(t, err).ID)
	}
	old := ask()
	r.clock.advance(61 * 24 * time.Hour)
	now := ask()
	_, err := r.Approval(t.Context(), r.boss, old)
	wantCode(t, err, enroll.NotFound)
	_, err = r.Approve(t.Context(), r.deputy, now, "")
	check(t, err)
}

func TestManyActionsOfOnePersonCountTogether(t *testing.T) {
	r := newGuarded(t, policy.Config{ApprovalOver: new(int64(2))})
	hold := func() error {
		_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Hold, "", "")
		return err
	}
	release := func() error {
		_, err := r.Act(t.Context(), r.boss, string(r.device.Device), identity.Release, "", "")
		return err
	}
	check(t, hold())
	check(t, hold()) // changes nothing, and counts for nothing
	check(t, release())
	waits(t, hold())
	r.clock.advance(61 * time.Minute)
	check(t, hold())
}

func TestPolicyAndGrantsWait(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectAuthority))
	_, err := r.SetFleetPolicy(t.Context(), r.boss, "/berlin", policy.Config{}, 0)
	loosen := waits(t, err)
	_, err = r.CreateGrant(t.Context(), r.boss, enroll.NewGrant{For: person("eve").ID(), Role: "security", Fleet: "/berlin/line-3"})
	give := waits(t, err)
	_, err = r.EditFleet(t.Context(), r.boss, "/berlin/line-3", enroll.FleetEdit{Name: "line-9"})
	rename := waits(t, err)
	for _, asked := range []enroll.Approval{give, rename, loosen} {
		_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
		check(t, err)
	}
	_, err = r.Device(t.Context(), person("eve"), string(r.device.Device))
	check(t, err)
	_, err = r.EditFleet(t.Context(), r.boss, "/berlin/line-9", enroll.FleetEdit{Name: "line-3"})
	check(t, err)
}

// The break-glass token is for when nobody else is there.
func TestBreakGlassWaitsForNobody(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions, policy.SubjectAuthority))
	_, err := r.Act(t.Context(), identity.NewBreakGlass(), string(r.device.Device), identity.Hold, "", "")
	check(t, err)
	_, err = r.SetFleetPolicy(t.Context(), identity.NewBreakGlass(), "/berlin", policy.Config{}, 0)
	check(t, err)
}

func TestEnrolmentsWait(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectEnrolment))
	order := r.order(5)
	drawn, err := r.DrawTickets(t.Context(), r.boss, string(order.ID), []string{"SN2", "SN3"})
	check(t, err)
	key := newKey(t)
	enrol := func(i int) (enroll.Issued, error) { return r.enrol(string(drawn[i].Serial), drawn[i].Ticket, key) }
	_, err = enrol(0)
	asked := waits(t, err)
	_, err = enrol(0)
	if again := waits(t, err); again.ID != asked.ID {
		t.Errorf("asking again made another request: %s after %s", again.ID, asked.ID)
	}
	if info, err := r.Order(context.Background(), r.admin, string(order.ID)); err != nil || info.Enrolled != 0 {
		t.Fatalf("%d enrolled while it waits, %v", info.Enrolled, err)
	}
	// Who drew the ticket has let the device in once.
	_, err = r.Approve(t.Context(), r.boss, string(asked.ID), "")
	wantCode(t, err, enroll.Forbidden)
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	issued, err := enrol(0)
	check(t, err)
	again, err := enrol(0)
	check(t, err)
	if !again.Recalled || again.Serial != issued.Serial {
		t.Error("the enrolment is not recalled")
	}
	// Another key is another request.
	_, err = r.enrol("SN3", drawn[1].Ticket, newKey(t))
	other := waits(t, err)
	_, err = r.Deny(t.Context(), r.deputy, string(other.ID), "")
	check(t, err)
}
