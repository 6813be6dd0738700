package identity

import "fmt"

// State is where a device stands in its life.
type State string

// The states of a device. Expected devices stand on an order's manifest and
// have no certificate yet; retired and revoked are final.
const (
	Expected State = "expected"
	Active   State = "active"
	Held     State = "held"
	Revoked  State = "revoked"
	Retired  State = "retired"
)

// States lists every state, in the order in which a device passes through them.
func States() []State { return []State{Expected, Active, Held, Revoked, Retired} }

// ParseState returns the state called s, or an error that lists them.
func ParseState(s string) (State, error) {
	for _, known := range States() {
		if s == string(known) {
			return known, nil
		}
	}
	return "", fmt.Errorf("%w: a device's state is one of %v", ErrName, States())
}

// Action is what an operator does to a device or a certificate.
type Action string

// The four actions. Release undoes Hold; the other two are final.
const (
	Hold    Action = "hold"
	Release Action = "release"
	Revoke  Action = "revoke"
	Retire  Action = "retire"
)

// Actions lists every action.
func Actions() []Action { return []Action{Hold, Release, Revoke, Retire} }

// After returns the state that a leads to from s. It returns s itself where the
// action was done already, and false where it is not possible from s: a held or
// released device must be active, and what is final stays.
func (s State) After(a Action) (State, bool) {
	switch a {
	case Hold:
		if s == Active || s == Held {
			return Held, true
		}
	case Release:
		if s == Active || s == Held {
			return Active, true
		}
	case Revoke:
		if s != Retired {
			return Revoked, true
		}
	case Retire:
		if s != Revoked {
			return Retired, true
		}
	}
	return s, false
}
