package escalation_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/store/storetest"
)

type m = map[string]any

// short is how long grants last that have ended by the time that anybody calls.
const short = time.Hour

// long is how long grants last that will end, and have not.
const long = 60 * 24 * time.Hour

// thing is something that lists tell of.
type thing struct {
	id string
	at position
	// whose is whom it is for, or who made it.
	whose string
}

// world is a fleet tree with something of every kind at every position, and all who
// call. It does not change once it was made: each operation is tried on copies.
type world struct {
	t       testing.TB
	door    *resttest.Door
	handler http.Handler
	device  http.Handler // of the device listener
	actors  []*actor

	secrets map[*actor][]secret

	// ids of what operations are about, by what it is and where.
	ids    map[string]map[position]string
	things map[string][]thing
	// certificates of devices by position, DER.
	certificates map[position][]byte
	request      string // a certificate request with a key that nobody has, PEM

	// plain is the world, and waiting the same where policy has everything wait for a
	// second person.
	plain, waiting enroll.Store
}

func newWorld(t testing.TB) *world {
	t.Helper()
	door := resttest.Open(t)
	w := &world{
		t: t, door: door, handler: rest.New(door.Config), device: rest.EnrolHandler(door.Config),
		ids: map[string]map[position]string{}, things: map[string][]thing{}, certificates: map[position][]byte{},
		request: resttest.CSR(t, resttest.NewKey(t)), secrets: map[*actor][]secret{},
	}
	w.ids["path"] = map[position]string{}
	for _, at := range fleets() {
		w.ids["path"][at] = string(at.place())
	}
	w.things["place"] = []thing{{id: string(root)}}
	w.set("fleet", top, "root")
	for _, at := range known() {
		w.things["place"] = append(w.things["place"], thing{id: string(at.place()), at: at})
		w.set("fleet", at, w.call("", "POST", "/api/v1/fleets", m{"path": at.place()}, 201)["id"].(string))
	}
	w.role("makers", "token.create")
	w.role("lookers", "device.read")
	w.cast()
	for _, at := range known() {
		w.furnish(at)
	}
	w.furnishOwned()
	w.door.Clock.Add(2 * short)
	w.furnishClaims()
	w.furnishApprovals()
	w.furnishUnknown()
	for _, a := range w.actors {
		w.introduce(a)
		w.secrets[a] = w.secretsOf(a)
	}
	w.readLog()
	w.plain = storetest.Copy(door.Store)
	w.policy("enrolment", "actions", "authority")
	w.waiting = storetest.Copy(door.Store)
	return w
}

// add adds somebody who calls.
func (w *world) add(a *actor) *actor {
	w.actors = append(w.actors, a)
	a.address = fmt.Sprintf("[2001:db8:%x::1]:1234", len(w.actors))
	return a
}

// set notes what operations at a position are about.
func (w *world) set(what string, at position, id string) {
	if w.ids[what] == nil {
		w.ids[what] = map[position]string{}
	}
	w.ids[what][at] = id
}

// subject makes a provider's subject of a name.
func (w *world) subject(name string) string {
	return strings.NewReplacer(" ", "-", "'", "").Replace(name)
}

// call makes a call that must succeed: as the break-glass administrator where nobody
// is named.
func (w *world) call(bearer, method, path string, body any, status int) m {
	w.t.Helper()
	if bearer == "" {
		bearer = w.door.BreakGlass
	}
	r := newRequest(w.t, method, path, body)
	r.Header.Set("Authorization", "Bearer "+bearer)
	return w.serve(w.handler, r, status)
}

func (w *world) serve(h http.Handler, r *http.Request, status int) m {
	w.t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if answer.Code != status {
		w.t.Fatalf("%s %s: %d %s, want %d", r.Method, r.URL, answer.Code, answer.Body, status)
	}
	var read m
	if answer.Body.Len() > 0 {
		if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
			w.t.Fatal(err)
		}
	}
	return read
}

func newRequest(t testing.TB, method, path string, body any) *http.Request {
	t.Helper()
	text := ""
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(text))
	if text != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// role makes a role of the organisation's own.
func (w *world) role(name string, may ...permission) {
	w.t.Helper()
	w.call("", "PUT", "/api/v1/roles/"+name, m{"permissions": may}, 200)
}

