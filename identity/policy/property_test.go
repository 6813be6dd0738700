package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/identity/policy"
)

// rounds is how many random chains each property is tried on.
const rounds = 2000

// tryChains calls fn with random chains of one to six layers.
func tryChains(t *testing.T, fn func(t *testing.T, r *rand.Rand, layers []policy.Layer)) {
	t.Helper()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(7, seed))
		texts := make([]string, 1+r.IntN(6))
		for i := range texts {
			texts[i] = randomText(r)
		}
		layers := chain(t, texts...)
		fn(t, r, layers)
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, texts)
		}
	}
}

// randomText writes a policy that sets each field every other time, to one of few
// values, so that they meet.
func randomText(r *rand.Rand) string {
	pick := func(from ...string) *string { return &from[r.IntN(len(from))] }
	members := map[string]any{
		"profile": pick("safe", "lab"), "lifetime": pick("24h", "30d", "90d", "365d"), "keys": some(r, 1, policy.KeyKinds()),
		"key_protection": some(r, 1, policy.KeyProtections()), "evidence": some(r, 1, policy.EvidenceKinds()),
		"renewal_window": pick("24h", "7d", "30d"), "grace": pick("0s", "24h", "30d"), "forks": pick("refuse", "allow"),
		"approval": some(r, 0, policy.Subjects()), "approval_over": r.IntN(3) * 10, "approval_lifetime": pick("1h", "24h", "7d"),
		"owner_in_certificate": r.IntN(2) == 0,
	}
	for _, f := range policy.Fields() {
		if r.IntN(2) == 0 {
			delete(members, string(f))
		}
	}
	members["loosen"] = some(r, 0, policy.Fields())
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// some returns at least so many of all.
func some[T any](r *rand.Rand, least int, all []T) []T {
	list := slices.Clone(all)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:least+r.IntN(len(list)-least+1)]
}

func TestEvaluateIsBelowStepByStep(t *testing.T) {
	tryChains(t, func(t *testing.T, r *rand.Rand, layers []policy.Layer) {
		e := policy.Evaluate(layers)
		cut := r.IntN(len(layers) + 1)
		stepped := policy.Evaluate(layers[:cut])
		for _, layer := range layers[cut:] {
			before := stepped.Explain()
			next := stepped.Below(layer)
			if !reflect.DeepEqual(stepped.Explain(), before) {
				t.Error("Below changed what it was called on")
			}
			stepped = next
		}
		if !reflect.DeepEqual(e.Explain(), stepped.Explain()) || policy.Diff(e, stepped) != nil {
			t.Errorf("cut at %d: %v\nand at once: %v", cut, stepped.Explain(), e.Explain())
		}
	})
}

// What Check lets pass is not clamped, and what it refuses is.
func TestCheckForetellsClamping(t *testing.T) {
	passed := 0
	tryChains(t, func(t *testing.T, _ *rand.Rand, layers []policy.Layer) {
		last := layers[len(layers)-1]
		parent := policy.Evaluate(layers[:len(layers)-1])
		refused := map[string]bool{}
		if err := policy.Check(parent, last.Policy); err != nil {
			for _, fault := range faultsOf(t, err) {
				refused[fault.Path] = true
			}
		} else {
			passed++
		}
		for _, s := range parent.Below(last).Explain() {
			clamped := s.Clamped != nil && s.From.Fleet == last.Fleet
			if clamped != refused[string(s.Field)] {
				t.Errorf("%s is clamped: %v, refused: %v", s.Field, clamped, refused[string(s.Field)])
			}
		}
	})
	if passed < rounds/20 || passed > rounds/2 {
		t.Errorf("%d of %d policies pass, which tries one side only", passed, rounds)
	}
}

// Whatever the fleets between loosen, what holds further down, and what may be set
// there, is within the bound of every fleet above.
func TestNobodyPassesABoundAbove(t *testing.T) {
	tryChains(t, func(t *testing.T, _ *rand.Rand, layers []policy.Layer) {
		var above []policy.Setting // of each fleet so far, and of none
		e := policy.Effective{}
		for _, layer := range layers {
			above = append(above, e.Explain()...)
			e = e.Below(layer)
			for i, s := range e.Explain() {
				for at := i; at < len(above); at += len(policy.Fields()) {
					limit := above[at].Bound
					if limit == nil {
						continue
					}
					if !within(t, s.Field, s.Value, limit.Value) {
						t.Errorf("%s is %s at %s, past the bound %s by %s", s.Field, s.Text, layer.Path, limit.Text, limit.By.Path)
					}
					if s.Bound == nil || !within(t, s.Field, s.Bound.Value, limit.Value) {
						t.Errorf("%s has the bound %v at %s, past %s by %s", s.Field, s.Bound, layer.Path, limit.Text, limit.By.Path)
					}
				}
				if s.Bound != nil && !within(t, s.Field, s.Value, s.Bound.Value) {
					t.Errorf("%s is %s at %s, past the bound %s that it sets", s.Field, s.Text, layer.Path, s.Bound.Text)
				}
			}
		}
	})
}

