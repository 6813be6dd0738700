package enroll_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

// checkAnswers asks the service about a few of its decisions, as people do: whether
// somebody may do something, until when, and whether it would wait.
func (w *walk) checkAnswers() error {
	for range 4 {
		p, f, permission := pick(w, w.principals()), pick(w, w.model.fleets), pick(w, identity.Permissions())
		if err := w.checkAnswer(p, f, permission); err != nil {
			return fmt.Errorf("%s asks about %s on %s: %w", p.ID(), permission, f.path(), err)
		}
	}
	for _, t := range w.model.tokens {
		_, err := w.TokenPrincipal(w.tb.Context(), w.texts[t.id], "192.0.2.8")
		if opens := !w.model.ended(t.until); (err == nil) != opens {
			return fmt.Errorf("the token %s opens %v: %w", t.id, opens, err)
		}
	}
	return nil
}

func (w *walk) checkAnswer(p identity.Principal, f *modelFleet, permission identity.Permission) error {
	m := w.model
	told, err := w.Explain(w.tb.Context(), p, enroll.Question{Permission: string(permission), On: f.path()})
	if !slices.ContainsFunc(m.holds(p), func(h held) bool { return f.within(h.fleet) }) {
		if codeOf(err) != enroll.NotFound {
			return fmt.Errorf("it is told %+v, %w, of where it holds nothing", told, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if told.Allowed != m.may(p, permission, f) {
		return fmt.Errorf("allowed: %v", told.Allowed)
	}
	if !told.Allowed {
		return nil
	}
	v := verdict{places: []*modelFleet{f}, subject: subjectOf(permission), devices: 1}
	if waits := v.subject != "" && m.mustWait(p, v); told.Waits != waits {
		return fmt.Errorf("it is told that it waits: %v, and it does: %v", told.Waits, waits)
	}
	if p.Kind == identity.ScopedToken {
		return nil
	}
	last := told.Deciding.Until
	for _, other := range told.Others {
		if other.Why == "" {
			last = latest(last, other.Until)
		}
	}
	var want time.Time
	for i, h := range slices.DeleteFunc(m.holds(p), func(h held) bool { return !h.may.has(permission) || !f.within(h.fleet) }) {
		if want = latest(want, h.until); i == 0 {
			want = h.until
		}
	}
	if !last.Equal(want) {
		return fmt.Errorf("it is held until %s, and told to be until %s", want, last)
	}
	return nil
}

// latest is the later of two ends, of which zero is none.
func latest(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

func subjectOf(permission identity.Permission) policy.Subject {
	switch permission {
	case identity.DeviceHold, identity.DeviceRelease, identity.DeviceRevoke, identity.DeviceRetire, identity.DeviceReenrol, identity.DeviceAssign:
		return policy.SubjectActions
	case identity.FleetEdit, identity.FleetDelete, identity.PolicySet, identity.GrantCreate, identity.GrantDelete, identity.RoleEdit:
		return policy.SubjectAuthority
	case identity.DeviceEnrol, identity.DeviceEnrolAny:
		return policy.SubjectEnrolment
	default:
		return ""
	}
}
