package escalation_test

// operation is what the model knows of one operation of a door.
type operation struct {
	call       string // method and path
	permission string // x-permission, as the document has it
	forms      []form
}

// form is one way in which an operation is asked for.
type form struct {
	name string
	at   []position
	// ask makes the request about a position; of its members the id stands in the path.
	ask  func(w *world, a *actor, at position) request
	want rule
	// status is of success.
	status int
	// reads says that success changes nothing.
	reads bool
	// waits says that policy can have it wait for a second person.
	waits bool
	// byGrant says for whom it waits: owners need nobody for what is theirs.
	byGrant permission
	// second is what whoever approves must hold; where it is empty, what the operation
	// takes.
	second permission
	// who leaves out whom a form makes no sense for; nil for nobody.
	who func(*actor) bool
	// items checks a list: what it must name, and how.
	items *items
	// open says that whoever can name a thing may know of it, as with a code.
	open bool
}

// request is what differs from one request to the next.
type request struct {
	id, query string
	body      any
}

// items are what a list must name.
type items struct {
	things string
	told   func(a *actor, t thing) bool
	id     func(m) string
	exact  bool // of the fleet itself, and not of those below it
	// only leaves out what was not asked for; nil for nothing.
	only func(w *world, at position, t thing) bool
}

// about asks about what stands at a position, with a body or none.
func about(what string, body any) func(*world, *actor, position) request {
	return func(w *world, _ *actor, at position) request {
		return request{id: w.ids[what][at], body: body}
	}
}

// in asks for something in a fleet that the body names by its path.
func in(member string, body m) func(*world, *actor, position) request {
	return func(_ *world, _ *actor, at position) request {
		full := m{member: at.place()}
		for name, value := range body {
			full[name] = value
		}
		return request{body: full}
	}
}

// once asks for what has nothing to do with a position.
func once(id string, body any) func(*world, *actor, position) request {
	return func(*world, *actor, position) request { return request{id: id, body: body} }
}

// listing asks for a list, of a branch where the position has one.
func listing(parameter string) func(*world, *actor, position) request {
	return func(_ *world, _ *actor, at position) request {
		if at == nowhere {
			return request{query: "limit=1000"}
		}
		return request{query: "limit=1000&" + parameter + "=" + string(at.place())}
	}
}

// member returns how an item of a list names its thing.
func member(name string) func(m) string {
	return func(item m) string { id, _ := item[name].(string); return id }
}

// where is the rule of what a list tells: what stands where the permission is held.
func where(need permission) func(*actor, thing) bool {
	return func(a *actor, t thing) bool { return a.may(need, t.at.place()) }
}

func lists() []position { return append([]position{nowhere}, fleets()...) }

// apiOperations are those of the api listener, in the order of its document.
func apiOperations() []operation {
	var list []operation
	for _, some := range [][]operation{
		orderOperations(), deviceOperations(), ownerOperations(), claimOperations(), certificateOperations(), fleetOperations(),
		grantOperations(), roleOperations(), tokenOperations(), approvalOperations(), installationOperations(),
	} {
		list = append(list, some...)
	}
	return list
}

// deviceDoorOperations are those of the device listener that are not EST's.
func deviceDoorOperations() []operation {
	return append(stationOperations(), startedClaimOperations()...)
}
