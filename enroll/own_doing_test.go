package enroll_test

import (
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// What random walks found, each where it can be read alone.

// Nobody comes to own what they do not hold by a token of theirs, not even in a group.
func TestNobodyAssignsTheirGroupByATokenOfTheirs(t *testing.T) {
	r := newTokenRig(t)
	device, err := r.vouch(r.berlin, "SN1", newKey(t))
	check(t, err)
	mia := person("mia", "operator", "line")
	token := r.holder(r.token(mia, func(n *enroll.NewToken) {
		n.Permissions, n.Until = []string{"device.assign", "device.read", "order.create", "order.edit"}, r.clock.Now().Add(300*24*time.Hour)
	}))
	_, err = r.AssignOwner(t.Context(), token, string(device.Device), enroll.NewOwner{Group: ptr(groupOf("line"))})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.EditOrder(t.Context(), token, string(r.berlin.ID), enroll.OrderEdit{OwnerGroup: ptr(groupOf("line"))})
	wantCode(t, err, enroll.Forbidden)
	r.grant(mia.ID(), identity.Operator, "/berlin")
	r.clock.advance(100 * 24 * time.Hour) // the groups give nothing any more, and are known all the same
	_, err = r.AssignOwner(t.Context(), token, string(device.Device), enroll.NewOwner{Group: ptr(groupOf("line"))})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.AssignOwner(t.Context(), token, string(device.Device), enroll.NewOwner{Group: ptr(groupOf("others"))})
	check(t, err)
}

// A job that a scoped token started comes to its end after the token was revoked.
func TestJobOfARevokedTokenEnds(t *testing.T) {
	r := newTokenRig(t)
	bob := person("bob")
	device, err := r.vouch(r.berlin, "SN1", newKey(t))
	check(t, err)
	r.give(device.Device, bob)
	made := r.token(person("sam", "admin"), func(n *enroll.NewToken) { n.Permissions = []string{"device.hold"} })
	job := r.start(r.holder(made), bob.ID(), enroll.NewJob{Action: "hold"})
	_, err = r.RevokeToken(t.Context(), r.admin, string(made.ID))
	check(t, err)
	check(t, r.JobsDue(t.Context()))
	r.wantJob(job.ID, 0, 0, 1)
}

// A scoped token learns nothing of what its maker holds outside its scope.
func TestTokenIsNotToldOfItsMakersOtherBranches(t *testing.T) {
	r := newTokenRig(t)
	mia := person("mia")
	r.grant(mia.ID(), identity.Operator, "/berlin")
	r.grant(mia.ID(), identity.Operator, "/paris")
	token := r.holder(r.token(mia))
	ask := func(on string) (enroll.Explanation, error) {
		return r.Explain(t.Context(), token, enroll.Question{Permission: "order.read", On: on})
	}
	for _, on := range []string{"/paris", string(r.paris.Fleet), "/", "/madrid"} {
		_, err := ask(on)
		wantCode(t, err, enroll.NotFound)
	}
	told, err := ask("/berlin/line-3")
	check(t, err)
	if !told.Allowed || len(told.Others) != 0 {
		t.Errorf("it is told %+v", told)
	}
}

// A grant that waits is given on the fleet that it was asked for, whatever is called
// so by then.
func TestAGrantWaitsForItsFleetAndNotForItsPath(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectAuthority))
	check(t, r.makeFleet("/berlin/other"))
	eve := person("eve")
	_, err := r.CreateGrant(t.Context(), r.boss, enroll.NewGrant{For: eve.ID(), Role: "security", Fleet: "/berlin/other"})
	asked := waits(t, err)
	for _, rename := range [][2]string{{"/berlin/other", "another"}, {"/berlin/line-3", "other"}} {
		_, err := r.EditFleet(t.Context(), identity.NewBreakGlass(), rename[0], enroll.FleetEdit{Name: rename[1]})
		check(t, err)
	}
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	held, err := r.Holdings(t.Context(), eve)
	check(t, err)
	if len(held) != 1 || held[0].Fleet != "/berlin/another" {
		t.Errorf("eve holds %+v", held)
	}
}

func (r *rig) makeFleet(path string) error {
	_, err := r.CreateFleet(r.tb.Context(), r.admin, path)
	return err
}

