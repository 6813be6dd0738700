package escalation_test

import (
	"encoding/base64"
	"encoding/pem"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/touchmark/touchmark/api/est"
)

// leastEST is how many combinations are tried at least at the door of EST.
const leastEST = 15_000

// proof is what a device shows at the door of EST.
type proof string

const (
	nothing       proof = "nothing"
	ticket        proof = "a ticket"
	othersTicket  proof = "another device's ticket"
	wrongTicket   proof = "a ticket that was never drawn"
	certificate   proof = "its certificate"
	heldsOwn      proof = "the certificate of a held device"
	ticketAndMore proof = "a ticket, over another device's certificate"
)

// estOperation is what the model knows of an operation of EST, which is the same below
// each of the door's addresses.
type estOperation struct {
	method, name string
	// want is the answer to each proof, where nothing waits.
	want map[proof]int
}

// estOperations is all of EST (RFC 7030) that there is. Who calls plays no part in it:
// a bearer token opens nothing here.
func estOperations() []estOperation {
	public := map[proof]int{nothing: 200, certificate: 200}
	return []estOperation{
		{"GET", "cacerts", public},
		{"GET", "csrattrs", public},
		{"POST", "simpleenroll", map[proof]int{nothing: 401, ticket: 200, othersTicket: 401, wrongTicket: 401, certificate: 401, ticketAndMore: 200}},
		{"POST", "serverkeygen", map[proof]int{nothing: 401, ticket: 200, othersTicket: 401, wrongTicket: 401, certificate: 200, heldsOwn: 409, ticketAndMore: 200}},
		{"POST", "simplereenroll", map[proof]int{nothing: 401, ticket: 401, certificate: 200, heldsOwn: 409}},
	}
}

// Every operation of EST as everybody, with every proof, of devices in every part of
// the tree: a ticket opens for its device and a certificate for its own, whoever shows
// it and whatever else they show or may.
func TestESTGivesNobodyAnotherDevicesCertificate(t *testing.T) {
	w := newWorld(t)
	var tried tally
	t.Run("operations", func(t *testing.T) {
		routes := estRoutes(t, w)
		tried.all.Add(int64(len(routes)))
		for _, route := range routes {
			t.Run(route, func(t *testing.T) {
				t.Parallel()
				tried.add(w.tryEST(t, route))
			})
		}
	})
	tried.enough(t, leastEST)
}

// estRoutes are the addresses of the door, as "POST /.well-known/est/simpleenroll".
func estRoutes(t *testing.T, w *world) (routes []string) {
	t.Helper()
	door, err := est.New(est.Config{Service: w.door.Service, ServerKeygen: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = chi.Walk(door.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, method+" "+route)
		return nil
	})
	if err != nil || len(routes) == 0 {
		t.Fatalf("the door has %q: %v", routes, err)
	}
	return routes
}

// tryEST tries one address, and returns how often.
func (w *world) tryEST(t *testing.T, route string) (tried int64) {
	known := estOperations()
	i := slices.IndexFunc(known, func(o estOperation) bool {
		return strings.HasPrefix(route, o.method+" ") && strings.HasSuffix(route, "/.well-known/est/"+o.name) ||
			strings.HasPrefix(route, o.method+" /.well-known/est/{order}/") && strings.HasSuffix(route, "/"+o.name)
	})
	if i < 0 {
		t.Fatalf("the model does not know %s; say there what it takes", route)
	}
	plain, waiting := w.stage(t, w.plain), w.stage(t, w.waiting)
	for _, a := range w.actors {
		s := plain
		if a.waits {
			s = waiting
		}
		for proof, want := range known[i].want {
			for _, at := range estPositions(proof) {
				w.tryProof(s, route, a, proof, at, want)
				tried++
			}
		}
		if t.Failed() {
			break
		}
	}
	return tried
}

// estPositions are where the device is that something proves.
func estPositions(p proof) []position {
	if p == nothing {
		return []position{nowhere}
	}
	return known()
}

// tryProof shows one proof of a device at a position.
func (w *world) tryProof(s *stage, route string, a *actor, p proof, at position, want int) {
	s.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	label := w.ids["order"][at]
	if label == "" {
		label = w.ids["order"][own]
	}
	r := newRequest(s.t, method, strings.Replace(path, "{order}", label, 1), nil)
	if method == http.MethodPost {
		block, _ := pem.Decode([]byte(w.request))
		r = newESTRequest(s.t, r, base64.StdEncoding.EncodeToString(block.Bytes))
	}
	r.RemoteAddr = a.address
	device := w.prove(s, r, a, p, at)
	// Enrolments wait, and renewals do not.
	waits := a.waits && (p == ticket || p == ticketAndMore) && want == http.StatusOK
	if waits {
		want = http.StatusAccepted
	}
	answer := s.answer(estListener, r)
	s.again(answer)
	fail := func(format string, values ...any) {
		s.t.Helper()
		s.t.Errorf("%s as %s, with %s, %s: "+format, append([]any{route, a.name, p, at}, values...)...)
	}
	if answer.Code != want {
		fail("%d %s, want %d", answer.Code, answer.Body, want)
		return
	}
	switch {
	case waits:
		for _, row := range answer.changed {
			if !asks(row) {
				fail("waits, and changed %s", row)
			}
		}
	case method == http.MethodPost && want == http.StatusOK:
		for _, row := range answer.changed {
			if strings.HasPrefix(row, "device ") && row != "device "+device {
				fail("changed %s, and is about %s", row, device)
			}
		}
		if !slices.Contains(answer.changed, "device "+device) {
			fail("changed %q, and not %s", answer.changed, device)
		}
	case slices.ContainsFunc(answer.changed, func(row string) bool { return !strings.HasPrefix(row, "refused ") }): // an order counts its own
		fail("changed %q", answer.changed)
	}
}

// prove adds a proof to a request, and returns the device that it is of. Whoever calls
// shows besides what they have, where that leaves room for it.
func (w *world) prove(s *stage, r *http.Request, a *actor, p proof, at position) (device string) {
	s.t.Helper()
	if a.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+a.bearer)
	}
	serial, text := w.ids["expected"][at], w.ids["ticket"][at]
	switch p {
	case nothing:
	case ticket:
		r.SetBasicAuth(serial, text)
	case ticketAndMore:
		r.SetBasicAuth(serial, text)
		show(r, w.certificates[at], s.t)
	case othersTicket:
		others := map[position]position{own: sibling, sibling: own, child: parent, parent: child}
		r.SetBasicAuth(serial, w.ids["ticket"][others[at]])
	case wrongTicket:
		r.SetBasicAuth(serial, text[:len(text)-4]+"0000")
	case certificate:
		show(r, w.certificates[at], s.t)
		return w.ids["active"][at]
	case heldsOwn:
		show(r, []byte(w.ids["held's DER"][at]), s.t)
	}
	return "TH20-" + serial
}

func newESTRequest(t testing.TB, r *http.Request, body string) *http.Request {
	t.Helper()
	made, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	made.Header.Set("Content-Type", "application/pkcs10")
	made.Header.Set("Content-Transfer-Encoding", "base64")
	return made
}