// Loosenable tells whether a child can get anything looser.
func TestLoosenableIsTrue(t *testing.T) {
	tryChains(t, func(t *testing.T, r *rand.Rand, layers []policy.Layer) {
		e := policy.Evaluate(layers)
		child := e.Below(policy.Layer{Fleet: "child", Path: "/child", Policy: parse(t, randomText(r))}).Explain()
		for i, s := range e.Explain() {
			gained := !within(t, s.Field, child[i].Value, s.Value)
			if gained && !s.Loosenable {
				t.Errorf("%s is %s below %s, which is not loosenable", s.Field, child[i].Text, s.Text)
			}
			if s.Loosenable && s.Bound != nil && within(t, s.Field, s.Bound.Value, s.Value) {
				t.Errorf("%s is %s, loosenable up to %s", s.Field, s.Text, s.Bound.Text)
			}
		}
	})
}

// Tightening any fleet loosens nothing at any fleet below.
func TestTighteningAboveNeverLoosensBelow(t *testing.T) {
	changed := 0
	tryChains(t, func(t *testing.T, r *rand.Rand, layers []policy.Layer) {
		before := policy.Evaluate(layers)
		at := r.IntN(len(layers))
		tightened := slices.Clone(layers)
		tightened[at].Policy = tighten(t, r, layers[at].Policy, policy.Evaluate(layers[:at+1]))
		after := policy.Evaluate(tightened)
		for _, c := range policy.Diff(before, after) {
			changed++
			if !unordered(c.Field) && !within(t, c.Field, c.After.Value, c.Before.Value) {
				t.Errorf("%s was %s and is %s, since %s has %+v", c.Field, c.Before.Text, c.After.Text, layers[at].Path, tightened[at].Policy.Config())
			}
		}
	})
	if changed < rounds {
		t.Errorf("%d changes in %d rounds, which tries little", changed, rounds)
	}
}

// The value is what the last fleet to speak said, cut down by all above that closed
// the field: a definition without steps.
func TestValueIsTheLastWordWithinWhatWasClosed(t *testing.T) {
	tryChains(t, func(t *testing.T, _ *rand.Rand, layers []policy.Layer) {
		e := policy.Evaluate(layers)
		want := time.Duration(1<<63 - 1)
		closed := want
		wantKeys, closedKeys := policy.KeyKinds(), policy.KeyKinds()
		wantWaits, closedWaits := []policy.Subject(nil), []policy.Subject(nil)
		wantProfile, closedProfile := "", ""
		for _, layer := range layers {
			c := layer.Policy.Config()
			if c.Lifetime != nil {
				want = min(closed, time.Duration(*c.Lifetime))
				if !slices.Contains(c.Loosen, policy.FieldLifetime) {
					closed = min(closed, time.Duration(*c.Lifetime))
				}
			}
			if c.Keys != nil {
				wantKeys = both(closedKeys, c.Keys)
				if !slices.Contains(c.Loosen, policy.FieldKeys) {
					closedKeys = both(closedKeys, c.Keys)
				}
			}
			if c.Approval != nil {
				wantWaits = slices.Concat(closedWaits, c.Approval)
				if !slices.Contains(c.Loosen, policy.FieldApproval) {
					closedWaits = wantWaits
				}
			}
			if c.Profile != nil {
				if wantProfile = closedProfile; closedProfile == "" {
					wantProfile = *c.Profile
				}
				if !slices.Contains(c.Loosen, policy.FieldProfile) {
					closedProfile = wantProfile
				}
			}
		}
		if got := e.Lifetime(1<<63 - 1); got != want {
			t.Errorf("lifetime %v, want %v", got, want)
		}
		for _, kind := range policy.KeyKinds() {
			if e.AcceptsKey(kind) != slices.Contains(wantKeys, kind) {
				t.Errorf("%s is accepted: %v", kind, e.AcceptsKey(kind))
			}
		}
		for _, s := range policy.Subjects() {
			if e.NeedsApproval(s) != slices.Contains(wantWaits, s) {
				t.Errorf("%s waits: %v", s, e.NeedsApproval(s))
			}
		}
		if got, _ := e.Profile(); got != wantProfile {
			t.Errorf("profile %q, want %q", got, wantProfile)
		}
	})
}
