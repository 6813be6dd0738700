package escalation_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/touchmark/touchmark/api/rest"
)

// least is how many combinations are tried at least: a number that only grows, so that
// nothing falls out of the test unnoticed.
const least = 100_000

// Every operation of both listeners, as everybody, about everything: what is answered,
// what is told, and what is changed is what the model says, and no more.
func TestNobodyCanDoWhatTheyWereNotGranted(t *testing.T) {
	w := newWorld(t)
	var tried tally
	t.Run("operations", func(t *testing.T) {
		for on, operations := range map[listener][]operation{apiListener: apiOperations(), deviceListener: deviceDoorOperations()} {
			tried.all.Add(int64(len(operations)))
			for _, o := range operations {
				t.Run(string(on)+" "+o.call, func(t *testing.T) {
					t.Parallel()
					tried.add(w.try(t, on, o))
				})
			}
		}
	})
	tried.enough(t, least)
}

// tally counts operations, those that were tried, and in how many combinations.
type tally struct{ all, operations, combinations atomic.Int64 }

func (n *tally) add(combinations int64) {
	n.operations.Add(1)
	n.combinations.Add(combinations)
}

// enough fails where too few combinations were tried, unless some of the operations
// were left out by -run.
func (n *tally) enough(t *testing.T, least int64) {
	t.Helper()
	if n.combinations.Load() < least && n.operations.Load() == n.all.Load() && !t.Failed() {
		t.Errorf("%d combinations were tried, and %d are the least", n.combinations.Load(), least)
	}
}

// Whoever adds an operation says in the model who may use it, and in the document which
// permission it takes.
func TestEveryOperationIsKnownAndHasAPermission(t *testing.T) {
	w := newWorld(t)
	for on, document := range map[listener]http.Handler{apiListener: rest.New(w.door.Config), deviceListener: rest.EnrolDocument(w.door.Config)} {
		operations := map[listener][]operation{apiListener: apiOperations(), deviceListener: deviceDoorOperations()}[on]
		model := map[string]operation{}
		for _, o := range operations {
			if _, twice := model[o.call]; twice || len(o.forms) == 0 {
				t.Errorf("%s: %s is in the model twice, or without a way to ask for it", on, o.call)
			}
			model[o.call] = o
		}
		for call, permission := range documented(t, document) {
			o, known := model[call]
			switch {
			case permission == "":
				t.Errorf("%s: %s has no permission (x-permission)", on, call)
			case !known:
				t.Errorf("%s: the model does not know %s; say there who may use it", on, call)
			case o.permission != permission:
				t.Errorf("%s: %s takes %s, and in the model %s", on, call, permission, o.permission)
			}
			delete(model, call)
		}
		for call := range model {
			t.Errorf("%s: there is no %s any more", on, call)
		}
	}
}

// documented returns the operations of an OpenAPI document with their permissions.
func documented(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, newRequest(t, "GET", "/openapi.json", nil))
	var document struct {
		Paths map[string]map[string]struct {
			Permission string `json:"x-permission"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil || len(document.Paths) == 0 {
		t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	operations := map[string]string{}
	for path, item := range document.Paths {
		for method, o := range item {
			operations[strings.ToUpper(method)+" "+path] = o.Permission
		}
	}
	return operations
}

// try tries one operation in all its forms as everybody, and returns how often.
func (w *world) try(t *testing.T, on listener, o operation) (tried int64) {
	plain, waiting := w.stage(t, w.plain), w.stage(t, w.waiting)
	for _, f := range o.forms {
		for _, a := range w.actors {
			if f.who != nil && !f.who(a) {
				continue
			}
			s := plain
			if a.waits {
				s = waiting
			}
			tried += w.tryAs(s, on, o, f, a)
			if t.Failed() {
				return tried // the rest would be the same again
			}
		}
	}
	return tried
}

// expects returns what the model says of a call.
func (f *form) expects(on listener, a *actor, at position) outcome {
	if a.bearer == "" && (on == apiListener || a.der == nil) {
		return nobody
	}
	said := f.want(a, at)
	if said == allowed && f.waits && a.waits && a.id != "break-glass" && (f.byGrant == "" || a.may(f.byGrant, at.place())) {
		return waits
	}
	return said
}

// tryAs tries one form as somebody at every position, the unknown one first: what lies
// outside is to look like it.
func (w *world) tryAs(s *stage, on listener, o operation, f form, a *actor) (tried int64) {
	s.t.Helper()
	positions := slices.Clone(f.at)
	if i := slices.Index(positions, unknown); i > 0 {
		positions[0], positions[i] = positions[i], positions[0]
	}
	missing := ""
	for _, at := range positions {
		asked := f.ask(w, a, at)
		r := build(s.t, o.call, asked)
		want := f.expects(on, a, at)
		answer := s.send(on, a, r)
		c := combination{on, o.call, f, a, at, asked, want, answer}
		c.check(s, w)
		if want == waits {
			tried += c.decide(s, w, on, o)
		}
		if at == unknown {
			missing = answer.told(asked)
		} else if missing != "" && !f.open && at != nowhere && !a.sees(at.place()) && !a.hasPartIn(at) {
			if told := answer.told(asked); told != missing {
				c.fail(s, "outside of their branches they are told\n%s\nand of what is not there\n%s", told, missing)
			}
		}
		s.again(answer)
		tried++
	}
	return tried
}
