package enroll_test

import (
	"sync"
	"testing"
)

// way is a kind of step and how it ended: as a code, "done" or "waits".
type way struct{ kind, outcome string }

func (w *walk) count(a *attempt) { w.ways[way{a.kind, a.outcome()}]++ }

// tally is what several walks came across.
type tally struct {
	mu   sync.Mutex // guards ways
	ways map[way]int
}

func (all *tally) add(ways map[way]int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for way, n := range ways {
		all.ways[way] += n
	}
}

// enough is how many walks come everywhere. With the race detector there are fewer.
const enough = 50

// everywhere fails unless the walks went where they are to go: else they prove little,
// however many there are.
func (all *tally) everywhere(t *testing.T, walked int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if t.Failed() || walked < enough {
		return
	}
	for kind, outcomes := range map[string][]string{
		"create grant": {"done", "waits", "forbidden", "not_found"}, "delete grant": {"done", "waits", "forbidden", "not_found"},
		"put role": {"done", "waits", "forbidden"}, "delete role": {"forbidden"}, "create fleet": {"done", "forbidden"},
		"edit fleet": {"done", "waits", "forbidden", "not_found", "conflict"}, "delete fleet": {"done", "waits", "forbidden", "not_found", "conflict"},
		"set policy":   {"done", "waits", "forbidden", "bad_request"},
		"create token": {"done", "forbidden", "not_found"}, "rotate token": {"done", "forbidden", "not_found"},
		"revoke token": {"done", "not_found"}, "act": {"done", "waits", "forbidden", "not_found"},
		"assign": {"done", "waits", "forbidden", "not_found"}, "disown": {"done", "waits", "forbidden"},
		"offer": {"done", "forbidden"}, "answer": {"done", "not_found"}, "draw code": {"done", "forbidden", "conflict"},
		"start claim": {"done", "conflict"}, "confirm": {"done", "not_found", "forbidden"},
		"decide": {"done", "forbidden", "conflict", "wrong_state"}, "start job": {"done", "waits", "forbidden"}, "jobs": {"done"},
	} {
		for _, outcome := range outcomes {
			if all.ways[way{kind, outcome}] == 0 {
				t.Errorf("in %d walks %q never ended as %q", walked, kind, outcome)
			}
		}
	}
}
