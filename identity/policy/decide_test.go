package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/touchmark/touchmark/identity/policy"
)

// everything is closed at the root by full, but for what waits and who forks.
func everything(t testing.TB) policy.Effective {
	t.Helper()
	return policy.Evaluate(chain(t, full, `{}`, `{"approval":["enrolment","authority","actions"],"forks":"refuse"}`))
}

func TestDecisionsByDefault(t *testing.T) {
	var e policy.Effective
	for _, kind := range append(policy.KeyKinds(), "", "dsa-1024") {
		if !e.AcceptsKey(kind) {
			t.Errorf("a key of kind %q is refused, and nobody said so", kind)
		}
	}
	for _, p := range append(policy.KeyProtections(), "") {
		if !e.AcceptsProtection(p) {
			t.Errorf("a key in %q is refused, and nobody said so", p)
		}
	}
	for _, kind := range policy.EvidenceKinds() {
		if !e.AcceptsEvidence(kind) {
			t.Errorf("%s is refused, and nobody said so", kind)
		}
	}
	for _, s := range policy.Subjects() {
		if e.NeedsApproval(s) {
			t.Errorf("%s waits, and nobody said so", s)
		}
	}
	if e.ActionWaits(10_000_000) || e.AllowsForks() || e.Lifetime(time.Hour) != time.Hour {
		t.Error("actions wait, forks are allowed, or the lifetime is not the profile's")
	}
	if lifetime, set := e.ApprovalLifetime(); set || lifetime != 24*time.Hour {
		t.Errorf("a request waits %v (%v)", lifetime, set)
	}
}

func TestGettersSayWhetherAFleetDid(t *testing.T) {
	for name, set := range map[string]func(policy.Effective) bool{
		"profile":              func(e policy.Effective) bool { got, set := e.Profile(); return set && got == "sensors" },
		"lifetime":             func(e policy.Effective) bool { got, set := e.MaxLifetime(); return set && got == 90*24*time.Hour },
		"keys":                 func(e policy.Effective) bool { got, set := e.Keys(); return set && len(got) == 2 },
		"key_protection":       func(e policy.Effective) bool { got, set := e.KeyProtection(); return set && len(got) == 2 },
		"evidence":             func(e policy.Effective) bool { got, set := e.Evidence(); return set && len(got) == 2 },
		"renewal_window":       func(e policy.Effective) bool { got, set := e.RenewalWindow(); return set && got == 30*24*time.Hour },
		"grace":                func(e policy.Effective) bool { got, set := e.Grace(); return set && got == 36*time.Hour },
		"forks":                func(e policy.Effective) bool { got, set := e.Forks(); return set && got == policy.RefuseForks },
		"approval":             func(e policy.Effective) bool { got, set := e.Approval(); return set && len(got) == 3 },
		"approval_over":        func(e policy.Effective) bool { got, set := e.ApprovalOver(); return set && got == 100 },
		"approval_lifetime":    func(e policy.Effective) bool { got, set := e.ApprovalLifetime(); return set && got == 90*time.Minute },
		"owner_in_certificate": func(e policy.Effective) bool { got, set := e.OwnerInCertificate(); return set && got },
	} {
		if !set(everything(t)) {
			t.Errorf("%s is not what the fleets set", name)
		}
		if set(policy.Effective{}) {
			t.Errorf("%s is set, and nobody did", name)
		}
	}
}

func TestDecisions(t *testing.T) {
	e := everything(t)
	for _, kind := range append(policy.KeyKinds(), "") {
		if want := kind == policy.ECDSAP256 || kind == policy.Ed25519; e.AcceptsKey(kind) != want {
			t.Errorf("a key of kind %q is accepted: %v, want %v", kind, !want, want)
		}
	}
	for _, p := range append(policy.KeyProtections(), "") {
		if want := p == policy.TPM || p == policy.SecureElement; e.AcceptsProtection(p) != want {
			t.Errorf("a key in %q is accepted: %v, want %v", p, !want, want)
		}
	}
	for _, kind := range append(policy.EvidenceKinds(), "") {
		if want := kind == policy.Ticket || kind == policy.Certificate; e.AcceptsEvidence(kind) != want {
			t.Errorf("evidence %q is accepted: %v, want %v", kind, !want, want)
		}
	}
	if e.Lifetime(time.Hour) != time.Hour || e.Lifetime(91*24*time.Hour) != 90*24*time.Hour {
		t.Errorf("lifetimes %v and %v", e.Lifetime(time.Hour), e.Lifetime(91*24*time.Hour))
	}
	if e.NeedsApproval("lunch") {
		t.Error("what is no subject waits")
	}
}

