package escalation_test

import (
	"encoding/json"
	"slices"
)

// combination is one call that was made.
type combination struct {
	on     listener
	call   string
	form   form
	as     *actor
	at     position
	asked  request
	want   outcome
	answer reply
}

func (c *combination) fail(s *stage, format string, values ...any) {
	s.t.Helper()
	s.t.Errorf("%s (%s) as %s, %s: "+format, append([]any{c.call, c.form.name, c.as.name, c.at}, values...)...)
}

// check compares an answer with the model.
func (c *combination) check(s *stage, w *world) {
	s.t.Helper()
	if want := c.want.status(c.form.status); c.answer.Code != want {
		c.fail(s, "%d %s, want %d", c.answer.Code, c.answer.Body, want)
		return
	}
	c.checkSecrets(s, w)
	switch c.want {
	case allowed:
		c.checkDone(s, w)
	case waits:
		c.checkWaits(s)
	case nobody, unacceptable:
		if len(c.answer.changed)+len(c.answer.records) > 0 {
			c.fail(s, "changed %q and recorded %s", c.answer.changed, c.answer.records)
		}
	case forbidden, notFound, wrongState:
		c.checkRefused(s)
	}
}

// checkDone checks a success: what is read changes nothing, and a list names all that
// may be seen and nothing else.
func (c *combination) checkDone(s *stage, w *world) {
	s.t.Helper()
	if changed := len(c.answer.changed)+len(c.answer.records) > 0; changed == c.form.reads {
		c.fail(s, "changed %q and recorded %s", c.answer.changed, c.answer.records)
	}
	if c.form.items == nil {
		return
	}
	want, got := c.form.items.wants(w, c.as, c.at), c.names(s)
	if !slices.Equal(got, want) {
		less := func(a, b []string) []string {
			return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return slices.Contains(b, id) })
		}
		c.fail(s, "listed %d, of which too many %q, and too few %q", len(got), less(got, want), less(want, got))
	}
}

// checkWaits checks that nothing was done but asking for a second person.
func (c *combination) checkWaits(s *stage) {
	s.t.Helper()
	for _, changed := range c.answer.changed {
		if !asks(changed) {
			c.fail(s, "waits, and changed %s", changed)
		}
	}
	if kinds := kindsOf(s, c.answer.records); !slices.Equal(kinds, []string{"approval.requested"}) {
		c.fail(s, "waits, and recorded %q", kinds)
	}
}

// checkRefused checks that nothing was done, and that the refusal stands in the log.
func (c *combination) checkRefused(s *stage) {
	s.t.Helper()
	if len(c.answer.changed) > 0 {
		c.fail(s, "refused, and changed %q", c.answer.changed)
	}
	want := []string{"request.refused"}
	if s.refused[c.as.id]++; s.refused[c.as.id] > recordedAlone {
		want = nil
	}
	if kinds := kindsOf(s, c.answer.records); !slices.Equal(kinds, want) {
		c.fail(s, "refused for the %d. time, and recorded %q", s.refused[c.as.id], kinds)
	}
}

// kindsOf returns the kinds of records.
func kindsOf(s *stage, records [][]byte) (kinds []string) {
	s.t.Helper()
	for _, record := range records {
		var head struct {
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal(record, &head); err != nil {
			s.t.Fatal(err)
		}
		kinds = append(kinds, head.Kind)
	}
	return kinds
}
