package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// chain makes layers of policies: "/", "/b", "/b/c" and so on, with ids to match.
func chain(t testing.TB, policies ...string) []policy.Layer {
	t.Helper()
	layers := make([]policy.Layer, 0, len(policies))
	path := identity.RootFleet
	for i, text := range policies {
		layer := policy.Layer{Fleet: identity.RootFleetID, Path: path, Policy: parse(t, text)}
		if i > 0 {
			name := string(rune('a' + i))
			layer.Fleet, layer.Path = identity.FleetID("id-"+name), path.Child(name)
		}
		layers, path = append(layers, layer), layer.Path
	}
	return layers
}

// setting is a row of Explain in one line: value, from, clamp, bound, loosenable.
func setting(s policy.Setting) string {
	text := s.Text
	if s.From != nil {
		text += " from " + string(s.From.Path)
	}
	if s.Clamped != nil {
		text += " said " + s.Clamped.Text + " above " + string(s.Clamped.By.Path)
	}
	if s.Bound != nil {
		text += " bound " + s.Bound.Text + " by " + string(s.Bound.By.Path)
	}
	if s.Loosenable {
		text += " loosenable"
	}
	return text
}

func TestWhatHolds(t *testing.T) {
	for _, test := range []struct {
		name     string
		field    policy.Field
		policies []string
		want     string
	}{
		{"tighter below", "lifetime", []string{`{"lifetime":"90d"}`, `{"lifetime":"30d"}`}, "30d from /b bound 30d by /b"},
		{"looser below is cut down", "lifetime", []string{`{"lifetime":"30d"}`, `{"lifetime":"90d"}`}, "30d from /b said 90d above / bound 30d by /"},
		{"a silent fleet inherits that", "lifetime", []string{`{"lifetime":"30d"}`, `{"lifetime":"90d"}`, `{}`}, "30d from /b said 90d above / bound 30d by /"},
		{"loosened", "lifetime", []string{`{"lifetime":"30d","loosen":["lifetime"]}`, `{"lifetime":"90d"}`}, "90d from /b bound 90d by /b"},
		{"loosened, inherited", "lifetime", []string{`{"lifetime":"30d","loosen":["lifetime"]}`, `{}`}, "30d from / loosenable"},
		{"loosened past a silent fleet", "lifetime", []string{`{"lifetime":"30d","loosen":["lifetime"]}`, `{}`, `{"lifetime":"90d"}`}, "90d from /b/c bound 90d by /b/c"},
		{"loosened within the root's bound", "lifetime", []string{`{"lifetime":"90d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`, `{"lifetime":"365d"}`}, "90d from /b/c said 365d above / bound 90d by /"},
		{"loosened within the root's bound, not used", "lifetime", []string{`{"lifetime":"90d"}`, `{"lifetime":"30d","loosen":["lifetime"]}`, `{}`}, "30d from /b bound 90d by / loosenable"},
		{"loosen opens nothing that is closed above", "lifetime", []string{`{"lifetime":"30d"}`, `{"loosen":["lifetime"]}`, `{"lifetime":"90d"}`}, "30d from /b/c said 90d above / bound 30d by /"},
		{"closed again", "lifetime", []string{`{"lifetime":"30d","loosen":["lifetime"]}`, `{"lifetime":"30d"}`, `{"lifetime":"90d"}`}, "30d from /b/c said 90d above /b bound 30d by /b"},
		{"nothing said", "lifetime", []string{`{}`, `{}`}, "the profile's"},
		{"said at a leaf only", "lifetime", []string{`{}`, `{"lifetime":"90d"}`}, "90d from /b bound 90d by /b"},

		{"accepted sets intersect", "keys", []string{`{"keys":["ecdsa-p256","ed25519"]}`, `{"keys":["ed25519","rsa-4096"]}`}, "ed25519 from /b said ed25519, rsa-4096 above / bound ed25519 by /b"},
		{"nothing is left", "keys", []string{`{"keys":["ecdsa-p256"]}`, `{"keys":["rsa-4096"]}`}, "none from /b said rsa-4096 above / bound none by /b"},
		{"any", "keys", []string{`{}`}, "any"},
		{"accepted sets loosened", "key_protection", []string{`{"key_protection":["tpm"],"loosen":["key_protection"]}`, `{"key_protection":["software","tpm"]}`}, "software, tpm from /b bound software, tpm by /b"},

		{"what waits adds up", "approval", []string{`{"approval":["enrolment"]}`, `{"approval":["actions"]}`}, "enrolment, actions from /b said actions above / bound enrolment, actions by /b"},
		{"more waits", "approval", []string{`{"approval":["enrolment"]}`, `{"approval":["enrolment","actions"]}`}, "enrolment, actions from /b bound enrolment, actions by /b"},
		{"nothing waits any more", "approval", []string{`{"approval":["enrolment"],"loosen":["approval"]}`, `{"approval":[]}`}, "none from /b bound none by /b"},
		{"fewer devices", "approval_over", []string{`{"approval_over":100}`, `{"approval_over":1000}`}, "100 from /b said 1000 above / bound 100 by /"},
		{"any number of devices", "approval_over", []string{`{}`}, "any number"},

		{"no grace binds nobody where nobody said so", "grace", []string{`{}`, `{}`}, "0s loosenable"},
		{"grace where nobody said so", "grace", []string{`{}`, `{"grace":"7d"}`}, "7d from /b bound 7d by /b"},
		{"no grace where the root says so", "grace", []string{`{"grace":"0s"}`, `{"grace":"7d"}`}, "0s from /b said 7d above / bound 0s by /"},
		{"forks where nobody said so", "forks", []string{`{}`, `{"forks":"allow"}`}, "allow from /b bound allow by /b"},
		{"forks where the root refuses", "forks", []string{`{"forks":"refuse"}`, `{"forks":"allow"}`}, "refuse from /b said allow above / bound refuse by /"},
		{"forks refused below", "forks", []string{`{"forks":"allow"}`, `{"forks":"refuse"}`}, "refuse from /b bound refuse by /b"},
		{"forks by default", "forks", nil, "refuse loosenable"},
		{"a day to approve", "approval_lifetime", []string{`{}`}, "24h loosenable"},
		{"a week to approve", "approval_lifetime", []string{`{}`, `{"approval_lifetime":"7d"}`}, "7d from /b bound 7d by /b"},
		{"any time to renew", "renewal_window", []string{`{}`}, "any time"},

		{"the profile is the root's", "profile", []string{`{"profile":"safe"}`, `{"profile":"lab"}`}, "safe from /b said lab above / bound safe by /"},
		{"the same profile", "profile", []string{`{"profile":"safe"}`, `{"profile":"safe"}`}, "safe from /b bound safe by /"},
		{"another profile", "profile", []string{`{"profile":"safe","loosen":["profile"]}`, `{"profile":"lab"}`, `{"profile":"safe"}`}, "lab from /b/c said safe above /b bound lab by /b"},
		{"the order's profile", "profile", []string{`{}`}, "the order's loosenable"},
		{"nobody says of owners", "owner_in_certificate", []string{`{}`}, "the profile's loosenable"},
		{"owner", "owner_in_certificate", []string{`{"owner_in_certificate":true}`, `{"owner_in_certificate":false}`}, "true from /b said false above / bound true by /"},
		{"no owner", "owner_in_certificate", []string{`{"owner_in_certificate":false}`, `{"owner_in_certificate":true}`}, "false from /b said true above / bound false by /"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, s := range policy.Evaluate(chain(t, test.policies...)).Explain() {
				if s.Field == test.field && setting(s) != test.want {
					t.Errorf("%s: %s\nwant %s", s.Field, setting(s), test.want)
				}
			}
		})
	}
}

