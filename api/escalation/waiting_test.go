package escalation_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// decide goes on from what waits for a second person: whoever asked for it does not
// approve it, by themselves, their tokens or whoever made them; nor does anybody who
// does not hold the same permission there. Somebody who holds it and nothing else
// does, and then it is done.
func (c *combination) decide(s *stage, w *world, on listener, o operation) (tried int64) {
	s.t.Helper()
	var asked struct {
		ID     string `json:"id"`
		MadeBy string `json:"made_by"`
	}
	if err := json.Unmarshal(c.answer.Body.Bytes(), &asked); err != nil || asked.ID == "" || asked.MadeBy != c.as.id {
		c.fail(s, "waits as %s", c.answer.Body)
		return 0
	}
	need := c.form.second
	if need == "" {
		need = c.form.byGrant
	}
	if need == "" {
		need = permission(o.permission)
	}
	for _, by := range w.actors {
		same := by.responsible() == c.as.responsible()
		if by.bearer == "" || !same && by.may(need, c.at.place()) {
			continue
		}
		want, verbs := notFound, []string{"approve"}
		switch {
		case same && (by.scope == nil || by.id == c.as.id || by.may(need, c.at.place())):
			want, verbs = forbidden, []string{"approve", "deny"}
		case same: // a token knows its own requests alone, and those that it could decide
			verbs = []string{"approve", "deny", "withdraw"}
		}
		for _, verb := range verbs {
			answer := s.send(apiListener, by, newRequest(s.t, "POST", "/api/v1/approvals/"+asked.ID+"/"+verb, nil))
			s.refused[by.id]++
			if answer.Code != want.status(0) || !slices.Equal(answer.changed, c.answer.changed) {
				c.fail(s, "%s tries to %s it: %d %s, want %d; changed %q", by.name, verb, answer.Code, answer.Body, want.status(0), answer.changed)
			}
			tried++
		}
	}
	c.approve(s, w, on, o, asked.ID, need)
	return tried + 1
}

// approve has somebody approve who holds the one permission and nothing else.
func (c *combination) approve(s *stage, w *world, on listener, o operation, id string, need permission) {
	s.t.Helper()
	second := w.actors[slices.IndexFunc(w.actors, func(a *actor) bool { return a.name == "only-"+string(need)+" on the whole tree" })]
	answer := s.send(apiListener, second, newRequest(s.t, "POST", "/api/v1/approvals/"+id+"/approve", nil))
	done := slices.ContainsFunc(answer.changed, func(row string) bool { return !asks(row) })
	if o.call == "POST /api/v1/orders/{id}/devices" && answer.Code == http.StatusOK && !done {
		// The device asks again, and then it is done.
		answer = s.send(on, c.as, build(s.t, o.call, c.asked))
		if done = answer.Code == http.StatusCreated; done {
			return
		}
	}
	if answer.Code != http.StatusOK || !done {
		c.fail(s, "%s approves, which is answered %d %s; changed %q", second.name, answer.Code, answer.Body, answer.changed)
	}
}

// asks reports whether a row is one that asking for a second person writes.
func asks(row string) bool {
	return slices.ContainsFunc([]string{"approval", "membership", "revision"}, func(kind string) bool {
		return strings.HasPrefix(row, "document {"+kind)
	})
}
