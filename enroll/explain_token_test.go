package enroll_test

import (
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// A token is told of its own branch: not which other fleets there are, and not what
// its maker holds elsewhere.
func TestExplainTellsATokenOfItsBranchAlone(t *testing.T) {
	r := newTokenRig(t)
	alice := person("alice", "operator@/berlin", "operator@/paris")
	made := r.token(alice)
	holder, err := r.TokenPrincipal(t.Context(), made.Text, "192.0.2.1")
	check(t, err)
	question := enroll.Question{Permission: "ticket.draw", On: "/berlin/line-3"}
	answer, err := r.Explain(t.Context(), holder, question)
	if err != nil || !answer.Allowed || len(answer.Others) != 0 {
		t.Errorf("on its branch: %+v, %v; want allowed, and nothing of other branches", answer, err)
	}
	for _, on := range []string{"/paris", "/", "/none"} {
		question.On = on
		if answer, err := r.Explain(t.Context(), holder, question); enroll.AsRefusal(err).Code != enroll.NotFound {
			t.Errorf("on %s: %+v, %v; want not_found", on, answer, err)
		}
	}
	question.On = "/paris"
	if answer, err := r.Explain(t.Context(), alice, question); err != nil || !answer.Allowed || len(answer.Others) != 1 {
		t.Errorf("its maker on another: %+v, %v", answer, err)
	}
}
