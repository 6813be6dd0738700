package escalation_test

import (
	"slices"
	"strings"
)

// secret is what somebody must not be told: what something outside of their branches
// is called.
type secret struct {
	name string
	path bool // of a fleet, which may be the beginning of others' paths
}

// secretsOf returns all that somebody must not learn of. Where a branch lies is no
// secret to whoever sees it, and so are what stands above it; and owners see the fleet
// and the order of what they own.
func (w *world) secretsOf(a *actor) (list []secret) {
	for _, what := range []string{
		"fleet", "path", "order", "active", "held", "bobs", "claimed", "expected", "active's certificate", "held's certificate",
		"bobs's certificate", "claimed's certificate", "grant", "token", "approval", "started",
	} {
		named := slices.Contains([]string{"fleet", "path"}, what)
		for at, id := range w.ids[what] {
			if at == unknown || at == top || a.sees(at.place()) || named && a.knows(at.place()) {
				continue
			}
			if a.hasPartIn(at) || a.hasPartIn(owned()...) && at.place() == siblingPlace && (named || what == "order") {
				continue
			}
			list = append(list, secret{id, what == "path"})
		}
	}
	return list
}

// hasPartIn reports whether something at one of the positions is owned by somebody, or
// offered to them.
func (a *actor) hasPartIn(at ...position) bool {
	return slices.ContainsFunc(at, func(at position) bool { return a.owns(at) || slices.Contains(a.offered, at) })
}

// knows reports whether somebody knows of a fleet, by what they see below it or what
// was given to them there once.
func (a *actor) knows(at place) bool {
	for _, below := range known() {
		if below.place().within(at) && (a.sees(below.place()) || slices.Contains(a.remembers, below.place())) {
			return true
		}
	}
	return false
}

// in returns where a secret stands in an answer; it is negative where it does not.
func (s secret) in(text string) int {
	for from := 0; ; {
		at := strings.Index(text[from:], s.name)
		if at < 0 {
			return -1
		}
		end := from + at + len(s.name)
		if !s.path || end == len(text) || !strings.ContainsRune("/-._abcdefghijklmnopqrstuvwxyz0123456789", rune(text[end])) {
			return from + at
		}
		from = end
	}
}

// checkSecrets checks that an answer tells nothing of what is none of the caller's
// business, but for what they named themselves.
func (c *combination) checkSecrets(s *stage, w *world) {
	s.t.Helper()
	if c.form.open && c.want == allowed {
		return // to whoever has the code
	}
	text := c.answer.told(c.asked)
	for _, secret := range w.secrets[c.as] {
		if at := secret.in(text); at >= 0 {
			c.fail(s, "is told of %s: …%s", secret.name, text[max(0, at-80):min(len(text), at+80)])
		}
	}
}
