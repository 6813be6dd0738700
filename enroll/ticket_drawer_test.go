package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity/policy"
)

// Whoever drew a ticket before the branch's enrolments waited has let the device in
// once all the same.
func TestTicketsDrawnBeforeTheirPolicyHaveADrawer(t *testing.T) {
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
