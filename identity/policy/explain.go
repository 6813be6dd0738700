package policy

import "encoding/json"

// Shown is a field's value for programs and for people.
type Shown struct {
	// Value is as in a Config, and null where it limits nothing.
	Value json.RawMessage `json:"value"`
	// Text is for people: "24h", "ecdsa-p256, ed25519", "none", "any".
	Text string `json:"text"`
}

// Setting says what holds of a field at a fleet, and why.
type Setting struct {
	Field Field `json:"field"`
	Shown
	// From is the fleet that set it; nil for the default.
	From *Origin `json:"from,omitempty"`
	// Clamped is there where From set it looser than a fleet above it allows.
	Clamped *Limit `json:"clamped,omitempty"`
	// Loosenable is whether fleets below may set it looser, or, where there is no
	// looser, otherwise.
	Loosenable bool `json:"loosenable"`
	// Bound is the loosest that fleets below may set, and the fleet that wants it
	// so; nil where there is none.
	Bound *Limit `json:"bound,omitempty"`
}

// Limit is a value and the fleet that a limit comes from. In Setting.Clamped it is
// what was set, and the fleet above whose bound did not allow it.
type Limit struct {
	Shown
	By Origin `json:"by"`
}

// Explain tells of each field, in the order of [Fields], what holds and from where.
func (e Effective) Explain() []Setting {
	settings := make([]Setting, 0, fieldCount)
	for i := range fieldCount {
		s := e.at(i)
		setting := Setting{Field: i.field(), Shown: i.shown(s.value), Loosenable: s.loosenable(i)}
		if s.from != nil {
			setting.From = new(*s.from)
		}
		if s.by != nil {
			setting.Clamped = &Limit{Shown: i.shown(s.said), By: *s.by}
		}
		if s.closedBy != nil {
			setting.Bound = &Limit{Shown: i.shown(s.bound), By: *s.closedBy}
		}
		settings = append(settings, setting)
	}
	return settings
}

// Change is a field that holds otherwise than before.
type Change struct {
	Field  Field `json:"field"`
	Before Shown `json:"before"`
	After  Shown `json:"after"`
}

// Diff tells which fields hold otherwise after than before, in the order of
// [Fields]. Where they come from and what fleets below may set is not compared.
func Diff(before, after Effective) (changes []Change) {
	if before.fields == after.fields {
		return nil
	}
	for i := range fieldCount {
		was, is := before.value(i), after.value(i)
		if was != is {
			changes = append(changes, Change{Field: i.field(), Before: i.shown(was), After: i.shown(is)})
		}
	}
	return changes
}

// Alike reports whether all holds after as it did before, at the fleet and at each
// fleet below it, whatever those say: neither values nor bounds differ.
func Alike(before, after Effective) bool {
	for i := range fieldCount {
		was, is := before.at(i), after.at(i)
		open := was.closedBy == nil && is.closedBy == nil
		bound := was.closedBy != nil && is.closedBy != nil && was.bound == is.bound
		if was.value != is.value || !open && !bound {
			return false
		}
	}
	return true
}

func (i index) shown(v value) Shown { return Shown{Value: i.json(v), Text: i.text(v)} }