func TestExplainIsForAnAPI(t *testing.T) {
	e := policy.Evaluate(chain(t, `{"keys":["ecdsa-p256"],"approval_over":5}`, `{"keys":["ed25519"],"lifetime":"24h"}`))
	var got []policy.Field
	for _, s := range e.Explain() {
		got = append(got, s.Field)
	}
	if !slices.Equal(got, policy.Fields()) {
		t.Errorf("explained %v", got)
	}
	text, err := json.Marshal(e.Explain())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"field":"profile","value":null,"text":"the order's","loosenable":true}`,
		`{"field":"lifetime","value":"24h","text":"24h","from":{"fleet":"id-b","path":"/b"},"loosenable":false,"bound":{"value":"24h","text":"24h","by":{"fleet":"id-b","path":"/b"}}}`,
		`{"field":"keys","value":[],"text":"none","from":{"fleet":"id-b","path":"/b"},"clamped":{"value":["ed25519"],"text":"ed25519","by":{"fleet":"root","path":"/"}},"loosenable":false,"bound":`,
		`{"field":"forks","value":"refuse",`, `{"field":"approval","value":[],"text":"none"`, `{"field":"approval_over","value":5,"text":"5"`,
		`{"field":"owner_in_certificate","value":null,"text":"the profile's","loosenable":true}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestCheckTellsAllThatIsTooLoose(t *testing.T) {
	parent := policy.Evaluate(chain(t, `{"lifetime":"24h","keys":["ecdsa-p256","ed25519"],"approval":["enrolment","actions"],"forks":"refuse","approval_over":10,"grace":"7d"}`,
		`{"profile":"safe","grace":"1d","loosen":["grace"],"key_protection":["tpm"],"evidence":["ticket"],"owner_in_certificate":true}`))
	err := policy.Check(parent, parse(t, `{"profile":"lab","lifetime":"90d","keys":["rsa-2048","ed25519"],"key_protection":["software"],"evidence":["ticket"],
		"approval":["actions"],"forks":"allow","approval_over":11,"grace":"8d","owner_in_certificate":true,"renewal_window":"30d"}`))
	want := policy.Faults{
		{Path: "profile", Message: "/b sets safe; leave it out, or have /b name it in loosen"},
		{Path: "lifetime", Message: "is 90d, and / allows 24h; use at most that, or have / name it in loosen"},
		{Path: "keys", Message: "/ does not accept rsa-2048; use some of ecdsa-p256, ed25519, or have / name it in loosen"},
		{Path: "key_protection", Message: "/b accepts tpm only, so nothing is left; use some of that, or have /b name it in loosen"},
		{Path: "grace", Message: "is 8d, and / allows 7d; use at most that, or have / name it in loosen"},
		{Path: "forks", Message: "/ refuses them; leave it out, or have / name it in loosen"},
		{Path: "approval", Message: "lacks enrolment, which / has wait; name it too, or have / name it in loosen"},
		{Path: "approval_over", Message: "is 11, and / allows 10; use at most that, or have / name it in loosen"},
	}
	if got := faultsOf(t, err); !slices.Equal(got, want) {
		t.Errorf("faults:\n%v\nwant:\n%v", got, want)
	}
	none := policy.Evaluate(chain(t, `{"keys":["ecdsa-p256"]}`, `{"keys":["ed25519"]}`))
	if err := policy.Check(none, parse(t, `{"keys":["ed25519"]}`)); err == nil || !strings.Contains(err.Error(), "/b accepts none") {
		t.Errorf("below a fleet that accepts none: %v", err)
	}
	if err := policy.Check(policy.Effective{}, parse(t, full)); err != nil {
		t.Errorf("nothing is above, and still: %v", err)
	}
}

func TestDiff(t *testing.T) {
	before := policy.Evaluate(chain(t, `{"lifetime":"24h","forks":"refuse"}`, `{"keys":["ed25519"]}`))
	after := policy.Evaluate(chain(t, `{"lifetime":"90d"}`, `{"keys":["ed25519"],"profile":"lab"}`))
	text, err := json.Marshal(policy.Diff(before, after))
	want := `[{"field":"profile","before":{"value":null,"text":"the order's"},"after":{"value":"lab","text":"lab"}},` +
		`{"field":"lifetime","before":{"value":"24h","text":"24h"},"after":{"value":"90d","text":"90d"}}]`
	if err != nil || string(text) != want {
		t.Errorf("changes %s (%v)\nwant %s", text, err, want)
	}
	if changes := policy.Diff(after, after.Below(policy.Layer{})); changes != nil {
		t.Errorf("changes without any: %v", changes)
	}
}
