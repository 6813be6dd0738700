package est_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/touchmark/touchmark/api/est"
	"github.com/touchmark/touchmark/api/rest/resttest"
	certstest "github.com/touchmark/touchmark/certs-test"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// newLineBy is newLine under a rule of channel binding, behind TLS as the device
// listener has it.
func newLineBy(t *testing.T, rule enroll.BindingRule) (*line, string) {
	t.Helper()
	rig := resttest.Open(t)
	rig.Enroll.ChannelBinding = rule
	service, err := enroll.New(t.Context(), rig.Enroll)
	if err != nil {
		t.Fatal(err)
	}
	door, err := est.New(est.Config{Service: service, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	order, err := service.CreateOrder(t.Context(), resttest.Principal(identity.Admin), enroll.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 20})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(door)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true}
	server.StartTLS()
	t.Cleanup(server.Close)
	return &line{t: t, door: door, service: service, clock: rig.Clock, order: string(order.ID)}, server.Listener.Addr().String()
}

// connection is a client's connection of one version of TLS.
type connection struct {
	t    *testing.T
	conn *tls.Conn
}

func connect(t *testing.T, addr string, version uint16, certificates ...tls.Certificate) *connection {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, // #nosec G402 -- this server made its certificate up
		MinVersion:         version, MaxVersion: version, Certificates: certificates,
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &connection{t, conn.(*tls.Conn)}
}

// name is what RFC 7030, section 3.5, puts into the challenge password; of TLS 1.3
// what RFC 9266 has in its place.
func (c *connection) name() string {
	c.t.Helper()
	state := c.conn.ConnectionState()
	name := state.TLSUnique
	if state.Version == tls.VersionTLS13 {
		var err error
		if name, err = state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32); err != nil {
			c.t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(name)
}

// send posts a request by the connection and returns the answer's status and body.
func (c *connection) send(path, user, ticket string, csr []byte) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "https://localhost"+path, strings.NewReader(base64.StdEncoding.EncodeToString(csr)))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/pkcs10")
	if ticket != "" {
		r.SetBasicAuth(user, ticket)
	}
	if err := r.Write(c.conn); err != nil {
		c.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c.conn), r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, readAll(c.t, answer)
}

// versions are those of TLS that devices speak.
var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// A CSR that is bound to the connection that it comes by is taken; one that is bound
// to another, or was, is refused and costs nothing. One without a binding, or with
// somebody's password, is as good, unless bindings are required.
func TestChannelBindingOverTLS(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			for _, rule := range enroll.BindingRules() {
				t.Run(string(rule), func(t *testing.T) { tryBindings(t, rule, version) })
			}
		})
	}
}

func tryBindings(t *testing.T, rule enroll.BindingRule, version uint16) {
	l, addr := newLineBy(t, rule)
	earlier := connect(t, addr, version)
	refused := func(when ...enroll.BindingRule) int {
		if slices.Contains(when, rule) {
			return 400
		}
		return 200
	}
	for i, test := range []struct {
		name string
		csr  func(c *connection, key *ecdsa.PrivateKey) []byte
		want int
		says string
	}{
		{"its own", func(c *connection, key *ecdsa.PrivateKey) []byte {
			return certstest.CSRWith(t, key, certstest.ChallengePassword(c.name()))
		}, 200, ""},
		{"its own, by RFC 7894", func(c *connection, key *ecdsa.PrivateKey) []byte {
			return certstest.CSRWith(t, key, certstest.IdentityLinking(c.name()))
		}, 200, ""},
		{"another connection's", func(_ *connection, key *ecdsa.PrivateKey) []byte {
			return certstest.CSRWith(t, key, certstest.ChallengePassword(earlier.name()))
		}, refused(enroll.BindingOffered, enroll.BindingRequired), "another TLS connection"},
		{"of the other version's size", func(_ *connection, key *ecdsa.PrivateKey) []byte {
			size := map[uint16]int{tls.VersionTLS12: 32, tls.VersionTLS13: 12}[version]
			return certstest.CSRWith(t, key, certstest.ChallengePassword(base64.StdEncoding.EncodeToString(make([]byte, size))))
		}, refused(enroll.BindingOffered, enroll.BindingRequired), "another TLS connection"},
		{"twice", func(c *connection, key *ecdsa.PrivateKey) []byte {
			return certstest.CSRWith(t, key, certstest.ChallengePassword(c.name()), certstest.ChallengePassword(earlier.name()))
		}, refused(enroll.BindingOffered, enroll.BindingRequired), "once"},
		{"somebody's password", func(_ *connection, key *ecdsa.PrivateKey) []byte {
			return certstest.CSRWith(t, key, certstest.ChallengePassword("correct horse"))
		}, refused(enroll.BindingRequired), "not bound"},
		{"none", func(_ *connection, key *ecdsa.PrivateKey) []byte {
			return certstest.CSRWith(t, key)
		}, refused(enroll.BindingRequired), "not bound"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := *l
			l.t = t
			serial, key := "SN"+string(rune('1'+i)), resttest.NewKey(t)
			ticket := l.ticket(serial)
			c := connect(t, addr, version)
			status, body := c.send("/.well-known/est/simpleenroll", serial, ticket, test.csr(c, key))
			if status != test.want || status != 200 && (!strings.HasPrefix(body, "bad_csr: ") || !strings.Contains(body, test.says)) {
				t.Fatalf("status %d, want %d: %s", status, test.want, body)
			}
			// Whatever became of it, the ticket still opens for the same key.
			c = connect(t, addr, version)
			status, body = c.send("/.well-known/est/simpleenroll", serial, ticket, certstest.CSRWith(t, key, certstest.ChallengePassword(c.name())))
			if status != 200 {
				t.Errorf("bound anew: %d %s", status, body)
			}
		})
	}
}

