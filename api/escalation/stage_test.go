package escalation_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/storetest"
)

// listener is one of the two on which operations are.
type listener string

const (
	apiListener    listener = "api"
	deviceListener listener = "device"
	estListener    listener = "est" // the part of the device listener that is EST's
)

// stage is a copy of the world on which one operation is tried again and again, each
// time from the beginning.
type stage struct {
	t     testing.TB
	doors map[listener]http.Handler
	store *storetest.Watched
	// refused counts each actor's refusals: the first twenty in a minute have a record
	// of their own, and on a stage no time passes.
	refused map[string]int
}

const recordedAlone = 20

func (w *world) stage(t testing.TB, begin enroll.Store) *stage {
	t.Helper()
	made := w.door.Enroll
	made.Store = storetest.Copy(begin)
	service, err := enroll.New(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	config := w.door.Config
	config.Service = service
	enrols, err := est.New(est.Config{Service: service, ServerKeygen: true, Log: config.Log})
	if err != nil {
		t.Fatal(err)
	}
	return &stage{
		t: t, store: storetest.Watch(made.Store), refused: map[string]int{},
		doors: map[listener]http.Handler{apiListener: rest.New(config), deviceListener: rest.EnrolHandler(config), estListener: enrols},
	}
}

// reply is an answer, with what it changed.
type reply struct {
	*httptest.ResponseRecorder
	changed []string
	records [][]byte
	dirty   bool // anything was written
}

// send sends a request as somebody, and leaves the store as the answer did.
func (s *stage) send(on listener, a *actor, r *http.Request) reply {
	s.t.Helper()
	if a.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+a.bearer)
	}
	if a.der != nil {
		show(r, a.der, s.t)
	}
	r.RemoteAddr = a.address // wrong codes are counted against where they come from, too
	answer := s.answer(on, r)
	if a.id == "break-glass" {
		answer.records = s.withoutUse(answer.records)
	}
	return answer
}

// answer sends a request as it is.
func (s *stage) answer(on listener, r *http.Request) reply {
	s.t.Helper()
	answer := reply{ResponseRecorder: httptest.NewRecorder()}
	s.doors[on].ServeHTTP(answer, r)
	answer.changed, answer.records = s.store.Changes()
	answer.dirty = len(answer.changed)+len(answer.records) > 0
	return answer
}

// withoutUse leaves out the record that each use of the break-glass token makes.
func (s *stage) withoutUse(records [][]byte) [][]byte {
	s.t.Helper()
	if kinds := kindsOf(s, records); len(kinds) == 0 || kinds[0] != "breakglass.used" {
		s.t.Errorf("the break-glass token was used, and %q is recorded", kinds)
		return records
	}
	return records[1:]
}

// again has everything be as it was in the beginning.
func (s *stage) again(last reply) {
	if last.dirty {
		s.store.Undo()
	}
}

// build makes a request of an operation's.
func build(t testing.TB, call string, asked request) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	id := url.PathEscape(asked.id)
	path = strings.NewReplacer("{id}", id, "{serial}", id, "{name}", id).Replace(path)
	if asked.query != "" {
		path += "?" + asked.query
	}
	return newRequest(t, method, path, asked.body)
}

// wants are what a list must name to somebody about a position.
func (i *items) wants(w *world, a *actor, at position) []string {
	var ids []string
	for _, t := range w.things[i.things] {
		if i.told(a, t) && (i.only == nil || i.only(w, at, t)) && (at == nowhere || i.only != nil || t.at.place() == at.place() || !i.exact && t.at.place().within(at.place())) {
			ids = append(ids, t.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// names are what a list names.
func (c *combination) names(s *stage) (ids []string) {
	s.t.Helper()
	for answer := c.answer; ; {
		var list struct {
			Items []m    `json:"items"`
			Next  string `json:"next"`
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
			s.t.Fatalf("%s: %v", answer.Body, err)
		}
		for _, item := range list.Items {
			ids = append(ids, c.form.items.id(item))
		}
		if list.Next == "" {
			slices.Sort(ids)
			return ids
		}
		next := c.asked
		next.query += "&after=" + url.QueryEscape(list.Next)
		answer = s.send(c.on, c.as, build(s.t, c.call, next))
	}
}

// told is all that an answer tells, but for the request's own id and what the caller
// named.
func (r reply) told(asked request) string {
	var text strings.Builder
	for _, name := range slices.Sorted(headerNames(r.Header())) {
		text.WriteString(name + ": " + strings.Join(r.Header()[name], ", ") + "\n")
	}
	text.WriteString(http.StatusText(r.Code) + "\n" + r.Body.String())
	said := strings.ReplaceAll(text.String(), r.Header().Get("X-Request-Id"), "(request)")
	for _, name := range asked.names() {
		said = strings.ReplaceAll(said, name, "(named)")
	}
	return said
}

func headerNames(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// names are the things that a request names, the longest first.
func (r request) names() []string {
	list := []string{r.id}
	if _, value, found := strings.Cut(r.query, "="); found {
		list = append(list, value[strings.LastIndexByte(value, '=')+1:])
	}
	if body, ok := r.body.(m); ok {
		for _, value := range body {
			switch value := value.(type) {
			case string:
				list = append(list, value)
			case place:
				list = append(list, string(value))
			}
		}
	}
	list = slices.DeleteFunc(list, func(name string) bool { return len(name) < len("/x") })
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}
