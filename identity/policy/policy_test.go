package policy_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/identity/policy"
)

// full sets every member.
const full = `{"profile":"sensors","lifetime":"90d","keys":["ecdsa-p256","ed25519"],"key_protection":["tpm","secure-element"],` +
	`"evidence":["ticket","certificate"],"renewal_window":"30d","grace":"36h","forks":"allow","approval":["enrolment","authority"],` +
	`"approval_over":100,"approval_lifetime":"1h30m","owner_in_certificate":true,"loosen":["lifetime","grace"]}`

func TestPolicyIsWrittenAsItIsRead(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"all members":      {full, full},
		"nothing":          {`{}`, `{}`},
		"null is nothing":  {`{"profile":null,"keys":null}`, `{}`},
		"order of sets":    {`{"keys":["rsa-2048","ecdsa-p256"],"loosen":["keys","profile"]}`, `{"keys":["ecdsa-p256","rsa-2048"],"loosen":["profile","keys"]}`},
		"order of members": {`{"grace":"0s","lifetime":"1440m"}`, `{"lifetime":"24h","grace":"0s"}`},
		"nothing waits":    {`{"approval":[]}`, `{"approval":[]}`},
		"false is said":    {`{"owner_in_certificate":false,"approval_over":0}`, `{"approval_over":0,"owner_in_certificate":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, test.text)
			got, err := json.Marshal(p)
			if err != nil || string(got) != test.want {
				t.Fatalf("written as %s (%v), want %s", got, err, test.want)
			}
			if again := parse(t, string(got)); again != p {
				t.Errorf("read again it is %+v, and was %+v", again, p)
			}
		})
	}
}

// What is right stands beside what is wrong, so that all can be told at once.
func TestReview(t *testing.T) {
	var c policy.Config
	if err := json.Unmarshal([]byte(`{"lifetime":"400d","keys":["dsa"],"grace":"999d"}`), &c); err != nil {
		t.Fatal(err)
	}
	right, faults := policy.Review(c)
	if len(faults) != 2 || faults[0].Path != "keys[0]" || faults[1].Path != "grace" {
		t.Errorf("faults %v", faults)
	}
	above := policy.Effective{}.Below(policy.Layer{Fleet: "root", Path: "/", Policy: parse(t, `{"lifetime":"7d"}`)})
	var loose policy.Faults
	if err := policy.Check(above, right); !errors.As(err, &loose) || len(loose) != 1 || loose[0].Path != "lifetime" {
		t.Errorf("what is right is looser than it may be: %v", err)
	}
	if _, err := policy.New(c); err == nil {
		t.Error("what has faults is a policy")
	}
}

// Every member of a Config is a field or loosen, in the order of Fields, and is
// read by Parse.
func TestEveryMemberIsAField(t *testing.T) {
	var names []string
	config := reflect.TypeFor[policy.Config]()
	for i := range config.NumField() {
		name, _, _ := strings.Cut(config.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	var want []string
	for _, f := range policy.Fields() {
		want = append(want, string(f))
	}
	if want = append(want, "loosen"); !slices.Equal(names, want) {
		t.Errorf("members %v, fields %v", names, want)
	}
	set := reflect.ValueOf(parse(t, full).Config())
	for i := range set.NumField() {
		if set.Field(i).IsZero() {
			t.Errorf("%s is not read", names[i])
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := policy.Parse([]byte(`{"profile":"Sensors","lifetime":"59s","keys":[],"key_protection":["tpm","tpm"],"evidence":["ticket","oath"],
		"renewal_window":"31y","grace":"367d","forks":"maybe","approval":"all","approval_over":-1,"approval_lifetime":"90500ms",
		"owner_in_certificate":1,"loosen":["colour"],"Lifetime":"24h","grace":"1d"}`))
	want := map[string]string{
		"profile": "1 to 64", "lifetime": "is 59s; use 1m to 30 years", "keys": "at least one", "key_protection[1]": "tpm is named twice",
		"evidence[1]": "use ticket, station, certificate", "renewal_window": "90s", "grace": "is 367d; use 0s to 366d",
		"forks": "use refuse or allow", "approval": "list", "approval_over": "0 to 10000000", "approval_lifetime": "whole seconds",
		"owner_in_certificate": "true or false", "loosen[0]": "is unknown; use profile", "Lifetime": "is unknown; use profile",
	}
	for _, fault := range faultsOf(t, err) {
		part, known := want[fault.Path]
		if fault.Path == "grace" && strings.Contains(fault.Message, "twice") {
			continue
		}
		if !known || !strings.Contains(fault.Message, part) {
			t.Errorf("fault %q, want one with %q", fault, part)
		}
		delete(want, fault.Path)
	}
	for path := range want {
		t.Errorf("no fault of %s in:\n%v", path, err)
	}
	if !strings.Contains(err.Error(), "grace: is there twice") {
		t.Errorf("a member that is there twice is no fault:\n%v", err)
	}
}

func TestWhatIsNoPolicy(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":     {"", "no JSON object"},
		"null":        {"null", "no JSON object"},
		"list":        {"[]", "no JSON object"},
		"cut":         {`{"profile":"a"`, "no JSON"},
		"cut earlier": {`{"profile":`, "no JSON"},
		"no name":     {`{1:2}`, "no JSON"},
		"more":        {`{} {}`, "goes on"},
		"too large":   {`{"profile":"` + strings.Repeat("a", policy.MaxJSON) + `"}`, "at most 16384"},
		"long name":   {`{"` + strings.Repeat("é", 99) + `":1}`, "é…: is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(test.text))
			if found := faultsOf(t, err); len(found) != 1 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want one fault with %q", err, test.want)
			}
		})
	}
}

// Within another document a policy is as strict, and null changes nothing.
func TestPolicyWithinADocument(t *testing.T) {
	var doc struct {
		Policy policy.Policy `json:"policy"`
		Config policy.Config `json:"config"`
	}
	if err := json.Unmarshal([]byte(`{"policy":{"forks":"allow"},"config":{"forks":"allow"}}`), &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"policy":null,"config":null}`), &doc); err != nil {
		t.Fatal(err)
	}
	if got, err := policy.New(doc.Config); err != nil || got != doc.Policy || got.Empty() {
		t.Errorf("the policy is %+v and of the config %+v (%v)", doc.Policy, got, err)
	}
	for _, text := range []string{`{"policy":{"fork":"allow"}}`, `{"config":{"fork":"allow"}}`} {
		if err := json.Unmarshal([]byte(text), &doc); faultsOf(t, err)[0].Path != "fork" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0s", "90s": "1m30s", "60m": "1h", "1h0m5s": "1h0m5s", "24h": "24h", "36h": "36h", "48h": "2d", "365d": "365d", "25h30m": "25h30m",
	} {
		var d policy.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%s is written %s (%v), want %s", text, d, err, want)
		}
		if again, err := policy.ParseDuration(d.String()); err != nil || again != time.Duration(d) {
			t.Errorf("%s is read as %v (%v), want %v", d, again, err, time.Duration(d))
		}
	}
	var d policy.Duration
	if err := d.UnmarshalText([]byte("soon")); err == nil {
		t.Errorf("soon is %v", d)
	}
}

func parse(t testing.TB, text string) policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func faultsOf(t testing.TB, err error) policy.Faults {
	t.Helper()
	var faults policy.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("%v is no Faults", err)
	}
	return faults
}
