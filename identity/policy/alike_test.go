package policy_test

import (
	"math/rand/v2"
	"testing"

	"github.com/touchmark/touchmark/identity/policy"
)

func TestAlike(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []string
		want          bool
	}{
		"nothing is said":             {[]string{`{}`}, []string{`{}`, `{}`}, true},
		"the same is said":            {[]string{`{"lifetime":"90d"}`}, []string{`{}`, `{"lifetime":"90d"}`}, true},
		"another value":               {[]string{`{"lifetime":"90d"}`}, []string{`{"lifetime":"30d"}`}, false},
		"a bound is gone":             {[]string{`{"lifetime":"90d"}`}, []string{`{"lifetime":"90d","loosen":["lifetime"]}`}, false},
		"a bound came":                {[]string{`{"lifetime":"90d","loosen":["lifetime"]}`}, []string{`{"lifetime":"90d"}`}, false},
		"another bound":               {[]string{`{"lifetime":"365d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`}, []string{`{"lifetime":"90d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`}, false},
		"the same bound of the above": {[]string{`{"lifetime":"90d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`}, []string{`{}`, `{"lifetime":"90d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy.Alike(policy.Evaluate(chain(t, c.before...)), policy.Evaluate(chain(t, c.after...))); got != c.want {
				t.Errorf("alike: %v, want %v", got, c.want)
			}
		})
	}
}

// Where all is alike, it is alike at every fleet below, whatever that says.
func TestAlikeBelow(t *testing.T) {
	few := []string{`{}`, `{"lifetime":"30d"}`, `{"lifetime":"90d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`, `{"lifetime":"90d","loosen":["lifetime"]}`}
	r := rand.New(rand.NewPCG(7, 7))
	some := func(n int) (texts []string) {
		for range n {
			texts = append(texts, few[r.IntN(len(few))])
		}
		return texts
	}
	alike := 0
	for range rounds {
		a, b, below := some(3), some(2), some(2)
		before, after := policy.Evaluate(chain(t, a...)), policy.Evaluate(chain(t, b...))
		if !policy.Alike(before, after) {
			continue
		}
		alike++
		for _, layer := range chain(t, below...) {
			if before, after = before.Below(layer), after.Below(layer); policy.Diff(before, after) != nil {
				t.Fatalf("%v and %v are alike, and differ below by %v", a, b, below)
			}
		}
	}
	if alike < rounds/20 {
		t.Errorf("only %d of %d pairs were alike", alike, rounds)
	}
}
