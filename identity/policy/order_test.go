package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/touchmark/touchmark/identity/policy"
)

// within reports whether a field's value is no looser than limit, both as they
// stand in a Config: what tighter means, told once more and otherwise.
func within(t *testing.T, f policy.Field, value, limit json.RawMessage) bool {
	t.Helper()
	if string(limit) == "null" && !unordered(f) {
		return true
	}
	if string(value) == "null" && !unordered(f) {
		return false
	}
	switch f {
	case policy.FieldProfile, policy.FieldOwnerInCertificate:
		return string(value) == string(limit)
	case policy.FieldForks:
		return string(value) == `"refuse"` || string(limit) == `"allow"`
	case policy.FieldApprovalOver:
		return read[int](t, value) <= read[int](t, limit)
	case policy.FieldKeys, policy.FieldKeyProtection, policy.FieldEvidence:
		all := read[[]string](t, limit)
		return len(both(all, read[[]string](t, value))) == len(read[[]string](t, value))
	case policy.FieldApproval:
		all := read[[]string](t, value)
		return len(both(all, read[[]string](t, limit))) == len(read[[]string](t, limit))
	case policy.FieldLifetime, policy.FieldRenewalWindow, policy.FieldGrace, policy.FieldApprovalLifetime:
		return read[policy.Duration](t, value) <= read[policy.Duration](t, limit)
	}
	t.Fatalf("how is %s ordered?", f)
	return false
}

func unordered(f policy.Field) bool {
	return f == policy.FieldProfile || f == policy.FieldOwnerInCertificate
}

func read[T any](t *testing.T, text json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// both returns those of b that are in a.
func both[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(b), func(v T) bool { return !slices.Contains(a, v) })
}

// tighten returns p with some of its ordered fields tighter than what it says of
// them, or, where it says nothing, than what holds at its fleet; and with less in
// loosen.
func tighten(t *testing.T, r *rand.Rand, p policy.Policy, holds policy.Effective) policy.Policy {
	t.Helper()
	said := read[map[string]json.RawMessage](t, asJSON(t, p))
	offered := read[map[string]json.RawMessage](t, json.RawMessage(randomText(r)))
	for _, s := range holds.Explain() {
		name := string(s.Field)
		base, set := said[name]
		if !set {
			base = s.Value
		}
		if offer, offered := offered[name]; offered && !unordered(s.Field) && within(t, s.Field, offer, base) {
			said[name] = offer
		}
	}
	if loosen, set := said["loosen"]; set {
		said["loosen"] = asJSON(t, some(r, 0, read[[]string](t, loosen)))
	}
	return parse(t, string(asJSON(t, said)))
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
