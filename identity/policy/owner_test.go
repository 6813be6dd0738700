package policy_test

import (
	"testing"

	"github.com/touchmark/touchmark/identity/policy"
)

// What no fleet says the profile decides: that is neither true nor false, and to say
// false is a change.
func TestSayingNothingOfOwnersIsNotFalse(t *testing.T) {
	nothing := policy.Evaluate(chain(t, `{}`))
	no := policy.Evaluate(chain(t, `{"owner_in_certificate":false}`))
	yes := policy.Evaluate(chain(t, `{"owner_in_certificate":true}`))
	for name, c := range map[string]struct {
		before, after policy.Effective
		want          string
	}{
		"nothing, then false": {nothing, no, "the profile's -> false"},
		"false, then nothing": {no, nothing, "false -> the profile's"},
		"nothing, then true":  {nothing, yes, "the profile's -> true"},
		"true, then false":    {yes, no, "true -> false"},
		"false all the time":  {no, no, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, change := range policy.Diff(c.before, c.after) {
				got += change.Before.Text + " -> " + change.After.Text
			}
			if got != c.want || policy.Alike(c.before, c.after) != (c.want == "") {
				t.Errorf("it changes %q, want %q", got, c.want)
			}
		})
	}
	if carries, set := no.OwnerInCertificate(); carries || !set {
		t.Errorf("false is taken for %v, set: %v", carries, set)
	}
	if carries, set := nothing.OwnerInCertificate(); carries || set {
		t.Errorf("nothing is taken for %v, set: %v", carries, set)
	}
}