// A move that frees fleets below the one that moves from what bound them sets policy.
func TestAMoveOutOfABoundTakesPolicySet(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/old/line/cell", "/new"} {
		_, err := r.CreateFleet(t.Context(), r.admin, path)
		check(t, err)
	}
	long, short := lasts(365*24*time.Hour), lasts(30*24*time.Hour)
	r.say("/old/line", policy.Config{Lifetime: short, Loosen: []policy.Field{policy.FieldLifetime}})
	r.say("/old/line/cell", policy.Config{Lifetime: long})
	r.say("/old", policy.Config{Lifetime: lasts(90 * 24 * time.Hour)}) // which cuts down what the cell says
	_, err := r.PutRole(t.Context(), r.admin, "mover", []string{"fleet.read", "fleet.edit", "grant.delete"})
	check(t, err)
	mover := person("mover")
	r.grant(mover.ID(), "mover", "/", time.Time{})
	_, err = r.EditFleet(t.Context(), mover, "/old/line", enroll.FleetEdit{Parent: "/new"})
	wantCode(t, err, enroll.Forbidden)
	_, err = r.EditFleet(t.Context(), r.admin, "/old/line", enroll.FleetEdit{Parent: "/new"})
	check(t, err)
}

// Somebody's groups count for so long after their own call, and not after others
// approve what they asked for.
func TestApprovalIsNoCallOfTheMaker(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectActions))
	sam, bob := person("sam", "admin"), person("bob")
	check(t, r.giveByGlass(r.device.Device, bob))
	_, err := r.StartJob(t.Context(), sam, bob.ID(), enroll.NewJob{Action: "hold"})
	asked := waits(t, err)
	made, err := r.CreateToken(t.Context(), sam, enroll.NewToken{
		Name: "x", Fleet: "/berlin", Permissions: []string{"device.read"}, Until: r.clock.Now().Add(200 * 24 * time.Hour),
	})
	check(t, err)
	token, err := r.TokenPrincipal(t.Context(), made.Text, "192.0.2.1")
	check(t, err)
	r.clock.advance(23 * time.Hour)
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	check(t, err)
	r.clock.advance(89*24*time.Hour + 30*time.Minute)
	_, err = r.Device(t.Context(), token, string(r.device.Device))
	check(t, err)
	r.clock.advance(30 * time.Minute) // 90 days after sam called
	_, err = r.Device(t.Context(), token, string(r.device.Device))
	wantCode(t, err, enroll.Forbidden)
}

// A policy that waits does not replace one that was set meanwhile, be it the first.
func TestAPolicyThatWaitsReplacesNoOther(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectAuthority))
	_, err := r.SetFleetPolicy(t.Context(), r.boss, "/berlin/line-3", policy.Config{Lifetime: lasts(time.Hour)}, 0)
	asked := waits(t, err)
	_, err = r.SetFleetPolicy(t.Context(), identity.NewBreakGlass(), "/berlin/line-3", policy.Config{Lifetime: lasts(time.Minute)}, 0)
	check(t, err)
	_, err = r.Approve(t.Context(), r.deputy, string(asked.ID), "")
	wantCode(t, err, enroll.Conflict)
}

// What waited long ago is forgotten with all that led to it.
func TestForgottenRequestsLeaveNothing(t *testing.T) {
	r := newGuarded(t, protected(policy.SubjectAuthority))
	_, err := r.SetFleetPolicy(t.Context(), identity.NewBreakGlass(), "/berlin/line-3", policy.Config{Lifetime: lasts(time.Minute)}, 0)
	check(t, err) // which the requests below replace
	ask := func(hours int) {
		_, err := r.SetFleetPolicy(t.Context(), r.boss, "/berlin/line-3", policy.Config{Lifetime: lasts(time.Duration(hours) * time.Hour)}, 0)
		waits(t, err)
	}
	ask(1)
	r.clock.advance(61 * 24 * time.Hour)
	ask(2)
	ask(3)
	check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
		for _, kind := range []enroll.DocumentKind{enroll.ApprovalDocument, enroll.ApprovalForDocument} {
			if all, err := everyDocument(reader, kind); err != nil || len(all) != 2 {
				t.Errorf("under %s stand %v (%v), want those of the last two", kind, keysOf(all), err)
			}
		}
		return nil
	}))
}

// giveByGlass makes a person the owner of a device, without waiting for anybody.
func (r *rig) giveByGlass(device identity.DeviceID, to identity.Principal) error {
	_, err := r.AssignOwner(r.tb.Context(), identity.NewBreakGlass(), string(device), enroll.NewOwner{User: ptr(to.ID())})
	return err
}
