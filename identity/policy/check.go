package policy

import (
	"fmt"
	"strings"
)

// Check refuses a policy of a fleet right below the one that parent holds at, if it
// sets anything looser than it may. It reports all of that at once, as [Faults],
// with the path of the fleet above that does not allow it. What Check lets pass is
// not clamped.
func Check(parent Effective, own Policy) error {
	var faults Faults
	for i := range fieldCount {
		s := parent.at(i)
		if !own.set.has(i) || s.closedBy == nil {
			continue
		}
		if said := own.said[i]; i.meet(said, s.bound) != said {
			faults.add(string(i.field()), "%s, or have %s name it in loosen", i.refusal(said, s.bound, string(s.closedBy.Path)), s.closedBy.Path)
		}
	}
	return faults.asError()
}

// refusal says what is too loose about a value, and what would not be.
func (i index) refusal(said, bound value, by string) string {
	words := i.words()
	list := func(bits int64) string { return strings.Join(members(bits, words), ", ") }
	switch {
	case i.order() == fewer && bound.n == 0:
		return fmt.Sprintf("%s accepts none, so nothing is left; leave it out", by)
	case i.order() == fewer && said.n&bound.n == 0:
		return fmt.Sprintf("%s accepts %s only, so nothing is left; use some of that", by, list(bound.n))
	case i.order() == fewer:
		return fmt.Sprintf("%s does not accept %s; use some of %s", by, list(said.n&^bound.n), list(bound.n))
	case i.order() == more:
		return fmt.Sprintf("lacks %s, which %s has wait; name it too", list(bound.n&^said.n), by)
	case i.order() == unordered:
		return fmt.Sprintf("%s sets %s; leave it out", by, i.text(bound))
	case i == forks:
		return fmt.Sprintf("%s refuses them; leave it out", by)
	default:
		return fmt.Sprintf("is %s, and %s allows %s; use at most that", i.text(said), by, i.text(bound))
	}
}
