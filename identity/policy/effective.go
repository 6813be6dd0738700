package policy

import "github.com/touchmark/touchmark/identity"

// Layer is a fleet and what its own policy says.
type Layer struct {
	Fleet  identity.FleetID
	Path   identity.FleetPath // for people to read
	Policy Policy
}

// Origin is a fleet that something comes from.
type Origin struct {
	Fleet identity.FleetID   `json:"fleet"`
	Path  identity.FleetPath `json:"path"` // what it was called when the policy was evaluated
}

// Effective is what holds at a fleet. The zero value is what holds where no fleet
// says anything: the defaults. It never changes and may be shared; a copy costs a
// pointer, and a fleet that sets no field shares its parent's.
type Effective struct{ fields *[fieldCount]state }

// state is a field at a fleet.
type state struct {
	// value holds. It was said by from, which is nil for the default.
	value value
	from  *Origin
	// bound is the loosest that fleets below may set. The highest fleet to demand
	// it is closedBy, which is nil where there is no bound.
	bound    value
	closedBy *Origin
	// said is what from said, where by cut it down to value.
	said value
	by   *Origin
}

// Evaluate returns what holds at the last of the layers, which are those from the
// root down, without gaps. No layers are the defaults.
func Evaluate(layers []Layer) Effective {
	e := Effective{}
	for _, layer := range layers {
		if layer.Policy.Empty() {
			continue
		}
		if e.fields == nil {
			e.fields = defaults()
		}
		apply(e.fields, layer)
	}
	return e
}

// Below returns what holds at a fleet right below the one that e holds at. What
// Evaluate returns for a path is what Below returns step by step.
func (e Effective) Below(layer Layer) Effective {
	if layer.Policy.Empty() {
		return e
	}
	fields := defaults()
	if e.fields != nil {
		*fields = *e.fields
	}
	apply(fields, layer)
	return Effective{fields: fields}
}

func defaults() *[fieldCount]state {
	fields := new([fieldCount]state)
	for i := range fields {
		fields[i].value = index(i).byDefault()
	}
	return fields
}

// apply steps from a fleet's parent to the fleet.
func apply(fields *[fieldCount]state, layer Layer) {
	here := &Origin{Fleet: layer.Fleet, Path: layer.Path}
	for i := range fieldCount {
		if layer.Policy.set.has(i) {
			s := &fields[i]
			s.set(i, layer.Policy.said[i], here)
			if !layer.Policy.loosen.has(i) {
				s.close(here)
			}
		}
	}
}

// set has here say a value.
func (s *state) set(i index, said value, here *Origin) {
	s.value, s.from, s.said, s.by = said, here, value{}, nil
	if s.closedBy == nil {
		return
	}
	if kept := i.meet(said, s.bound); kept != said {
		s.value, s.said, s.by = kept, said, s.closedBy
	}
}

// close makes the value the bound.
func (s *state) close(here *Origin) {
	if s.closedBy == nil || s.bound != s.value {
		s.bound, s.closedBy = s.value, here
	}
}

// at returns a field's state.
func (e Effective) at(i index) state {
	if e.fields == nil {
		return state{value: i.byDefault()}
	}
	return e.fields[i]
}

// value returns what holds.
func (e Effective) value(i index) value {
	if e.fields == nil {
		return i.byDefault()
	}
	return e.fields[i].value
}

// isSet reports whether a fleet said anything.
func (e Effective) isSet(i index) bool { return e.fields != nil && e.fields[i].from != nil }

// loosenable reports whether a fleet below may get a looser value, or, of a field
// without order, another one.
func (s state) loosenable(i index) bool {
	switch {
	case i.order() == unordered:
		return s.closedBy == nil
	case s.closedBy == nil:
		return s.value != i.loosest()
	default:
		return s.value != s.bound
	}
}