// Somebody without a ticket is not told what is wrong with a CSR, bound or not.
func TestChannelBindingIsToldToThoseWhoProveThemselves(t *testing.T) {
	_, addr := newLineBy(t, enroll.BindingRequired)
	c := connect(t, addr, tls.VersionTLS13)
	if status, body := c.send("/.well-known/est/simpleenroll", "SN1", "wrong", certstest.CSRWith(t, resttest.NewKey(t))); status != 401 || body != "" {
		t.Errorf("%d %q, want 401 without a word", status, body)
	}
}

// A renewal is bound as an enrolment is.
func TestChannelBindingOfARenewal(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			l, addr := newLineBy(t, enroll.BindingOffered)
			key := resttest.NewKey(t)
			status, current := l.enrol("/.well-known/est", "SN1", l.ticket("SN1"), key)
			if status != 200 {
				t.Fatalf("status %d", status)
			}
			mine := tls.Certificate{Certificate: [][]byte{current.Raw}, PrivateKey: key}
			c := connect(t, addr, version, mine)
			old := certstest.CSRWith(t, key, certstest.ChallengePassword(c.name()))
			if status, body := connect(t, addr, version, mine).send("/.well-known/est/simplereenroll", "", "", old); status != 400 {
				t.Errorf("passed on: %d %s, want 400", status, body)
			}
			if status, body := c.send("/.well-known/est/simplereenroll", "", "", old); status != 200 {
				t.Errorf("by its own connection: %d %s, want 200", status, body)
			}
		})
	}
}

// csrattrs asks for the binding where clients of RFC 7030 can make one, and everywhere
// where it is required; then it has no template, which could not ask for it.
func TestCSRAttributesAskForTheBinding(t *testing.T) {
	const challengePassword = "06092a864886f70d010907"
	for name, version := range versions {
		for _, rule := range enroll.BindingRules() {
			t.Run(name+" "+string(rule), func(t *testing.T) {
				_, addr := newLineBy(t, rule)
				c := connect(t, addr, version)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://localhost/.well-known/est/csrattrs", nil)
				if err != nil {
					t.Fatal(err)
				}
				got := askAttributes(t, over(c), r)
				asked, required := got[0] == challengePassword, rule == enroll.BindingRequired
				if want := required || rule == enroll.BindingOffered && version == tls.VersionTLS12; asked != want {
					t.Errorf("asks for %q", got)
				}
				if template := strings.Contains(got[len(got)-1], "2a864886f70d010910023d"); template == required {
					t.Errorf("a template: %v, in %q", template, got)
				}
			})
		}
	}
}

// over is a handler that has the other end of a connection answer.
func over(c *connection) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.Write(c.conn); err != nil {
			c.t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(c.conn), r)
		if err != nil {
			c.t.Fatal(err)
		}
		defer answer.Body.Close()
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write([]byte(readAll(c.t, answer)))
	})
}