func TestWhatWaits(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		most int // of devices that do not wait; -1 for none
	}{
		"by number":      {`{"approval_over":100}`, 100},
		"each":           {`{"approval_over":0}`, 0},
		"protected":      {`{"approval_over":100,"approval":["actions"]}`, -1},
		"others protect": {`{"approval_over":7,"approval":["enrolment","authority"]}`, 7},
	} {
		t.Run(name, func(t *testing.T) {
			e := policy.Evaluate(chain(t, test.text))
			for devices := range 102 {
				if got, want := e.ActionWaits(devices), devices > test.most; got != want {
					t.Fatalf("an action on %d devices waits: %v, want %v", devices, got, want)
				}
			}
		})
	}
}

func TestWhenACertificateRenews(t *testing.T) {
	begin := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	end := begin.Add(10 * 24 * time.Hour)
	for name, test := range map[string]struct {
		text        string
		from, until time.Time
	}{
		"any time":            {`{}`, begin, end},
		"window":              {`{"renewal_window":"2d"}`, end.Add(-48 * time.Hour), end},
		"window of more":      {`{"renewal_window":"11d"}`, begin, end},
		"window of just that": {`{"renewal_window":"10d"}`, begin, end},
		"grace":               {`{"grace":"7d"}`, begin, end.Add(7 * 24 * time.Hour)},
		"no grace":            {`{"grace":"0s"}`, begin, end},
		"both":                {`{"renewal_window":"1m","grace":"1s"}`, end.Add(-time.Minute), end.Add(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			e := policy.Evaluate(chain(t, test.text))
			for moment, want := range map[time.Time]bool{
				test.from.Add(-time.Second): false, test.from: true, test.until: true, test.until.Add(time.Second): false,
			} {
				ok, from, until := e.Renews(moment, begin, end)
				if ok != want || !from.Equal(test.from) || !until.Equal(test.until) {
					t.Errorf("at %v: %v, from %v until %v; want %v, %v, %v", moment, ok, from, until, want, test.from, test.until)
				}
			}
		})
	}
}

func TestDecisionsDoNotAllocate(t *testing.T) {
	e := everything(t)
	now := time.Now()
	for name, decide := range decisions() {
		if allocations := testing.AllocsPerRun(100, func() { decide(e, now) }); allocations != 0 {
			t.Errorf("%s allocates %v times", name, allocations)
		}
	}
	silent := chain(t, `{}`)[0]
	if allocations := testing.AllocsPerRun(100, func() { e.Below(silent) }); allocations != 0 {
		t.Errorf("a fleet that says nothing costs %v allocations", allocations)
	}
}

// decisions are those that each request may ask for.
func decisions() map[string]func(policy.Effective, time.Time) {
	return map[string]func(policy.Effective, time.Time){
		"AcceptsKey":        func(e policy.Effective, _ time.Time) { e.AcceptsKey(policy.RSA4096) },
		"AcceptsProtection": func(e policy.Effective, _ time.Time) { e.AcceptsProtection(policy.SecureElement) },
		"AcceptsEvidence":   func(e policy.Effective, _ time.Time) { e.AcceptsEvidence(policy.Certificate) },
		"Profile":           func(e policy.Effective, _ time.Time) { e.Profile() },
		"Lifetime":          func(e policy.Effective, _ time.Time) { e.Lifetime(time.Hour) },
		"Renews":            func(e policy.Effective, now time.Time) { e.Renews(now, now, now) },
		"AllowsForks":       func(e policy.Effective, _ time.Time) { e.AllowsForks() },
		"NeedsApproval":     func(e policy.Effective, _ time.Time) { e.NeedsApproval(policy.SubjectAuthority) },
		"ActionWaits":       func(e policy.Effective, _ time.Time) { e.ActionWaits(5) },
	}
}

func BenchmarkDecision(b *testing.B) {
	e, now := everything(b), time.Now()
	names := []string{}
	for name := range decisions() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		decide := decisions()[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				decide(e, now)
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	layers := chain(b, `{"lifetime":"90d","loosen":["lifetime"]}`, full, `{"grace":"1d"}`, `{"keys":["ed25519"],"lifetime":"30d"}`, `{"approval":["enrolment"]}`)
	b.Run("five", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			policy.Evaluate(layers)
		}
	})
	parent := policy.Evaluate(layers[:4])
	b.Run("below", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parent.Below(layers[4])
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = policy.Check(parent, layers[3].Policy)
		}
	})
	b.Run("explain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parent.Explain()
		}
	})
}
