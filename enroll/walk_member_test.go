package enroll_test

import (
	"slices"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// modelMember is what is known of somebody who left something to be done without
// them.
type modelMember struct {
	groups          []string // sorted
	seenAt, changed time.Time
}

// remember notes the groups of somebody who leaves something to be done.
func (m *model) remember(p identity.Principal) {
	if p.Kind != identity.OIDC {
		return
	}
	known := m.known[p.ID()]
	if known == nil {
		known = &modelMember{}
		m.known[p.ID()] = known
	}
	known.groups, known.seenAt = sortedGroups(p.Groups), m.now
}

// arrive is somebody's own call: their groups become fewer at once, and more where
// they did not change within the last minute.
func (m *model) arrive(p identity.Principal) {
	known := m.known[p.ID()]
	if known == nil {
		return
	}
	next := sortedGroups(p.Groups)
	if m.now.Sub(known.changed) < time.Minute {
		next = slices.DeleteFunc(slices.Clone(known.groups), func(group string) bool { return !slices.Contains(p.Groups, group) })
	}
	since := m.now.Sub(known.seenAt)
	if slices.Equal(next, known.groups) && since < min(24*time.Hour, m.lapse/2) {
		return
	}
	if !slices.Equal(next, known.groups) {
		known.groups, known.changed = next, m.now
	}
	known.seenAt = m.now
}

// remembered returns somebody as they are known without calling themselves.
func (m *model) remembered(p identity.Principal) identity.Principal {
	if p.Kind != identity.OIDC {
		return p
	}
	known := m.known[p.ID()]
	if known == nil || m.now.Sub(known.seenAt) >= m.lapse {
		return person(p.Subject)
	}
	return person(p.Subject, known.groups...)
}

// answers returns who answers for what somebody does, in all groups that they are
// known to be in, whether or not these still give them anything.
func (m *model) answers(p identity.Principal) identity.Principal {
	if p.Kind != identity.ScopedToken {
		return p
	}
	t := m.token(p.Token)
	if t == nil || t.maker.Kind != identity.OIDC {
		return identity.Principal{}
	}
	return person(t.maker.Subject, m.known[t.maker.ID()].groups...)
}

func sortedGroups(groups []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(groups)))
}
