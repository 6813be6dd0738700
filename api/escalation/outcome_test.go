package escalation_test

import "net/http"

// outcome is what the model expects of a call.
type outcome int

const (
	allowed      outcome = iota // the operation's own status
	waits                       // 202, and nothing is done
	nobody                      // 401
	forbidden                   // 403: it is seen, or held by nobody's grant anywhere
	notFound                    // 404: it is not there, or may not be known of
	wrongState                  // 409: it is allowed, and makes no sense now
	unacceptable                // 400: no such thing can be asked for by them
)

// status returns how a call is answered whose success has a status.
func (o outcome) status(success int) int {
	switch o {
	case waits:
		return http.StatusAccepted
	case nobody:
		return http.StatusUnauthorized
	case forbidden:
		return http.StatusForbidden
	case notFound:
		return http.StatusNotFound
	case wrongState:
		return http.StatusConflict
	case unacceptable:
		return http.StatusBadRequest
	default:
		return success
	}
}

// rule is the model's answer to somebody's call about something at a position.
type rule func(a *actor, at position) outcome

// onThing is the rule of what stands in a fleet: whoever holds the permission nowhere
// is told so, whatever they ask about; what lies outside somebody's branches is not
// there; and what they may read and no more is forbidden.
func onThing(need permission, reading ...permission) rule {
	return func(a *actor, at position) outcome {
		if !a.anywhere(need) {
			return forbidden
		}
		return inside(need, reading...)(a, at)
	}
}

// inside is onThing for operations that everybody may try.
func inside(need permission, reading ...permission) rule {
	return func(a *actor, at position) outcome {
		if at == unknown {
			return notFound
		}
		if a.may(need, at.place()) {
			return allowed
		}
		for _, p := range reading {
			if a.may(p, at.place()) {
				return forbidden
			}
		}
		return notFound
	}
}

// onDevice is onThing for devices and their certificates, which owners see and hold.
func onDevice(need, reading permission) rule {
	return func(a *actor, at position) outcome {
		owners := ownersMay()[need]
		switch {
		case !a.anywhere(need) && !(owners && a.ownsAny()):
			return forbidden
		case a.owns(at) && owners:
			return allowed
		case a.owns(at) && !a.may(need, at.place()):
			return forbidden
		default:
			return inside(need, reading)(a, at)
		}
	}
}

// onWholeTree is the rule of what the whole installation is asked for.
func onWholeTree(need permission) rule {
	return func(a *actor, _ position) outcome {
		if a.may(need, root) {
			return allowed
		}
		return forbidden
	}
}

// anybody is the rule of what everybody may who proved who they are.
func anybody(*actor, position) outcome { return allowed }

// ofList is the rule of a list with ?fleet=: a branch that may not be listed is not
// there.
func ofList(need permission) rule {
	return func(a *actor, at position) outcome {
		switch {
		case !a.anywhere(need):
			return forbidden
		case at == nowhere:
			return allowed
		default:
			return inside(need)(a, at)
		}
	}
}

// people is a rule for those alone who signed in at the provider.
func people(then rule) rule {
	return func(a *actor, at position) outcome {
		if !a.person {
			return forbidden
		}
		return then(a, at)
	}
}

// but replaces an outcome at some positions.
func (r rule) but(o, instead outcome, where ...position) rule {
	return func(a *actor, at position) outcome {
		said := r(a, at)
		for _, p := range where {
			if at == p && said == o {
				return instead
			}
		}
		return said
	}
}

// and has a call need more, which is forbidden to whom more is not so.
func (r rule) and(more func(a *actor, at position) bool) rule {
	return func(a *actor, at position) outcome {
		if said := r(a, at); said != allowed || more(a, at) {
			return said
		}
		return forbidden
	}
}