// grant gives somebody a role on a branch, for a time where one is named.
func (w *world) grant(id, role string, on place, lasting time.Duration) string {
	w.t.Helper()
	body := m{"for": id, "role": role, "fleet": on}
	if lasting != 0 {
		body["until"] = w.door.Clock.Now().Add(lasting)
	}
	made := w.call("", "POST", "/api/v1/grants", body, 201)["id"].(string)
	w.things["grant"] = append(w.things["grant"], thing{made, positionOf(on), id})
	return made
}

// positionOf returns where something in a fleet stands.
func positionOf(on place) position {
	for _, at := range known() {
		if at.place() == on {
			return at
		}
	}
	return nowhere
}

// token has somebody make a scoped token, and adds its holder.
func (w *world) token(maker *actor, name string, on place, may []permission) *actor {
	w.t.Helper()
	body := m{"name": name, "fleet": on, "permissions": may, "until": w.door.Clock.Now().AddDate(0, 1, 0)}
	made := w.call(maker.bearer, "POST", "/api/v1/tokens", body, 201)
	id := made["id"].(string)
	w.things["token"] = append(w.things["token"], thing{id, positionOf(on), maker.id})
	return w.add(&actor{name: name, id: "token:" + id, bearer: made["token"].(string), answers: maker.id, scope: &holding{powersOf(may...), on}, made: id})
}

// policy has things wait for a second person everywhere.
func (w *world) policy(subjects ...string) {
	w.t.Helper()
	w.call("", "PUT", "/api/v1/fleets/root/policy", m{"policy": m{"approval": append([]string{}, subjects...)}}, 200)
}

// enrol enrols a device under an order of its own, and returns its id and certificate.
func (w *world) enrol(serial string, on place) (id string, der []byte) {
	w.t.Helper()
	order := w.call("", "POST", "/api/v1/orders", m{"fleet": on, "model": "TH20", "quantity": 1}, 201)["id"].(string)
	w.things["order"] = append(w.things["order"], thing{id: order, at: positionOf(on)})
	id, der, _ = w.enrolUnder(order, serial, on)
	return id, der
}

// enrolUnder enrols a device under an order.
func (w *world) enrolUnder(order, serial string, on place) (id string, der []byte, certificate string) {
	w.t.Helper()
	body := m{"serial": serial, "csr": resttest.CSR(w.t, resttest.NewKey(w.t))}
	made := w.call("", "POST", "/api/v1/orders/"+order+"/devices", body, 201)
	block, _ := pem.Decode([]byte(made["certificate"].(string)))
	id, certificate = made["device"].(string), made["serial"].(string)
	w.things["device"] = append(w.things["device"], thing{id: id, at: positionOf(on)})
	w.things["certificate"] = append(w.things["certificate"], thing{id: certificate, at: positionOf(on)})
	return id, block.Bytes, certificate
}

// readLog notes which records there are, and where what they tell of happened.
func (w *world) readLog() {
	w.t.Helper()
	err := w.door.Store.View(w.t.Context(), func(r enroll.Reader) error {
		w.things["record"] = nil
		for page := (enroll.Page{Limit: enroll.MaxPage}); ; {
			part, err := r.Records(enroll.RecordFilter{Page: page})
			if err != nil {
				return err
			}
			for _, record := range part.Items {
				w.things["record"] = append(w.things["record"], w.recorded(record))
			}
			if page.After = part.Next; page.After == "" {
				return nil
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// recorded returns a record as a thing, whose is the device's that it is about.
func (w *world) recorded(record enroll.Record) thing {
	w.t.Helper()
	var head struct {
		Fleet  string `json:"fleet_id"`
		Device string `json:"device"`
	}
	if err := json.Unmarshal(record.Data, &head); err != nil {
		w.t.Fatal(err)
	}
	at := nowhere
	for _, what := range []string{"fleet", "empty fleet"} {
		for position, id := range w.ids[what] {
			if id == head.Fleet {
				at = position
			}
		}
	}
	return thing{fmt.Sprint(record.Index), at, head.Device}
}

// introduce has somebody be refused something, so that the house knows them: what is
// refused later is to write nothing but its record.
func (w *world) introduce(a *actor) {
	w.t.Helper()
	if a.bearer == "" {
		return
	}
	r := newRequest(w.t, "DELETE", "/api/v1/roles/no-such-role", nil)
	r.Header.Set("Authorization", "Bearer "+a.bearer)
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusForbidden && answer.Code != http.StatusNotFound {
		w.t.Fatal(fmt.Sprint(a.name, ": ", answer.Code, " ", answer.Body))
	}
}
