package enroll_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// Whoever rotates the break-glass token, because it was seen, ends what was made by it.
func TestTokensOfBreakGlassEndWithIt(t *testing.T) {
	r := newTokenRig(t)
	rotate := func() {
		t.Helper()
		_, err := r.RotateBreakGlass(t.Context(), r.admin)
		check(t, err)
	}
	opens := func(text string) error {
		_, err := r.TokenPrincipal(t.Context(), text, "192.0.2.1")
		return err
	}
	glass := identity.NewBreakGlass()
	made, admins := r.token(glass), r.token(r.admin)
	holder := r.holder(made)
	_, err := r.Order(t.Context(), holder, string(r.berlin.ID))
	check(t, err)
	rotate() // at the same time, by the clock
	wantCode(t, opens(made.Text), enroll.Unauthenticated)
	check(t, opens(admins.Text))
	_, err = r.Order(t.Context(), holder, string(r.berlin.ID)) // who was let in before
	wantCode(t, err, enroll.Forbidden)
	told, err := r.Token(t.Context(), r.admin, string(made.ID))
	check(t, err)
	if len(told.Holds) != 0 {
		t.Errorf("it is told to hold %v", told.Holds)
	}

	// By the new one it is given another text, or another is made.
	again, err := r.RotateToken(t.Context(), glass, string(made.ID), enroll.Rotation{Overlap: time.Hour})
	check(t, err)
	check(t, opens(again.Text))
	check(t, opens(r.token(glass).Text))
	rotate()
	wantCode(t, opens(again.Text), enroll.Unauthenticated)

	// One from before this was noted goes by the time.
	old := r.token(glass)
	check(t, r.store.Update(t.Context(), func(tx enroll.Tx) error {
		plain := old.Token
		plain.BreakGlass = ""
		data, err := json.Marshal(plain)
		check(t, err)
		check(t, tx.PutDocument(enroll.RevisionDocument, "authority", []byte("before")))
		return tx.PutDocument(enroll.TokenDocument, string(old.ID), data)
	}))
	check(t, opens(old.Text))
	r.clock.advance(time.Second)
	rotate()
	wantCode(t, opens(old.Text), enroll.Unauthenticated)
}

// A role that is made again under the name of one that was deleted is another one.
func TestADeletedRoleDoesNotComeBack(t *testing.T) {
	r := newRig(t)
	issued, _ := r.enrolled("SN1")
	eve := person("eve")
	put := func(may ...string) {
		t.Helper()
		_, err := r.PutRole(t.Context(), r.admin, "lookers", may)
		check(t, err)
	}
	reads := func() error {
		_, err := r.Device(t.Context(), eve, string(issued.Device))
		return err
	}
	put("device.read")
	r.grant(eve.ID(), "lookers", "/berlin", time.Time{})
	check(t, reads())
	put("device.read", "order.read") // an edit is the same role
	check(t, reads())
	check(t, r.DeleteRole(t.Context(), r.admin, "lookers"))
	wantCode(t, reads(), enroll.Forbidden)
	put("device.read", "device.revoke")
	wantCode(t, reads(), enroll.Forbidden)
	if holds, err := r.Holdings(t.Context(), eve); err != nil || len(holds) != 0 {
		t.Errorf("eve holds %v, %v", holds, err)
	}
	r.grant(eve.ID(), "lookers", "/berlin", time.Time{})
	check(t, reads())
}

// An approval that nobody uses ends, and is not made longer by a policy of later.
func TestAnApprovedEnrolmentThatIsNotUsedEnds(t *testing.T) {
	for name, later := range map[string]time.Duration{"as it was": 2 * time.Hour, "longer now": 48 * time.Hour, "shorter now": time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			order := r.order(1)
			ticket, key := r.ticket(order, "SN1"), newKey(t)
			own := protected(policy.SubjectEnrolment)
			own.ApprovalLifetime = lasts(2 * time.Hour)
			r.say("/berlin", own)
			_, err := r.enrol("SN1", ticket, key)
			asked := waits(t, err)
			_, err = r.Approve(t.Context(), holding("boss", identity.Operator, "/"), string(asked.ID), "")
			check(t, err)
			own.ApprovalLifetime = lasts(later)
			r.say("/berlin", own)
			r.clock.advance(min(later, 2*time.Hour))
			_, err = r.enrol("SN1", ticket, key)
			if again := waits(t, err); again.ID == asked.ID {
				t.Error("it waits by the request that was approved")
			}
			if r.device("TH20-SN1").State != identity.Expected {
				t.Error("it was enrolled")
			}
		})
	}
}
